"""A model and its tokenizer as transformers load them; the one place that knows their untyped side."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported: nothing is ever fetched or reported

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, GgufConfig

from services.generation.engines.gguf import ControlToken
from services.generation.engines.slot_cache import SlotCache

_FULL_ATTENTION = "full_attention"


@dataclass(frozen=True)
class LoadedModel:
    """`end_ids`: the tokens that end an answer. `weight_bytes`: read once for each step."""

    model: Any
    tokenizer: Any
    context_length: int
    control_tokens: tuple[ControlToken, ...]
    end_ids: frozenset[int]
    weight_bytes: int

    @property
    def device(self) -> torch.device:
        return self.model.device

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def chat(self, messages: list[dict[str, str]]) -> str:
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def cache(self, slots: int, length: int) -> SlotCache:
        config = self.model.config
        heads = config.num_attention_heads
        return SlotCache(
            layers=config.num_hidden_layers,
            heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            slots=slots,
            length=length,
            dtype=self.model.dtype,
            device=self.device,
        )

    def next_logits(
        self, ids: Sequence[Sequence[int]], cache: SlotCache, positions: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """(rows, vocabulary) float32: what follows the last of each row's `ids`, which the cache takes in."""
        with torch.inference_mode():
            output = self.model(
                input_ids=torch.tensor(ids, device=self.device),
                position_ids=positions,
                attention_mask=mask,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return output.logits[:, -1].float()


def fitting_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fitting_dtype(device: torch.device) -> torch.dtype:
    """bfloat16, or float16 on a GPU that lacks it."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def load_model(path: Path, device: torch.device, dtype: torch.dtype) -> LoadedModel:
    """From a folder with config.json, safetensors and a tokenizer, or a GGUF file, whose weights are unpacked.

    No code from the folder runs, and no pickle is read. Raises ValueError or OSError that name the path.
    """
    gguf = path.suffix == ".gguf"
    source = str(path.parent if gguf else path)
    where: dict[str, Any] = {"local_files_only": True}
    if gguf:
        where["gguf_file"] = path.name
    elif not (path / "config.json").is_file():
        raise ValueError(f"{source!r} has no config.json: it isn't a model folder of transformers.")
    else:
        _supported(AutoConfig.from_pretrained(source, **where), source)
    tokenizer = _tokenizer(source, where)
    if not tokenizer.chat_template:
        raise ValueError(f"The tokenizer in {source!r} has no chat template, so the model can't chat.")
    weights: dict[str, Any] = (
        {"quantization_config": GgufConfig(dequantize=True)} if gguf else {"use_safetensors": True}
    )
    model: Any = AutoModelForCausalLM.from_pretrained(
        source, dtype=dtype, attn_implementation="sdpa", **where, **weights
    )
    _supported(model.config, source)
    model = model.to(device).eval()
    ends = model.generation_config.eos_token_id
    return LoadedModel(
        model,
        tokenizer,
        context_length=model.config.max_position_embeddings,
        control_tokens=control_tokens(tokenizer),
        end_ids=frozenset([ends] if isinstance(ends, int) else ends or []) | {tokenizer.eos_token_id} - {None},
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in model.parameters()),
    )


def control_tokens(tokenizer: Any) -> tuple[ControlToken, ...]:
    """Every token that was added to the vocabulary: the tokenizer finds them all in any text."""
    return tuple(
        ControlToken(number, str(token), special=bool(token.special))
        for number, token in tokenizer.added_tokens_decoder.items()
    )


def _tokenizer(source: str, where: dict[str, Any]) -> Any:
    loader: Any = transformers.AutoTokenizer  # its own annotation is unfinished
    return loader.from_pretrained(source, **where)


def _supported(config: Any, source: str) -> None:
    layers = set(getattr(config, "layer_types", None) or [_FULL_ATTENTION])
    if layers != {_FULL_ATTENTION}:
        raise ValueError(
            f"The model in {source!r} has layers of the kinds {sorted(layers)}; only full attention is served. "
            "Serve it with vLLM and name that as the upstream."
        )
