"""How this installation answers now: answers made otherwise aren't given again."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from libs.clients.generation import GenerationClient
from libs.config.live import LiveSettings
from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

# Models come and go with deployments; whoever changes a route waits this long for all answers to follow.
BELIEVED_S = 5.0
# What doesn't change an answer. Any other setting of chat's does, as far as we know.
_OPERATION = {
    "answer_deadline_s",
    "heartbeat_s",
    "grace_messages",
    "answer_cache_s",
    "answer_cache_entries",
    "bin_days",
    "security_event_days",
}
_EMBEDDING = {"backend", "model", "remotes", "entailment"}
_ROOT = Path(__file__).parents[3]
# Who has a part in an answer: prompts, rules, ranking, and the digests of the weights that can be installed.
_ANSWERING = ("libs", "services/chat", "services/embedding", "services/generation", "services/knowledge")


class Revision:
    """A digest of the settings and the code that answers depend on, and of the models that are served.

    It is the same in each process and after each restart of the same installation.
    """

    def __init__(self, live: LiveSettings, generation: GenerationClient) -> None:
        self._live = live
        self._generation = generation
        self._code = code_digest([_ROOT / one for one in _ANSWERING])
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
        return revision_of(self._live.current, self._models, self._code)


def revision_of(settings: Settings, models: Sequence[str], code: str) -> str:
    parts = (
        settings.generation.model_dump_json(),
        settings.retrieval.model_dump_json(),
        settings.embedding.model_dump_json(include=_EMBEDDING),
        settings.chat.model_dump_json(exclude=_OPERATION),
        code,
        *models,
    )
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def code_digest(folders: Sequence[Path]) -> str:
    """Of the source and the data beside it, wherever it is installed: a new version may answer otherwise."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(one for one in folder.rglob("*") if one.suffix in (".py", ".json")):
            digest.update(f"{file.relative_to(folder)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
