"""Which generators there are, which of them a question may ask for, and the languages they are known to write."""

import time
from collections.abc import Callable

from libs.clients.generation import GenerationClient
from libs.contracts.chat import ChatRequest
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.routing import Writer
from libs.telemetry.logs import get_logger
from services.chat.generating import DEFAULT, EXTRACTIVE
from services.chat.quota import Quota

log = get_logger(__name__)

# Models come and go while Footnote runs; a question needn't ask each time.
KNOWN_FOR_S = 30.0


class Generators:
    """Remembers the generation service's models for a while; `clock` is monotonic, in seconds."""

    def __init__(self, generation: GenerationClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._generation = generation
        self._clock = clock
        self._models: list[Writer] = []
        self._until = 0.0

    async def generator(self, name: str) -> Writer | None:
        """The model that a request for the name is likely to get; None where only sources' sentences answer."""
        if name == EXTRACTIVE:
            return None
        models = await self._known()
        if name == DEFAULT:
            first = models[0] if models else None
            return first if first and first.id != EXTRACTIVE else None
        # Another name is a route's, whose model isn't known beforehand.
        return next((model for model in models if model.id == name), Writer(id=name, languages=[]))

    async def check(self, request: ChatRequest, quota: Quota) -> None:
        """Raises 404 MODEL_NOT_FOUND, and 422 NO_GENERATOR for a question that only a generator could answer."""
        if request.model is None and request.enable_rag:
            return
        models = [model.id for model in (await self._generation.models()).data]
        if request.model not in (None, DEFAULT):
            open_to_plan = [model.id for model in (await self._generation.models(plan=await quota.plan())).data]
            if request.model not in open_to_plan:
                raise FootnoteError(
                    ErrorCode.MODEL_NOT_FOUND,
                    f"There is no model {request.model!r}, or your plan doesn't include it. "
                    f"Use one of: {', '.join(open_to_plan)}.",
                    404,
                    {"param": "model", "models": open_to_plan},
                )
        if not request.enable_rag and (request.model == EXTRACTIVE or set(models) <= {EXTRACTIVE}):
            raise FootnoteError(
                ErrorCode.NO_GENERATOR,
                "Without documents a generator must answer, and none is installed. "
                "Set enable_rag to true, or install one: footnote models install qwen",
                422,
                {"param": "enable_rag"},
            )

    async def _known(self) -> list[Writer]:
        if self._clock() >= self._until:
            try:
                self._models = (await self._generation.writers()).models
            except FootnoteError as error:
                log.warning("models aren't known", reason=error.message)
                return self._models
            self._until = self._clock() + KNOWN_FOR_S
        return self._models
