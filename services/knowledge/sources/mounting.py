"""The routers of this folder, to be mounted before the documents' own, whose ids would match their paths."""

from services.knowledge.sources import registry_routes, resumable_routes, routes

ROUTERS = (routes.router, resumable_routes.listing, resumable_routes.router, registry_routes.router)
