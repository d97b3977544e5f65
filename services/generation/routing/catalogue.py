"""Which models and routes the settings make, the built-in ones included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from libs.config.generation import EXTRACTIVE, INSTALLABLE, UNNAMED, Generation, GenerationModel, GenerationRoute

BUILT_IN = "built-in"
NAMED = "named"
# It takes no memory worth counting; a bound all the same.
EXTRACTIVE_WAITING = 512


class CatalogueError(ValueError):
    """Settings that are well-formed and still can't be carried out on this machine."""


@dataclass(frozen=True)
class Catalogue:
    """The models by name, and the routes in their order; the last answers what the others leave over."""

    models: dict[str, GenerationModel]
    routes: Sequence[GenerationRoute]


def catalogue(settings: Generation, installed: Callable[[str], bool]) -> Catalogue:
    """Raises CatalogueError where a route needs a model that isn't installed."""
    models = {EXTRACTIVE: GenerationModel(engine="extractive", max_waiting=EXTRACTIVE_WAITING)}
    generator = settings.generator
    if settings.engine == "auto" and not installed(INSTALLABLE[0]):
        generator = None
    if generator is not None:
        models[generator] = _generator(settings, generator)
    models |= settings.models
    for route in settings.routes:
        absent = next((model for model in route.models if model not in models), None)
        if absent is not None:
            raise CatalogueError(
                f"the route {route.name!r} names {absent!r}, which isn't installed: footnote models install {absent}"
            )
    last = GenerationRoute(name=BUILT_IN, requested=list(UNNAMED), models=[*filter(None, [generator]), EXTRACTIVE])
    return Catalogue(models, (*settings.routes, last))


def without_choices(settings: Generation) -> Generation:
    """The settings with the built-in models and route alone."""
    return settings.model_copy(update={"models": {}, "routes": []})


def _generator(settings: Generation, name: str) -> GenerationModel:
    if settings.engine == "upstream":
        return GenerationModel(
            engine="upstream",
            url=settings.upstream_url,
            upstream_model=settings.upstream_model,
            api_key=settings.upstream_api_key,
            context_tokens=settings.context_tokens,
            max_waiting=settings.max_waiting,
        )
    return GenerationModel(
        engine="openvino", weights=name, context_tokens=settings.context_tokens, max_waiting=settings.max_waiting
    )
