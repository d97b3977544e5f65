"""A model that transformers run: on CUDA where there is a GPU, else on the CPU."""

from pathlib import Path

from services.generation.engines.worker_engine import WorkerEngine

_WORKER = "services.generation.engines.transformers_worker"


class TransformersEngine(WorkerEngine):
    """`path` is a folder with config.json, safetensors and a tokenizer, or a GGUF file, whose weights are unpacked.

    The cache takes `max_running` times `context_tokens` tokens' memory at once.
    """

    def __init__(
        self, path: Path, *, model_id: str, context_tokens: int, max_waiting: int, max_running: int = 8
    ) -> None:
        super().__init__(
            _WORKER,
            model_id=model_id,
            context_tokens=context_tokens,
            max_running=max_running,
            max_waiting=max_waiting,
        )
        self._options = [str(path), "--context-tokens", str(context_tokens), "--max-running", str(max_running)]

    async def _arguments(self) -> list[str]:
        return self._options
