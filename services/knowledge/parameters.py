"""Which query parameters an address has."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError

from services.knowledge.listing import METADATA_PREFIX, filters


async def require_known_parameters(request: Request) -> None:
    """422 naming a query parameter that the address doesn't have: ignored, it would make the answer another one."""
    dependant: Dependant = request.scope["route"].dependant
    known = set(_parameters(dependant))
    free = any(one.call is filters for one in dependant.dependencies)
    unknown = [
        name
        for name in dict.fromkeys(request.query_params.keys())
        if name not in known and not (free and name.startswith(METADATA_PREFIX))
    ]
    if unknown:
        message = f"no such parameter; there is {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError(
            [{"loc": ("query", name[:100]), "msg": message, "type": "extra_forbidden"} for name in unknown[:5]]
        )


def _parameters(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for one in dependant.dependencies:
        yield from _parameters(one)
