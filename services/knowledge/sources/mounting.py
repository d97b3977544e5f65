"""The routers of this folder, to be mounted before the documents' own, whose ids would match their paths."""

from services.knowledge.sources import resumable_routes, routes

ROUTERS = (routes.router, resumable_routes.listing, resumable_routes.router)
