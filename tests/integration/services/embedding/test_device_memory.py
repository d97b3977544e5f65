"""torch's own out-of-memory error, raised within a real model, and what comes of the batch."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.stores.weights import WeightsStore
from services.embedding.adapters.sentence_transformer import SentenceTransformerModel
from services.embedding.adapters.sequence_classifier import SequenceClassifier
from services.embedding.cache import VectorCache
from services.embedding.folders import locate, locate_classifier
from services.embedding.local import LocalEncoder
from services.embedding.local_classifier import LocalClassifier

TEXTS = [f"passage {number} about {'the tide and ' * number}the town" for number in range(9)]


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Every attention layer runs out of memory beyond two texts; the sizes of the batches that did."""
    from transformers.models.bert.modeling_bert import BertLayer

    refused: list[int] = []
    forward = BertLayer.forward

    def limited(self: Any, hidden_states: Any, *arguments: Any, **named: Any) -> Any:
        import torch

        if len(hidden_states) > 2:
            refused.append(len(hidden_states))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, hidden_states, *arguments, **named)

    monkeypatch.setattr(BertLayer, "forward", limited)
    return refused


async def test_texts_beyond_the_devices_memory_are_embedded_by_halves(
    models_with_entailment: Path, tight: list[int], monkeypatch: pytest.MonkeyPatch
):
    model = SentenceTransformerModel(locate("minilm", WeightsStore(models_with_entailment)), "cpu")
    encoder = LocalEncoder(model, VectorCache(10), None, 4096, 100)
    running = asyncio.create_task(encoder.run())
    embedded = await encoder.embed(TEXTS, "ingest", truncate=True)
    assert tight
    assert tight[0] == len(TEXTS)
    monkeypatch.undo()
    whole = model.encode(model.tokenizer.read(TEXTS)).vectors
    np.testing.assert_allclose((embedded.vectors * whole).sum(axis=1), 1, atol=1e-3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_pairs_beyond_the_devices_memory_are_classified_by_halves(
    models_with_entailment: Path, tight: list[int], monkeypatch: pytest.MonkeyPatch
):
    model = SequenceClassifier(locate_classifier("nli", WeightsStore(models_with_entailment)), "cpu")
    classifier = LocalClassifier(model, 4096, 100)
    running = asyncio.create_task(classifier.run())
    pairs = [(text, "It always is.") for text in TEXTS]
    classified = await classifier.classify(pairs, "ingest", truncate=True)
    assert tight
    monkeypatch.undo()
    np.testing.assert_allclose(classified.probabilities, model.probabilities(model.tokenizer.read(pairs)), atol=1e-2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
