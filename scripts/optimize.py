"""`footnote models optimize`: every embedding backend measured on this machine, and which of them pass the gate."""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from libs.config.settings import Settings
from libs.inference.child import run_module
from libs.inference.machine import Machine, this_machine
from libs.stores.weights import WeightsError, WeightsStore
from scripts.bench.judged import Judged, mean_ndcg
from services.embedding.backends import CUDA_DRIVER
from services.embedding.folders import locate
from services.embedding.gate import (
    LEAST_COSINE,
    LEAST_MEAN_COSINE,
    MOST_NDCG_LOSS,
    Backend,
    Verdict,
    best_first,
    good_enough,
    write_verdicts,
)
from services.embedding.ports import ModelLoadError

Floor = Literal["sentence-transformers"]
FLOOR: Floor = "sentence-transformers"
REFERENCE = "openvino-float32"
BACKENDS: tuple[Backend, ...] = ("torch", REFERENCE, "openvino-bfloat16", "openvino-int8")
_HEADINGS = (
    "| backend | tokens/s | × | tokens per processor second | × | query p50 / p95 / p99 ms | memory MB "
    "| cosine mean / least | nDCG@10 | change | passes |"
)


@dataclass(frozen=True)
class Measured:
    """One backend; speeds are the best of the rounds, because other processes only ever slow them."""

    backend: Backend | Floor
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


def optimize(
    settings: Settings, judged: Judged, rounds: int, console: Console, backends: Sequence[Backend] | None = None
) -> Path:
    """Measures `backends`, those of this machine if None. Returns the report in Markdown, with JSON beside it.

    The report is below home; what passes is also left beside the model, where `embedding.backend: auto` reads it.
    Raises WeightsError where the model or plain sentence-transformers can't be loaded.
    """
    try:
        folder = locate(settings.embedding.model, WeightsStore(settings.models_dir))
    except ModelLoadError as error:
        raise WeightsError(str(error)) from error
    asked = backends_here() if backends is None else backends
    with tempfile.TemporaryDirectory(prefix="footnote-optimize-") as scratch:
        rows, failed = _measure_all(settings, judged, asked, rounds, Path(scratch), console)
    verdicts: dict[Backend, Verdict] = {
        row.backend: Verdict(passes=row.passes, tokens_per_cpu_s=row.tokens_per_cpu_s)
        for row in rows
        if row.backend != FLOOR
    }
    verdicts |= {backend: Verdict(passes=False, tokens_per_cpu_s=0) for backend in failed}
    try:
        write_verdicts(folder, verdicts)
    except OSError as error:
        console.print(f"Nothing was left beside the model, so `auto` doesn't know of it: {error}", highlight=False)
    best = best_first(verdicts)
    machine = this_machine()
    report = {
        "model": settings.embedding.model,
        "data": judged.name,
        "documents": len(judged.documents),
        "queries": len(judged.queries),
        "machine": machine.model_dump(),
        "gate": {
            "least_mean_cosine": LEAST_MEAN_COSINE,
            "least_cosine": LEAST_COSINE,
            "most_ndcg_loss": MOST_NDCG_LOSS,
        },
        "best_that_passes": best[0] if best else None,
        "backends": [asdict(row) for row in rows],
        "cannot_run": failed,
    }
    reports = settings.home / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "embedding-backends.json").write_text(json.dumps(report, indent=2) + "\n")
    markdown = reports / "embedding-backends.md"
    markdown.write_text(_markdown(judged, rounds, machine, rows, failed, best))
    return markdown


def backends_here() -> list[Backend]:
    """Those worth measuring on this machine."""
    return [*(["torch-cuda"] if CUDA_DRIVER.exists() else []), *BACKENDS]


def _measure_all(
    settings: Settings, judged: Judged, backends: Sequence[Backend], rounds: int, scratch: Path, console: Console
) -> tuple[list[Measured], dict[Backend, str]]:
    """The floor's row and those that ran, and why the others didn't.

    Each backend in a process of its own, in turn, so that memory is its own and noise hits all.
    """
    (scratch / "texts.json").write_text(json.dumps({"documents": judged.documents, "queries": judged.queries}))
    failed: dict[Backend, str] = {}
    for number in range(rounds):
        for backend in (FLOOR, *backends):
            if backend in failed:
                continue
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
            if reason is None:
                continue
            if backend == FLOOR:
                raise WeightsError(f"{FLOOR} can't run the model, so there is nothing to compare with: {reason}")
            failed[backend] = reason
    ran: list[Backend | Floor] = [FLOOR, *(backend for backend in backends if backend not in failed)]
    reference = _vectors(scratch, REFERENCE if REFERENCE in ran else FLOOR)
    expected = mean_ndcg(judged, *reference)
    return [_row(scratch, rounds, backend, judged, reference, expected) for backend in ran], failed


def _row(
    scratch: Path,
    count: int,
    backend: Backend | Floor,
    judged: Judged,
    reference: tuple[NDArray[np.float32], NDArray[np.float32]],
    expected_ndcg: float,
) -> Measured:
    rounds = [json.loads((scratch / f"{backend}-{number}.json").read_text()) for number in range(count)]
    documents, queries = _vectors(scratch, backend)
    cosines = np.concatenate([(documents * reference[0]).sum(axis=1), (queries * reference[1]).sum(axis=1)])
    mean, least = float(cosines.mean()), float(cosines.min())
    ndcg = mean_ndcg(judged, documents, queries)
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
        least_cosine=least,
        ndcg=ndcg,
        ndcg_change=ndcg - expected_ndcg,
        passes=good_enough(mean, least, ndcg - expected_ndcg),
    )


def _vectors(scratch: Path, backend: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with np.load(scratch / f"{backend}-0.npz") as arrays:
        return arrays["documents"], arrays["queries"]


def _markdown(
    judged: Judged,
    rounds: int,
    machine: Machine,
    rows: Sequence[Measured],
    failed: Mapping[Backend, str],
    best: Sequence[Backend],
) -> str:
    floor = rows[0]
    what = (
        f"{len(judged.documents):,} texts and {len(judged.queries):,} queries of {judged.name}; best of {rounds} rounds"
    )
    python = ".".join(map(str, sys.version_info[:3]))
    compared = REFERENCE if any(row.backend == REFERENCE for row in rows) else f"{FLOOR}, in float32 too"
    lines = [
        "# Embedding backends on this machine",
        "",
        f"{what}, Python {python}. × compares with plain sentence-transformers, cosine and change with {compared}.",
        "",
        *_machine(machine),
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
    lines += [f"| {backend} | can't run: {reason.replace('|', '/')} |" for backend, reason in failed.items()]
    gate = (
        f"a cosine to float32 of {LEAST_MEAN_COSINE} on average and {LEAST_COSINE} at least, "
        f"and at most {MOST_NDCG_LOSS} nDCG@10 below it"
    )
    choice = (
        f"The best that passes is **{best[0]}**: `embedding.backend: auto` takes it from the service's next start."
        if best
        else "None passes."
    )
    lines += ["", f"The gate: {gate}. {choice}", ""]
    return "\n".join(lines)


def _machine(machine: Machine) -> list[str]:
    gpus = f"GPUs: {', '.join(machine.gpus)}. " if machine.gpus else ""
    libraries = ", ".join(f"{name} {version}" for name, version in machine.libraries.items())
    return [
        f"Measured on {machine.processor}, {machine.cores} cores. {gpus}With {libraries}.",
        f"Instruction sets: {' '.join(machine.instructions) or 'not known'}.",
    ]
