"""`footnote models optimize`: every embedding backend measured on this machine, and which of them pass the gate."""

import json
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from libs.config.settings import Settings
from libs.inference.child import run_module
from libs.stores.weights import WeightsError
from scripts.bench.judged import Judged, handbook, mean_ndcg, scifact

FLOOR = "sentence-transformers"
REFERENCE = "openvino-float32"
BACKENDS = (FLOOR, "torch", REFERENCE, "openvino-bfloat16", "openvino-int8")
LEAST_MEAN_COSINE = 0.99
MOST_NDCG_LOSS = 0.005
_HEADINGS = (
    "| backend | tokens/s | × | tokens per processor second | × | query p50 / p95 / p99 ms | memory MB "
    "| cosine mean / least | nDCG@10 | change | passes |"
)


@dataclass(frozen=True)
class Measured:
    """One backend; speeds are the best of the rounds, because other processes only ever slow them."""

    backend: str
    revision: str
    tokens_per_s: float
    tokens_per_cpu_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    memory_mb: float
    mean_cosine: float
    least_cosine: float
    ndcg: float
    ndcg_change: float
    passes: bool


def optimize(settings: Settings, data: Path | None, documents: int, rounds: int, console: Console) -> Path:
    """Writes `reports/embedding-backends.json` and `.md` below home and returns the second's path.

    Raises WeightsError where a backend can't be measured.
    """
    judged = scifact(data, documents) if data else handbook()
    with tempfile.TemporaryDirectory(prefix="footnote-optimize-") as scratch:
        rows = _measure_all(settings, judged, rounds, Path(scratch), console)
    passing = [row for row in rows if row.passes and row.backend != FLOOR]
    fastest = max(passing, key=lambda row: row.tokens_per_cpu_s)
    report = {
        "model": settings.embedding.model,
        "data": judged.name,
        "documents": len(judged.documents),
        "queries": len(judged.queries),
        "machine": platform.processor() or platform.machine(),
        "gate": {"least_mean_cosine": LEAST_MEAN_COSINE, "most_ndcg_loss": MOST_NDCG_LOSS},
        "fastest_that_passes": fastest.backend,
        "backends": [asdict(row) for row in rows],
    }
    folder = settings.home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "embedding-backends.json").write_text(json.dumps(report, indent=2) + "\n")
    markdown = folder / "embedding-backends.md"
    markdown.write_text(_markdown(judged, rounds, rows, fastest))
    return markdown


def _measure_all(settings: Settings, judged: Judged, rounds: int, scratch: Path, console: Console) -> list[Measured]:
    """Each backend in a process of its own, in turn, so that memory is its own and noise hits all."""
    (scratch / "texts.json").write_text(json.dumps({"documents": judged.documents, "queries": judged.queries}))
    for number in range(rounds):
        for backend in BACKENDS:
            console.print(f"round {number + 1} of {rounds}: {backend}", highlight=False)
            output = scratch / f"{backend}-{number}"
            reason = run_module(
                "scripts.bench.backend",
                backend,
                settings.embedding.model,
                str(settings.models_dir),
                str(scratch / "texts.json"),
                str(output),
                str(settings.embedding.max_batch_tokens),
            )
            if reason is not None:
                raise WeightsError(f"The backend {backend!r} could not be measured: {reason}")
    reference = _vectors(scratch, REFERENCE)
    expected = mean_ndcg(judged, *reference)
    return [_row(scratch, rounds, backend, judged, reference, expected) for backend in BACKENDS]


def _row(
    scratch: Path,
    count: int,
    backend: str,
    judged: Judged,
    reference: tuple[NDArray[np.float32], NDArray[np.float32]],
    expected_ndcg: float,
) -> Measured:
    rounds = [json.loads((scratch / f"{backend}-{number}.json").read_text()) for number in range(count)]
    documents, queries = _vectors(scratch, backend)
    cosines = np.concatenate([(documents * reference[0]).sum(axis=1), (queries * reference[1]).sum(axis=1)])
    ndcg = mean_ndcg(judged, documents, queries)
    mean = float(cosines.mean())
    return Measured(
        backend=backend,
        revision=rounds[0]["revision"],
        tokens_per_s=max(one["tokens_per_s"] for one in rounds),
        tokens_per_cpu_s=max(one["tokens_per_cpu_s"] for one in rounds),
        p50_ms=min(one["p50_ms"] for one in rounds),
        p95_ms=min(one["p95_ms"] for one in rounds),
        p99_ms=min(one["p99_ms"] for one in rounds),
        memory_mb=max(one["memory_mb"] for one in rounds),
        mean_cosine=mean,
        least_cosine=float(cosines.min()),
        ndcg=ndcg,
        ndcg_change=ndcg - expected_ndcg,
        passes=mean >= LEAST_MEAN_COSINE and ndcg - expected_ndcg >= -MOST_NDCG_LOSS,
    )


def _vectors(scratch: Path, backend: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with np.load(scratch / f"{backend}-0.npz") as arrays:
        return arrays["documents"], arrays["queries"]


def _markdown(judged: Judged, rounds: int, rows: list[Measured], fastest: Measured) -> str:
    floor = rows[0]
    what = (
        f"{len(judged.documents):,} texts and {len(judged.queries):,} queries of {judged.name}; best of {rounds} rounds"
    )
    python = ".".join(map(str, sys.version_info[:3]))
    lines = [
        "# Embedding backends on this machine",
        "",
        f"{what}, Python {python}. × compares with plain sentence-transformers.",
        "",
        _HEADINGS,
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {row.backend} | {row.tokens_per_s:,.0f} | {row.tokens_per_s / floor.tokens_per_s:.2f} "
        f"| {row.tokens_per_cpu_s:,.0f} | {row.tokens_per_cpu_s / floor.tokens_per_cpu_s:.2f} "
        f"| {row.p50_ms:.1f} / {row.p95_ms:.1f} / {row.p99_ms:.1f} | {row.memory_mb:,.0f} "
        f"| {row.mean_cosine:.4f} / {row.least_cosine:.4f} | {row.ndcg:.4f} | {row.ndcg_change:+.4f} "
        f"| {'yes' if row.passes else 'no'} |"
        for row in rows
    ]
    gate = f"a mean cosine of {LEAST_MEAN_COSINE} to float32 and at most {MOST_NDCG_LOSS} nDCG@10 below it"
    choice = f"The fastest backend that passes is **{fastest.backend}**; `embedding.backend` sets it."
    lines += ["", f"The gate: {gate}. {choice}", ""]
    return "\n".join(lines)
