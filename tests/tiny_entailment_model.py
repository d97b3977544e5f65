"""A classifier of pairs for tests, trained in a second on a rule of two words.

Where the premise says "always", a hypothesis that says so too is entailed and one that says "sometimes" contradicts it. Every
other pair is neutral. That is no language model, but its verdicts depend on both texts and on their order.
"""

import json
import os
from pathlib import Path
from typing import Any

LABELS = {"0": "CONTRADICTION", "1": "ENTAILMENT", "2": "NEUTRAL"}
MAX_TOKENS = 64
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "always", "sometimes"]
_STEPS = 100
_PAIRS = 48
_WIDTH = 16


def make_tiny_entailment_model(folder: Path, *, labels: dict[str, str] | None = None) -> None:
    """Writes a folder in transformers' form: a BERT of two layers, its tokenizer, and the labels."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(_WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_TOKENS,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.2,
        num_labels=len(LABELS),  # pyright: ignore[reportCallIssue] - the base class takes it
    )
    model = BertForSequenceClassification(config)
    # Where a word stands means nothing to the rule.
    places = model.bert.embeddings.position_embeddings.weight
    places.requires_grad_(False).zero_()
    optimizer = torch.optim.Adam((one for one in model.parameters() if one.requires_grad), lr=5e-3)
    random = torch.Generator().manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for matrices so small, others are only waited for
    for _ in range(_STEPS):
        inputs, wanted = _examples(random)
        loss = model(**inputs, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    written = json.loads((folder / "config.json").read_text())
    written["id2label"] = LABELS if labels is None else labels
    (folder / "config.json").write_text(json.dumps(written))


def _examples(random: Any) -> tuple[dict[str, Any], Any]:
    """Pairs of texts of unknown words, with one of the two words or neither somewhere in each."""
    import torch

    def drawn(most: int) -> Any:
        return torch.randint(0, most, (_PAIRS,), generator=random)

    said, again = drawn(3), drawn(3)
    ids = torch.zeros((_PAIRS, 2 * _WIDTH), dtype=torch.long)
    types = torch.zeros_like(ids)
    types[:, _WIDTH:] = 1
    mask = torch.zeros_like(ids)
    for start, word in ((0, said), (_WIDTH, again)):
        length = 3 + drawn(_WIDTH - 4)
        column = torch.arange(_WIDTH)
        inside = column < length[:, None]
        ids[:, start : start + _WIDTH] = inside.long()
        mask[:, start : start + _WIDTH] = (column <= length[:, None]).long()
        rows = torch.arange(_PAIRS)
        ids[rows, start + 1] = torch.where(word > 0, 3 + word, 1)
        ids[rows, start + length] = 3
    ids[:, 0] = 2
    wanted = torch.where((said == 1) & (again == 1), 1, torch.where((said == 1) & (again == 2), 0, 2))
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}, wanted
