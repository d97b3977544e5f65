"""How this installation answers now: answers made otherwise aren't given again."""

import hashlib
import time

from libs.clients.generation import GenerationClient
from libs.config.live import LiveSettings
from libs.contracts.errors import FootnoteError
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

# Models come and go with deployments; whoever changes a route waits this long for all answers to follow.
BELIEVED_S = 5.0


class Revision:
    """A digest of the settings that answers depend on, and of the models that are served."""

    def __init__(self, live: LiveSettings, generation: GenerationClient) -> None:
        self._live = live
        self._generation = generation
        self._models: tuple[str, ...] = ()
        self._believed_until = 0.0

    async def now(self) -> str | None:
        """None while generation doesn't say which models it has."""
        if time.monotonic() >= self._believed_until:
            try:
                self._models = tuple(model.id for model in (await self._generation.models()).data)
            except FootnoteError as error:
                log.warning("the models aren't known", reason=error.message)
                return None
            self._believed_until = time.monotonic() + BELIEVED_S
        settings = self._live.current
        parts = (
            settings.generation.model_dump_json(),
            settings.retrieval.model_dump_json(),
            settings.embedding.model,
            settings.embedding.entailment,
            str(settings.chat.min_support),
            settings.chat.entailment.model_dump_json(),
            *self._models,
        )
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
