"""A trace told sentence by sentence, as data and as a text."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from libs.contracts.chat import AnswerTrace, ChatMessage, ExplainedSentence, Source, SupportingPlace, TextSpan
from services.chat.history import GONE, chunks_of
from services.chat.inert import inert

SUPPORTED = "supported"
# The step of an answer that nobody may read.
WITHHELD = "withheld"
# The step of an answer that was given before.
KEPT_ANSWER = "kept_answer"
# The step of an answer to a message that asks nothing.
SMALL_TALK = "small_talk"


def explained(trace: AnswerTrace, answer: ChatMessage, readable: Collection[UUID]) -> list[ExplainedSentence]:
    """Every sentence that was checked, in the order in which it was; `answer` is as it was given.

    What the reader may not see of the sources is blanked: the words behind a sentence, a sentence all of whose sources
    are gone, and, if any passage of the trace is gone, the words of a sentence that isn't in the answer or has no
    source. The places are those of the answer as it was given.
    """
    sources = {source.n: source for source in answer.sources}
    all_readable = all(chunk_id in readable for chunk_id in chunks_of(trace))
    return [
        _sentence(judged, step, answer.content, sources, readable, all_readable=all_readable)
        for step in trace.steps
        if step["step"] == "generate"
        for judged in cast("list[dict[str, Any]]", step.get("sentences") or [])
        if "verdict" in judged
    ]


def _sentence(
    judged: Mapping[str, Any],
    step: Mapping[str, Any],
    content: str,
    sources: Mapping[int, Source],
    readable: Collection[UUID],
    *,
    all_readable: bool,
) -> ExplainedSentence:
    start, end = judged.get("start"), judged.get("end")
    places = [_place(cited, sources, readable) for cited in judged["sources"]]
    if judged["kept"] and places:
        seen = any(sources[place.n].chunk_id in readable for place in places if place.n in sources)
    else:
        seen = all_readable
    words = content[start:end] if start is not None else judged.get("text", "")
    return ExplainedSentence(
        sentence=words if seen else GONE,
        start=start,
        end=end,
        shown=judged["kept"],
        verdict=judged["verdict"],
        why=_why(judged) if all_readable or judged["verdict"] == SUPPORTED else GONE,
        model=str(step.get("model", "")),
        sources=places,
    )


def _why(judged: Mapping[str, Any]) -> str:
    if judged["verdict"] != SUPPORTED:
        return str(judged.get("cut") or judged.get("lacks") or "")
    if not judged["kept"]:
        return str(judged["cut"])
    numbers = " and ".join(f"[{cited['n']}]" for cited in judged["sources"])
    if judged["support"] == 1:
        return f"{numbers} has it word for word"
    entailed = [cited["entailment"] for cited in judged["sources"] if "entailment" in cited]
    also = f", entailment {max(entailed):.2f}" if entailed else ""
    return f"{numbers} says it in other words; support {judged['support']:.2f}{also}"


def _place(cited: Mapping[str, Any], sources: Mapping[int, Source], readable: Collection[UUID]) -> SupportingPlace:
    spans = [TextSpan.model_validate(span) for span in cited["spans"]]
    source = sources.get(cited["n"])
    seen = source is not None and source.chunk_id in readable
    words = " ".join(source.excerpt[span.start : span.end] for span in spans) if source and seen else GONE
    return SupportingPlace(
        n=cited["n"], spans=spans if seen else [], text=words, score=cited["score"], entailment=cited.get("entailment")
    )


def as_text(trace: AnswerTrace) -> str:
    """The explanation as Markdown for a person: the sentences with their reasons, then the steps with their times."""
    lines = ["# How this was answered", "", f"Question: {_line(trace.question)}", "", "## Sentence by sentence", ""]
    for number, one in enumerate(trace.explanation, start=1):
        verdict = one.verdict.replace("_", " ")
        lines.append(f"{number}. {'Said' if one.shown else 'Not said'}, {verdict}: “{_line(one.sentence)}”")
        lines.append(f"   - Why: {_line(one.why)} (written by {one.model})")
        lines += [f"   - Source [{place.n}], score {place.score:.2f}: “{_line(place.text)}”" for place in one.sources]
    kept = [step for step in trace.steps if step.get("step") == KEPT_ANSWER]
    if kept:
        lines.append(
            f"This is the answer kept since {kept[0]['made_at']}. Its sentences were checked when it was made."
        )
    withheld = [step for step in trace.steps if step.get("step") == WITHHELD]
    if withheld:
        lines.append(_withheld(withheld[0]))
    elif any(step.get("step") == SMALL_TALK for step in trace.steps):
        lines.append("The message asks nothing, so nothing was looked for.")
    elif not kept and not trace.explanation:
        lines.append("No sentence was checked.")
    lines += ["", "## Steps", ""]
    lines += [_step(step) for step in trace.steps]
    return "\n".join(lines) + "\n"


def _withheld(step: Mapping[str, Any]) -> str:
    flagged = step["because"] == "flagged"
    why = f"moderation flagged it ({', '.join(step['categories'])})" if flagged else "moderation hasn't looked at it"
    return f"The answer was withheld: {why}. What was checked of it is below, without its words."


def _step(step: Mapping[str, Any]) -> str:
    """Its name, its time and its single facts; the lists are counted."""
    time = f", {step['ms']:g} ms" if "ms" in step else ""
    facts = [_fact(key, value) for key, value in step.items() if key not in {"step", "ms"}]
    return f"- {step.get('step', 'step')}{time}" + (f": {'; '.join(facts)}" if facts else "")


def _fact(key: str, value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[Any]", value)
        plain = all(isinstance(item, str | int | float) for item in items)
        value = ", ".join(map(str, items)) or "none" if plain else len(items)
    return f"{key.replace('_', ' ')} {_line(str(value))}"


def _line(text: str) -> str:
    return inert(" ".join(text.split()))
