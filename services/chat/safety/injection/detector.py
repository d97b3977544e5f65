"""Finds the sentences of a passage that give instructions to a model."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from libs.text.sentences import Span, split_sentences
from services.chat.safety.injection.encoded import decoded
from services.chat.safety.injection.folding import folded, hidden_characters, variants
from services.chat.safety.injection.rules import ABOUT, MENTIONED, QUOTATION, RULES, THRESHOLD, Rule

# Passages are read again and again; a verdict depends on their words alone.
REMEMBERED = 4_096
# A payload that says so in code counts as an order from here on.
ENCODED_THRESHOLD = 0.6
# Invisible characters inside of so many words hide something.
HIDDEN_INSIDE = 3
HIDDEN_WEIGHT = 0.5
# An order goes on to its paragraph's end, but no further than this.
REACH_CHARS = 1_200

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_GOES_ON = re.compile(r"[:<\[({\"“]\s*$|\bfollowing\b|\bbelow\b|\bbrackets\b", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """`spans` are the characters that belong to instructions; `rules` what gave them away; `score` the strongest."""

    spans: tuple[Span, ...] = ()
    rules: tuple[str, ...] = ()
    score: float = 0.0

    @property
    def injected(self) -> bool:
        return bool(self.spans)


@lru_cache(maxsize=REMEMBERED)
def examined(text: str) -> Verdict:
    """Which parts of a passage give instructions."""
    tags, inside = hidden_characters(text)
    plain = folded(text)
    encoded = decoded(text)
    if not (tags or encoded or inside >= HIDDEN_INSIDE or _may_hold_orders(plain)):
        return Verdict()
    sentences = split_sentences(text)
    hits = [_hits(text[span.start : span.end]) for span in sentences]
    _spread_turns(text, sentences, hits)
    flagged: dict[int, float] = {}
    for place, found in enumerate(hits):
        around = _strongest(hits[max(0, place - 1) : place + 2])
        score = sum(around.values())
        if found and score >= THRESHOLD:
            flagged[place] = score
    if not flagged:
        return Verdict()
    rules = sorted({name for place in flagged for name in hits[place]})
    spans = _merged(_reach(text, sentences, place) for place in flagged)
    return Verdict(tuple(spans), tuple(rules), round(max(flagged.values()), 2))


def _may_hold_orders(plain: str) -> bool:
    """Whether the rules that fit anywhere would be enough, were they all in one sentence."""
    fitting = _strongest(_fitting(reading, RULES) for reading in (plain, *variants(plain)))
    return sum(fitting.values()) >= THRESHOLD


def _hits(sentence: str) -> dict[str, float]:
    """The rules that fit a sentence in any reading, with the most that each counts."""
    plain = folded(sentence)
    hits = _fitting(plain, RULES)
    for reading in variants(plain):
        hits = _strongest([hits, _fitting(reading, RULES)])
    for payload in decoded(sentence):
        inner = _fitting(folded(payload), RULES)
        if sum(inner.values()) >= ENCODED_THRESHOLD:
            hits = _strongest([hits, inner, {"encoded": THRESHOLD}])
    tags, inside = hidden_characters(sentence)
    if tags:
        hits["hidden_text"] = THRESHOLD
    elif inside >= HIDDEN_INSIDE:
        hits["hidden_characters"] = HIDDEN_WEIGHT
    return hits


def _fitting(plain: str, rules: Sequence[Rule]) -> dict[str, float]:
    hits: dict[str, float] = {}
    quotations: list[tuple[int, int]] | None = None
    for rule in rules:
        match = rule.search(plain)
        if match is None:
            continue
        weight = rule.weight
        if not rule.quoted:
            if quotations is None:
                quotations = _quoted_examples(plain)
            if any(start <= match.start() and match.end() <= end for start, end in quotations):
                weight *= MENTIONED
        hits[rule.name] = max(weight, hits.get(rule.name, 0.0))
    return hits


def _quoted_examples(plain: str) -> list[tuple[int, int]]:
    """Quotations that the sentence around them calls examples, attacks, phrases."""
    quotations = [match.span() for match in QUOTATION.finditer(plain)]
    if not quotations:
        return []
    outside = list(plain)
    for start, end in quotations:
        outside[start:end] = " " * (end - start)
    return quotations if ABOUT.search("".join(outside)) else []


def _spread_turns(text: str, sentences: Sequence[Span], hits: list[dict[str, float]]) -> None:
    """Turns of a conversation that never was span sentences: each of those has part in them."""
    for rule in RULES:
        if rule.name != "made_up_turn":
            continue
        for match in rule.pattern.finditer(text.lower()):
            for place, span in enumerate(sentences):
                if span.start < match.end() and match.start() < span.end:
                    hits[place][rule.name] = rule.weight


def _strongest(several: Iterable[dict[str, float]]) -> dict[str, float]:
    together: dict[str, float] = {}
    for hits in several:
        for name, weight in hits.items():
            together[name] = max(weight, together.get(name, 0.0))
    return together


def _reach(text: str, sentences: Sequence[Span], place: int) -> Span:
    """The sentence with the rest of its line, and with the lines below it where it points at them."""
    span = sentences[place]
    start = text.rfind("\n", 0, span.start) + 1
    if span.start - start > REACH_CHARS:
        start = span.start
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end
    if _GOES_ON.search(text[span.start : end]):
        blank = _BLANK_LINE.search(text, end)
        end = blank.start() if blank else len(text)
    return Span(start, max(span.end, min(end, span.end + REACH_CHARS)))


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
