"""Which engine answers a request."""

from collections.abc import Mapping

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.openai import CompletionRequest
from services.generation.ports import Document, Engine, GenerationRequest, Message, Role, Sampling

DEFAULT = "default"
MAX_TEMPERATURE = 1.0
MAX_TOKENS_UNLESS_ASKED = 512


class Engines:
    """The installed engines by model id; `default` stands for the configured one."""

    def __init__(self, engines: Mapping[str, Engine], default: str) -> None:
        self._engines = engines
        self._default = default

    def named(self, model: str) -> Engine:
        """Raises 404 MODEL_NOT_FOUND."""
        engine = self._engines.get(self._default if model == DEFAULT else model)
        if engine is None:
            known = ", ".join(self.model_ids())
            raise FootnoteError(
                ErrorCode.MODEL_NOT_FOUND,
                f"There is no model {model!r}. Use one of: {known}.",
                404,
                {"param": "model", "models": self.model_ids()},
            )
        return engine

    def model_ids(self) -> list[str]:
        """The default's first."""
        return sorted(self._engines, key=lambda model: (model != self._default, model))

    async def start(self) -> None:
        for engine in self._engines.values():
            await engine.start()

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.close()


def generation_request(request: CompletionRequest) -> GenerationRequest:
    """OpenAI's request in the engines' terms; a temperature over 1 is lowered to it."""
    stop = (request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ())
    roles: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
    return GenerationRequest(
        messages=tuple(Message(roles[message.role], message.content) for message in request.messages),
        sampling=Sampling(
            max_tokens=request.max_completion_tokens or request.max_tokens or MAX_TOKENS_UNLESS_ASKED,
            temperature=min(request.temperature, MAX_TEMPERATURE),
            top_p=request.top_p,
            stop=stop,
            seed=request.seed,
        ),
        documents=tuple(
            Document(document.id, document.title, document.text, document.table_header)
            for document in request.documents
        ),
    )
