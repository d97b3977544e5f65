"""One OpenAPI page over every service's public paths."""

import asyncio
import time
from typing import Any

import httpx

from libs.config.settings import ServiceName, Settings
from libs.service.app import VERSION
from services.gateway.routing import TARGETS, target_of

CACHE_S = 60.0
FETCH_TIMEOUT_S = 3.0
METHODS = frozenset({"get", "put", "post", "delete", "patch"})

Document = dict[str, Any]


class OpenApi:
    """The merged document, made from what each service says of itself; one that is away is left out until later."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http
        self._document: Document = {}
        self._made_at = float("-inf")

    async def document(self) -> Document:
        if time.monotonic() - self._made_at > CACHE_S:
            services: list[ServiceName] = list(dict.fromkeys(target.service for target in TARGETS))
            parts = await asyncio.gather(*(self._fetch(service) for service in services))
            self._document = merge({service: part for service, part in zip(services, parts, strict=True) if part})
            if all(parts):
                self._made_at = time.monotonic()
        return self._document

    async def _fetch(self, service: ServiceName) -> Document | None:
        try:
            response = await self._http.get(f"{self._settings.url(service)}/openapi.json", timeout=FETCH_TIMEOUT_S)
            document: Document = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None
        return document


def merge(documents: dict[ServiceName, Document]) -> Document:
    """Public paths only; a model that two services define differently keeps its service's name in front."""
    paths: Document = {}
    schemas: Document = {}
    for service, document in documents.items():
        names = _final_names(service, document.get("components", {}).get("schemas", {}), schemas)
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            schemas[names[name]] = _renamed(schema, names)
        for path, operations in document.get("paths", {}).items():
            target = target_of(path)
            if target is None or target.service != service:
                continue
            paths[path] = {
                method: {**_renamed(operation, names), "tags": [service], "security": [{"bearer": []}, {"apiKey": []}]}
                for method, operation in operations.items()
                if method in METHODS
            }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Footnote",
            "version": VERSION,
            "description": "Answers from an organisation's own documents, each sentence cited.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _final_names(service: ServiceName, own: Document, taken: Document) -> dict[str, str]:
    return {
        name: name if name not in taken or taken[name] == schema else f"{service.capitalize()}{name}"
        for name, schema in own.items()
    }


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        items: Document = node  # pyright: ignore[reportUnknownVariableType] - JSON
        renamed = {key: _renamed(value, names) for key, value in items.items()}
        reference = renamed.get("$ref")
        if isinstance(reference, str):
            prefix, _, name = reference.rpartition("/")
            renamed["$ref"] = f"{prefix}/{names.get(name, name)}"
        return renamed
    if isinstance(node, list):
        parts: list[Any] = node  # pyright: ignore[reportUnknownVariableType] - JSON
        return [_renamed(part, names) for part in parts]
    return node
