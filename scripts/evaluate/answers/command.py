"""`footnote eval answers`: a collection's questions through the real chat, and how good the answers are."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from libs.config.settings import Settings, load_settings
from libs.contracts.answer_evaluation import AnswerReport
from libs.evaluation.answer_reporting import AskedOf, make_answer_report
from libs.stores.weights import WeightsStore
from scripts.api import Api, ApiError
from scripts.evaluate.answers.asking import Asking, ask_all, organization_of
from scripts.evaluate.answers.collection import AnswerSet, read_answer_set, sampled
from scripts.evaluate.answers.injection import read_injections
from scripts.evaluate.answers.judging import Judge
from scripts.evaluate.answers.report import ANSWERS
from scripts.stage import installation
from services.embedding.backends import load_model

KINDS = ("questions", "injection")


@dataclass(frozen=True)
class Wanted:
    """What is asked of what: `limit` questions drawn with `seed`, of one of KINDS.

    `footnote eval answers --help` explains the others.
    """

    data: Path
    kind: str = "questions"
    split: str | None = None
    corpus: Path | None = None
    noise: str | None = None
    terms: Path | None = None
    limit: int | None = None
    seed: int = 0


async def evaluate_answers(
    console: Console, wanted: Wanted, asking: Asking, out: Path, gate: Path | None, *, fresh: bool
) -> bool:
    """False where answers are worse than the gate's. Raises ApiError."""
    found = sampled(_read(wanted), wanted.limit, wanted.seed)
    baseline = ANSWERS.read(gate) if gate else None
    async with (
        installation(load_settings(), console) as settings,
        organization_of(settings, found, asking.policy, console, fresh=fresh) as api,
    ):
        report = await measure_answers(api, settings, found, asking, console)
    return ANSWERS.conclude(report, baseline, out, console)


async def measure_answers(
    api: Api, settings: Settings, found: AnswerSet, asking: Asking, console: Console
) -> AnswerReport:
    """Asks everything first, then judges: the judge must not slow down what is timed."""
    answers = await ask_all(api, found.questions, asking, console)
    store = WeightsStore(settings.models_dir)
    model = await asyncio.to_thread(load_model, settings.embedding.backend, settings.embedding.model, store)
    judge = Judge(model, settings.chat.min_support)
    judged = [await judge.judge(question, answers[question.id]) for question in found.questions]
    differing = asking.policy.model_dump(mode="json", exclude_defaults=True, exclude={"cache_answers"})
    how = ", ".join([found.asked, *(f"{name} {value}" for name, value in differing.items())])
    asked = AskedOf(found.name, found.fingerprint, how, len(found.documents) or None, asking.generator, found.unasked)
    return make_answer_report(asked, judged, datetime.now(UTC))


def _read(wanted: Wanted) -> AnswerSet:
    if wanted.kind == "injection":
        if wanted.corpus or wanted.noise or wanted.split:
            raise ApiError("--kind injection asks of its own documents: leave --corpus, --noise and --split out.")
        return read_injections(wanted.data, wanted.terms)
    return read_answer_set(wanted.data, wanted.split, wanted.corpus, wanted.noise)
