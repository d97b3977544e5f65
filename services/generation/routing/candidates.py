"""Which of a route's models may be asked for one request, and why the others aren't."""

import math
from dataclasses import dataclass, field

from libs.config.generation import GenerationRoute
from libs.contracts.completions import CompletionRequest, SkippedModel, SkipReason
from services.generation.routing.limits import token_budget
from services.generation.routing.prompt_size import ABOUT, PromptSize
from services.generation.routing.served_model import ServedModel
from services.generation.routing.table import TIERS, Table, by_latency, entitled

DOLLARS_FOR = 1_000_000  # tokens


@dataclass
class Refusals:
    """The models that were passed over, with what an error must tell of them if none is left."""

    skipped: list[SkippedModel] = field(default_factory=list[SkippedModel])
    retry_after_s: dict[SkipReason, int] = field(default_factory=dict[SkipReason, int])
    largest_context: int = 0
    prompt_tokens: int = 0
    roughly: str = ""
    most_cost: float = 0.0
    engine_refused: bool = False

    def add(self, model: ServedModel, reason: SkipReason, retry_after_s: int | None = None) -> None:
        self.skipped.append(SkippedModel(model=model.name, reason=reason))
        if retry_after_s is not None:
            self.retry_after_s[reason] = min(retry_after_s, self.retry_after_s.get(reason, retry_after_s))

    def reconsider(self, model: ServedModel) -> None:
        """The model is asked after all."""
        self.skipped = [skipped for skipped in self.skipped if skipped.model != model.name]

    def too_long(self, model: ServedModel, prompt_tokens: int, limit: int, *, roughly: str) -> None:
        """`roughly` is "about " or "at least ", where nobody counted all the prompt's tokens."""
        self.add(model, SkipReason.PROMPT_TOO_LONG)
        if limit > self.largest_context:
            self.largest_context, self.prompt_tokens, self.roughly = limit, prompt_tokens, roughly

    def reasons(self) -> set[SkipReason]:
        return {skipped.reason for skipped in self.skipped}


def in_order(table: Table, route: GenerationRoute, request: CompletionRequest) -> list[ServedModel]:
    asked = TIERS.get(request.service_tier or "auto")
    return by_latency([table.models[name] for name in route.models], asked)


async def refusal(
    model: ServedModel,
    route: GenerationRoute,
    request: CompletionRequest,
    plan: str | None,
    size: PromptSize,
    refusals: Refusals,
) -> bool:
    """Whether the model can't be asked, for what can be known before; adds the reason."""
    # The composer has only documents to speak from; asked for by its own name it says that it found nothing.
    speechless = model.settings.engine == "extractive" and not request.documents and request.model != model.name
    if not entitled(model.settings.plans, plan):
        refusals.add(model, SkipReason.NOT_ENTITLED)
    elif speechless:
        refusals.add(model, SkipReason.NO_DOCUMENTS)
    elif model.breaker.state == "open":
        refusals.add(model, SkipReason.CIRCUIT_OPEN, max(1, math.ceil(model.breaker.retry_after_s)))
    elif model.settings.engine != "extractive":
        return await _too_much(model, route, request, size, refusals)
    else:
        return False
    return True


async def _too_much(
    model: ServedModel, route: GenerationRoute, request: CompletionRequest, size: PromptSize, refusals: Refusals
) -> bool:
    """Whether the prompt is too long or the answer too expensive."""
    # Engines and upstreams refuse what is too long by themselves, exactly and before they decode anything.
    if size.hopeless(model):
        refusals.too_long(model, size.estimate, model.context_length, roughly=ABOUT)
        return True
    cost = await _most_cost(model, route, request, size)
    if cost is not None:
        refusals.most_cost = max(refusals.most_cost, cost)
        refusals.add(model, SkipReason.TOO_EXPENSIVE)
        return True
    return False


async def _most_cost(
    model: ServedModel, route: GenerationRoute, request: CompletionRequest, size: PromptSize
) -> float | None:
    """What the longest answer would cost, where that is more than the route allows."""
    if route.max_cost is None:
        return None
    answer = token_budget(request, model.settings, route) * model.settings.output_cost

    def dollars(prompt_tokens: int) -> float:
        return (prompt_tokens * model.settings.input_cost + answer) / DOLLARS_FOR

    if dollars(size.most) <= route.max_cost:
        return None
    cost = dollars(await size.tokens(model))
    return cost if cost > route.max_cost else None
