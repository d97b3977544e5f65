"""The models and routes in force at one moment, and which route a request takes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from libs.config.generation import UNNAMED, GenerationRoute, Latency
from libs.contracts.completions import CompletionRequest
from libs.contracts.errors import ErrorCode, FootnoteError
from services.generation.routing.catalogue import NAMED
from services.generation.routing.prompt_size import PromptSize
from services.generation.routing.served_model import ServedModel

# OpenAI's service tiers as the latency that they ask for; `auto` asks for none.
TIERS: Mapping[str, Latency] = {
    "priority": "priority",
    "fast": "priority",
    "scale": "priority",
    "default": "default",
    "flex": "flex",
}
SPEEDS: Sequence[Latency] = ("priority", "default", "flex")


@dataclass
class Table:
    """`holders` are the answers being written by its models, which outlive a change of the settings."""

    models: Mapping[str, ServedModel]
    routes: Sequence[GenerationRoute]
    holders: int = 0
    unheld: asyncio.Event = field(default_factory=asyncio.Event)

    def names(self, plan: str | None) -> list[str]:
        """What may be asked for: models, the built-in route's first, then other names that routes answer.

        With a `plan`, without the models and routes that it doesn't include.
        """
        first = self.routes[-1].models[0]
        models = [name for name, model in self.models.items() if plan is None or entitled(model.settings.plans, plan)]
        routes = [route for route in self.routes if plan is None or entitled(route.plans, plan)]
        others = {name for route in routes for name in route.requested} - {*self.models, *UNNAMED}
        return [*sorted(models, key=lambda name: (name != first, name)), *sorted(others)]

    async def route(self, request: CompletionRequest, plan: str | None, size: PromptSize) -> GenerationRoute:
        """The first whose conditions hold; a model asked for by its name answers alone where no route does.

        Raises 404 MODEL_NOT_FOUND.
        """
        for route in self.routes:
            if await self._holds(route, request, plan, size):
                return route
        model = self.models.get(request.model)
        if model is None or not entitled(model.settings.plans, plan):
            raise self.unknown(request.model, plan)
        return GenerationRoute(name=NAMED, models=[model.name])

    async def _holds(
        self, route: GenerationRoute, request: CompletionRequest, plan: str | None, size: PromptSize
    ) -> bool:
        if request.model not in route.requested or not entitled(route.plans, plan):
            return False
        if route.latency and TIERS.get(request.service_tier or "auto") not in route.latency:
            return False
        first = self.models[route.models[0]]
        if route.min_prompt_tokens and not await size.at_least(route.min_prompt_tokens, first):
            return False
        return not (route.max_prompt_tokens and await size.at_least(route.max_prompt_tokens + 1, first))

    def unknown(self, name: str, plan: str | None) -> FootnoteError:
        """One answer for what isn't there and what the plan doesn't include, as OpenAI gives."""
        known = self.names(plan or "")
        return FootnoteError(
            ErrorCode.MODEL_NOT_FOUND,
            f"The model {name!r} does not exist or your plan doesn't include it. Use one of: {', '.join(known)}.",
            404,
            {"param": "model", "models": known},
        )


def conditions(route: GenerationRoute) -> str:
    """In words, for people; "always" where there are none."""
    told = [
        f"prompt of at least {route.min_prompt_tokens} tokens" if route.min_prompt_tokens else "",
        f"prompt of at most {route.max_prompt_tokens} tokens" if route.max_prompt_tokens else "",
        f"service tier {' or '.join(route.latency)}" if route.latency else "",
        f"plan {' or '.join(route.plans)}" if route.plans else "",
        f"at most {route.max_cost:g} US dollars" if route.max_cost else "",
        f"answers of at most {route.max_tokens} tokens" if route.max_tokens else "",
    ]
    return "; ".join(filter(None, told)) or "always"


def entitled(plans: Sequence[str], plan: str | None) -> bool:
    """Whether a plan may use what is for `plans`, all of them where none is named."""
    return not plans or plan in plans


def by_latency(models: Sequence[ServedModel], asked: Latency | None) -> list[ServedModel]:
    """The route's models with those of the latency asked for first; the extractive composer keeps its place."""
    if asked is None:
        return list(models)
    wanted = SPEEDS.index(asked)
    generators = sorted(
        (model for model in models if model.settings.engine != "extractive"),
        key=lambda model: abs(SPEEDS.index(model.settings.latency) - wanted),
    )
    following = iter(generators)
    return [model if model.settings.engine == "extractive" else next(following) for model in models]
