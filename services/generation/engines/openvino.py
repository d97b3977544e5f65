"""A GGUF model on openvino-genai's continuous batching."""

from pathlib import Path

from libs.inference.abandonable import in_thread
from services.generation.engines.openvino_ir import ConversionError, prepare
from services.generation.engines.worker_engine import WorkerEngine
from services.generation.ports import EngineUnavailableError

_WORKER = "services.generation.engines.openvino_worker"


class OpenVinoEngine(WorkerEngine):
    """The first start converts the GGUF file, which takes a while, into `converted` (see `openvino_ir.prepare`).

    `kv_cache_tokens` bounds what prompts and answers take together, shared prefixes included: of SmolLM2 13 kB a
    token, of Qwen 1.5B 17 kB. Requests beyond it wait for others to end; one alone may not exceed it.
    """

    def __init__(
        self,
        gguf: Path,
        *,
        model_id: str,
        context_tokens: int,
        max_waiting: int,
        max_running: int = 8,
        kv_cache_tokens: int = 65_536,
        converted: Path | None = None,
    ) -> None:
        super().__init__(
            _WORKER,
            model_id=model_id,
            context_tokens=context_tokens,
            max_running=max_running,
            max_waiting=max_waiting,
        )
        self._gguf = gguf
        self._converted = converted
        self._options = ["--max-running", str(max_running), "--kv-cache-tokens", str(kv_cache_tokens)]
        self._options += ["--context-tokens", str(context_tokens)]

    async def _arguments(self) -> list[str]:
        try:
            model = await in_thread(prepare, self._gguf, self._converted)
        except (ConversionError, OSError, ValueError) as error:
            raise EngineUnavailableError(str(error)) from error
        return [str(model.folder), *self._options]
