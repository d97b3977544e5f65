"""`python -m scripts.bench.backend …`: one embedding backend measured in a process of its own.

Arguments: the backend, the model, the models' folder, a JSON file of documents and queries, where the results go
(`.json` and `.npz`), and the tokens of a batch.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from libs.clients.context import Lane
from libs.stores.weights import WeightsStore
from scripts.bench.measure import percentile
from scripts.optimize import FLOOR
from services.embedding.backends import load_model
from services.embedding.folders import locate
from services.embedding.tokenizer import TextTokenizer

LATENCY_QUERIES = 100
BATCH_SIZE = 32
Encode = Callable[[Sequence[str], Lane], NDArray[np.float32]]


def measure(backend: str, name: str, store: WeightsStore, texts: Path, output: Path, batch_tokens: int) -> None:
    if backend != "torch-cuda":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # torch isn't imported yet; it would take a GPU
    asked = json.loads(texts.read_text())
    documents: list[str] = asked["documents"]
    queries: list[str] = asked["queries"]
    folder = locate(name, store).path
    tokenizer = TextTokenizer(folder)
    encode, revision = _plain(folder) if backend == FLOOR else _ours(backend, name, store, batch_tokens)
    encode(documents[:BATCH_SIZE], "ingest")
    wall, processor = time.perf_counter(), time.process_time()
    document_vectors = encode(documents, "ingest")
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    tokens = sum(map(len, tokenizer.read(documents)))
    query_vectors = np.concatenate([encode([query], "query") for query in queries])
    seconds: list[float] = []
    for number in range(LATENCY_QUERIES):
        started = time.perf_counter()
        encode([queries[number % len(queries)]], "query")
        seconds.append(time.perf_counter() - started)
    np.savez(output.with_suffix(".npz"), documents=document_vectors, queries=query_vectors)
    result = {
        "revision": revision,
        "tokens_per_s": tokens / wall,
        "tokens_per_cpu_s": tokens / processor,
        "p50_ms": percentile(seconds, 50) * 1000,
        "p95_ms": percentile(seconds, 95) * 1000,
        "p99_ms": percentile(seconds, 99) * 1000,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    output.with_suffix(".json").write_text(json.dumps(result))


def _plain(folder: Path) -> tuple[Encode, str]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def encode(texts: Sequence[str], _lane: Lane) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = model.encode(
            list(texts), batch_size=BATCH_SIZE, show_progress_bar=False, normalize_embeddings=True
        )
        return vectors

    return encode, "float32"


def _ours(backend: str, name: str, store: WeightsStore, batch_tokens: int) -> tuple[Encode, str]:
    """As the service does it: tokenized at once, in batches of similar lengths."""
    model = load_model(backend, name, store)  # pyright: ignore[reportArgumentType] - one of ours, from the parent

    threads = ThreadPoolExecutor(model.ingest_threads)

    def encode(texts: Sequence[str], lane: Lane) -> NDArray[np.float32]:
        tokens = model.tokenizer.read(texts)
        rows = np.empty((len(tokens), model.dimension), np.float32)
        order = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
        batches: list[list[int]] = []
        while order:
            longest = len(tokens[order[-1]])
            batches.append(order[-max(1, batch_tokens // longest) :])
            del order[-len(batches[-1]) :]

        def embed(batch: list[int]) -> None:
            rows[batch] = model.encode([tokens[index] for index in batch], lane).vectors

        list(threads.map(embed, batches))
        return rows

    return encode, model.revision


if __name__ == "__main__":
    _backend, _name, _models, _texts, _output, _tokens = sys.argv[1:]
    measure(_backend, _name, WeightsStore(Path(_models)), Path(_texts), Path(_output), int(_tokens))
