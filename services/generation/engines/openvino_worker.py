"""The process in which OpenVINO decodes: `python -m services.generation.engines.openvino_worker FOLDER …`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from libs.inference.openvino_runtime import import_openvino, import_openvino_genai
from services.generation.engines import worker_protocol as protocol
from services.generation.engines.decoding import DecodedToken
from services.generation.engines.openvino_ir import OpenVinoModel, read_model
from services.generation.engines.openvino_weights import GROUPED_INPUTS
from services.generation.engines.prefix_order import PrefixOrder
from services.generation.engines.whole_text import encode_whole
from services.generation.engines.worker import Progress, serve
from services.generation.ports import FinishReason, TokenLogprob

if TYPE_CHECKING:
    from openvino_genai import ContinuousBatchingPipeline, GenerationConfig
    from openvino_genai.py_openvino_genai import GenerationHandle

# Of prompts computed in one step: what a cancellation, or another answer's next word, waits for at most.
STEP_TOKENS = 64
# Tokens that OpenVINO keeps keys and values of together, on a CPU.
_BLOCK_TOKENS = 32
_LONGEST_PROBED = 1 << 14


class OpenVinoDecoder:
    """openvino-genai's continuous batching, with its prefix cache. Raises RuntimeError where the model can't load."""

    def __init__(self, model: OpenVinoModel, *, context_tokens: int, max_running: int, kv_cache_tokens: int) -> None:
        self._genai = import_openvino_genai()
        self._tensor = import_openvino().Tensor
        scheduler = self._genai.SchedulerConfig()
        scheduler.max_num_seqs = max_running
        scheduler.max_num_batched_tokens = STEP_TOKENS
        scheduler.dynamic_split_fuse = True
        scheduler.enable_prefix_caching = True
        scheduler.num_kv_blocks = max(1, kv_cache_tokens // _BLOCK_TOKENS)
        self._pipeline: ContinuousBatchingPipeline = self._genai.ContinuousBatchingPipeline(
            str(model.folder), scheduler, "CPU", {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(GROUPED_INPUTS)}
        )
        self._tokenizer = self._pipeline.get_tokenizer()
        # A tokenizer made from GGUF gives 8,192 tokens at most, however long the model's context.
        self._longest_encoded = len(self._encode("x " * _LONGEST_PROBED))
        self.context_tokens = min(context_tokens, model.context_length, scheduler.num_kv_blocks * _BLOCK_TOKENS)
        self.control_tokens = model.control_tokens
        self._end_ids = {token.id for token in model.control_tokens if token.special}
        self._handles: dict[int, GenerationHandle] = {}
        self._with_logprobs: set[int] = set()
        self._order = PrefixOrder()
        self._waiting: dict[int, tuple[GenerationConfig, list[int]]] = {}
        self._warm_up()

    @property
    def busy(self) -> bool:
        return bool(self._waiting) or self._pipeline.has_non_finished_requests()

    def encode(self, text: str) -> list[int]:
        return encode_whole(self._encode, text, self._longest_encoded)

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def chat(self, messages: list[dict[str, str]]) -> str:
        return self._tokenizer.apply_chat_template(messages, add_generation_prompt=True)

    def add(self, command: protocol.Generate, prompt: list[int]) -> None:
        config: GenerationConfig = self._genai.GenerationConfig(
            max_new_tokens=command.max_tokens,
            stop_token_ids=self._end_ids,  # none of them has a place inside an answer
            do_sample=command.temperature > 0,
            rng_seed=command.seed,
            repetition_penalty=command.repetition_penalty,
            logprobs=0 if command.logprobs is None else 1,  # of the token itself; it has no alternatives
        )
        config.set_eos_token_id(self._tokenizer.get_eos_token_id())
        if command.temperature > 0:
            config.temperature, config.top_p = command.temperature, command.top_p
            if command.top_k is not None:
                config.top_k = command.top_k
        config.validate()
        if command.logprobs is not None:
            self._with_logprobs.add(command.id)
        self._waiting[command.id] = (config, prompt)

    def drop(self, request_id: int) -> None:
        self._with_logprobs.discard(request_id)
        self._waiting.pop(request_id, None)
        self._order.dropped(request_id)
        handle = self._handles.pop(request_id, None)
        if handle:
            handle.cancel()

    def step(self) -> None:
        for request_id, (config, prompt) in list(self._waiting.items()):
            if self._order.start(request_id, prompt):
                del self._waiting[request_id]
                ids = self._tensor(np.array([prompt], np.int64))
                self._handles[request_id] = self._pipeline.add_request(request_id, ids, config)
        if self._pipeline.has_non_finished_requests():
            self._pipeline.step()

    def read(self, request_id: int) -> Progress:
        if request_id in self._waiting:
            return Progress([])
        handle = self._handles[request_id]
        tokens: list[DecodedToken] = []
        reason = self._genai.GenerationFinishReason.NONE
        while handle.can_read():
            for output in handle.read().values():
                logprobs = output.generated_log_probs if request_id in self._with_logprobs else []
                tokens += self._tokens(output.generated_ids, logprobs)
                reason = output.finish_reason
        if tokens:
            self._order.computed(request_id)
        if reason != self._genai.GenerationFinishReason.NONE:
            ended: FinishReason = "length" if reason == self._genai.GenerationFinishReason.LENGTH else "stop"
            return Progress(tokens, ended)
        if handle.get_status() == self._genai.GenerationStatus.RUNNING:
            return Progress(tokens)
        self._order.dropped(request_id)
        return Progress(tokens, failed="The pipeline gave the request up: its cache is too small.")

    def _tokens(self, ids: Sequence[int], logprobs: Sequence[float]) -> list[DecodedToken]:
        if not logprobs:
            return [DecodedToken(token_id) for token_id in ids]
        return [
            DecodedToken(token_id, TokenLogprob(self.decode([token_id]), logprob))
            for token_id, logprob in zip(ids, logprobs, strict=True)
        ]

    def _warm_up(self) -> None:
        """Lets OpenVINO prepare its kernels, which takes seconds, before somebody waits for an answer."""
        prompt = self._tensor(np.array([self.encode("warm " * STEP_TOKENS)[: self.context_tokens - 1]], np.int64))
        handle = self._pipeline.add_request(0, prompt, self._genai.GenerationConfig(max_new_tokens=1))
        while self.busy:
            self.step()
        del handle  # letting go of it earlier would cancel the request


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--context-tokens", type=int, required=True)
    parser.add_argument("--max-running", type=int, required=True)
    parser.add_argument("--kv-cache-tokens", type=int, required=True)
    options = parser.parse_args()

    def load() -> OpenVinoDecoder:
        model = read_model(options.folder)
        if model is None:
            raise ValueError(f"{str(options.folder)!r} holds no model converted by this version of OpenVINO")
        return OpenVinoDecoder(
            model,
            context_tokens=options.context_tokens,
            max_running=options.max_running,
            kv_cache_tokens=options.kv_cache_tokens,
        )

    serve(load)


if __name__ == "__main__":
    main()
