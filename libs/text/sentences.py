"""Sentence boundaries in prose, Markdown and streamed answers.

Rules, not a model: a boundary must be the same every time, cheap on hostile input, and decidable while text is still
arriving. English first; CJK full stops end a sentence too.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from libs.text.abbreviations import (
    BEFORE_NUMBERS,
    GERMAN_MONTHS,
    GERMAN_STARTERS,
    NEVER_FINAL,
    NEVER_FINAL_ELSEWHERE,
    SENTENCE_STARTERS,
    SOMETIMES_FINAL,
)

# A decision reads at most this far past a candidate, so a stream holds back little and no input makes it read more.
LOOKAHEAD = 80
# The longest abbreviation and the dots inside it.
LOOKBEHIND = 24
# Text without a boundary is cut here: one "sentence" of a megabyte would defeat every check made per sentence.
MAX_SENTENCE = 2000
# A line at least this long was wrapped by an editor; a shorter one ends where its author ended it.
WRAPPED_LINE = 60
# Enough of a line to know whether it opens a block ("###### ").
BLOCK_OPENING = 8

_CANDIDATE = re.compile(r"[.!?…\n。！？｡]")
_LINE_BREAK = "\n"
_CJK = frozenset("。！？｡")
_MARKER = r"(?:[ \t]*\[\d{1,4}(?:, ?\d{1,4}){0,8}\])"
_UNFINISHED_MARKER = re.compile(r"[ \t]*(?:\[[\d, ]{0,50})?")
_STOP = re.compile(rf"[.!?…]+[\"'”’»)\]}}*_`]*(?P<markers>{_MARKER}*)")
_CJK_STOP = re.compile(rf"[。！？｡]+[」』”’）》\"')\]*_`]*(?P<markers>{_MARKER}*)")
_GAP = re.compile(r"\s*")
_INDENT = re.compile(r"[^\S\n]*")
_OPENERS = re.compile(r"[\"'“‘«(\[{*_`¿¡]*")
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘*_`/,;:—–]*$")
_FIRST_WORD = re.compile(r"[^\W\d_]*")
# A line that breaks off after one of these goes on in the next, however short it is.
_UNFINISHED_LINE = re.compile(
    r"(?:\b(?:an?|the|of|to|in|on|at|by|for|from|with|into|and|or|as|is|are|be|our|your|their|its|this|that|see)|[’']s)\s*$"
)
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Z]")
# The first stop of "z. B.", and the second one of it and of "u. a.".
_ONE_LETTER = re.compile(r"[a-z]")
_INITIAL_FOLLOWS = re.compile(r"[A-Za-z]\.")
_SPACED_INITIALS = re.compile(r"(?<!\w)[a-z]\.\s[A-Za-z]$")
_DAY = re.compile(r"\d{1,2}")
# "5 Mio. Euro", but not the Italian "mio" and who is called so.
_MILLIONS = re.compile(
    r"(?:\d|\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|zwanzig|dreißig|fünfzig|hundert|einige"
    r"|mehrere|paar))\s?Mio$"
)
# "Im 3. Quartal", "der 2. Stock", but not "I am 12."
_GERMAN_ORDINAL = re.compile(r"\b(?:im|(?<!\bi )am|zum|zur|vom|beim|der|die|das|dem|den|des) \d{1,2}$", re.IGNORECASE)
_ENUMERATOR = re.compile(r"[ \t>]*(?:\d{1,3}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})")
_BLOCK = re.compile(r"#{1,6}[ \t]|[-*+•‣◦–][ \t]|\d{1,3}[.)][ \t]|[a-z]\)[ \t]|>|\||```|~~~|---|===|\*\*\*")
_ONE_LINE_BLOCK = re.compile(r"[ \t]*(?:#{1,6}[ \t]|\||```|~~~|---|===)")


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a text."""

    start: int
    end: int


class _Verdict(Enum):
    BOUNDARY = auto()
    INSIDE = auto()
    UNDECIDED = auto()


@dataclass(frozen=True)
class _Decision:
    verdict: _Verdict
    cut: int = 0  # where the piece ends, at a boundary
    resume: int = 0  # where the search for the next candidate goes on


_UNDECIDED = _Decision(_Verdict.UNDECIDED)


class SentenceStream:
    """Cuts text into sentences while it arrives.

    The pieces joined are the text fed, however it was chopped, and the cuts are those `split_sentences` makes of the
    whole. A piece is a sentence with the whitespace before it; only the last one, or one in a very long run of
    whitespace, may be blank. A piece is released when nothing that follows can still belong to it: trailing citation
    markers (` [1][2]`) stay with their sentence.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._start = 0  # of the piece being read
        self._text = 0  # only whitespace lies between _start and here
        self._scan = 0  # every candidate before this is decided
        self._line = 0  # start of the current line; before _start when a piece ended within it
        self._one_line_block = False  # whether the line that _start lies in is a heading, a table row, a fence

    def feed(self, delta: str) -> list[str]:
        """The pieces that `delta` makes certain, in order."""
        self._buffer += delta
        pieces = self._release(final=False)
        released, self._start = self._start, 0
        self._buffer = self._buffer[released:]
        self._text -= released
        self._scan -= released
        self._line -= released
        return pieces

    def close(self) -> list[str]:
        """The remaining pieces; the stream can be fed anew."""
        pieces = self._release(final=True)
        if self._start < len(self._buffer):
            pieces.append(self._buffer[self._start :])
        self.__init__()
        return pieces

    def _release(self, *, final: bool) -> list[str]:
        pieces: list[str] = []
        while True:
            found = _CANDIDATE.search(self._buffer, self._scan)
            at = found.start() if found else len(self._buffer)
            self._scan = at
            if at - self._start >= MAX_SENTENCE:
                pieces.append(self._cut(self._last_space()))
                continue
            if found is None:
                return pieces
            if self._buffer[at] == _LINE_BREAK:
                decision = self._at_line_break(at, final=final)
            else:
                decision = self._at_stop(at, final=final)
            if decision.verdict is _Verdict.UNDECIDED:
                return pieces
            if decision.verdict is _Verdict.BOUNDARY:
                pieces.append(self._cut(decision.cut))
            self._scan = decision.resume
            if self._buffer[at] == _LINE_BREAK:
                self._line = at + 1

    def _cut(self, end: int) -> str:
        piece = self._buffer[self._start : end]
        self._one_line_block = self._in_one_line_block()
        self._start = self._text = end
        return piece

    def _last_space(self) -> int:
        """Where to cut a piece that has no boundary within MAX_SENTENCE."""
        limit = self._start + MAX_SENTENCE
        earliest = self._end_of_blank() + 1
        space = max(self._buffer.rfind(" ", earliest, limit), self._buffer.rfind(_LINE_BREAK, earliest, limit))
        return space if space > 0 else limit

    def _end_of_blank(self) -> int:
        blank = _GAP.match(self._buffer, self._text)
        self._text = blank.end() if blank else self._text
        return self._text

    def _in_one_line_block(self) -> bool:
        if self._line < self._start:
            return self._one_line_block
        return _ONE_LINE_BLOCK.match(self._buffer, self._line) is not None

    def _waits(self, position: int, window_end: int, *, final: bool) -> bool:
        """Whether text that hasn't arrived could change what was read up to `position`."""
        return not final and position >= len(self._buffer) and position < window_end

    def _at_line_break(self, at: int, *, final: bool) -> _Decision:  # noqa: PLR0911 - a rule, a return
        inside = _Decision(_Verdict.INSIDE, resume=at + 1)
        boundary = _Decision(_Verdict.BOUNDARY, cut=at, resume=at + 1)
        if self._end_of_blank() >= at:
            return inside
        text, window_end = self._buffer, at + LOOKAHEAD
        if self._in_one_line_block():
            return boundary
        if text.endswith("  ", self._start, at):  # Markdown's hard line break
            return boundary
        following = _end(_INDENT, text, at + 1, window_end)
        arrived = len(text) - following >= BLOCK_OPENING or _LINE_BREAK in text[following : following + BLOCK_OPENING]
        if not (final or arrived or following >= window_end):
            return _UNDECIDED
        if following >= min(len(text), window_end):
            return inside
        if text[following] == _LINE_BREAK or _BLOCK.match(text, following):
            return boundary
        word = _end(_OPENERS, text, following, window_end)
        if self._waits(word, window_end, final=final):
            return _UNDECIDED
        long = at - self._line >= WRAPPED_LINE
        breaks_off = _UNFINISHED_LINE.search(text, max(self._start, at - LOOKBEHIND), at)
        return inside if long or breaks_off or text[word : word + 1].islower() else boundary

    def _at_stop(self, at: int, *, final: bool) -> _Decision:  # noqa: PLR0911 - a rule, a return
        text, window_end = self._buffer, at + LOOKAHEAD
        stop = (_CJK_STOP if text[at] in _CJK else _STOP).match(text, at, window_end)
        end = stop.end() if stop else at + 1
        marked = bool(stop and stop["markers"])
        inside = _Decision(_Verdict.INSIDE, resume=end)
        boundary = _Decision(_Verdict.BOUNDARY, cut=end, resume=end)
        if self._waits(_end(_UNFINISHED_MARKER, text, end, window_end), window_end, final=final):
            return _UNDECIDED
        if end >= len(text) or self._in_one_line_block():
            return inside
        if text[at] in _CJK:
            return boundary
        if not text[end].isspace():
            return inside
        gap = _end(_GAP, text, end, window_end)
        if text.count(_LINE_BREAK, end, gap) > 1:
            return boundary
        following = _end(_OPENERS, text, gap, window_end)
        if self._waits(following, window_end, final=final):
            return _UNDECIDED
        if marked or following >= min(len(text), window_end):
            return boundary
        if text[following].islower() and _LINE_BREAK not in text[end:gap]:
            return inside
        if text[at] != "." or text.startswith("..", at):
            return boundary
        return self._at_full_stop(at, following, window_end, inside, boundary, final=final)

    def _at_full_stop(  # noqa: PLR0911 - a rule, a return
        self, at: int, following: int, window_end: int, inside: _Decision, boundary: _Decision, *, final: bool
    ) -> _Decision:
        text = self._buffer
        if self._line >= self._start and _ENUMERATOR.fullmatch(text, self._line, at):
            return inside
        behind = max(self._start, at - LOOKBEHIND)
        last_word = _LAST_WORD.search(text, behind, at)
        word = last_word.group() if last_word else ""
        lowered = word.lower()
        if _never_final(word) or (lowered in BEFORE_NUMBERS and text[following].isdigit()):
            return inside
        if _MILLIONS.search(text, behind, at):
            return inside
        if _ONE_LETTER.fullmatch(word):
            if self._waits(following + 1, window_end, final=final):
                return _UNDECIDED
            if _INITIAL_FOLLOWS.match(text, following):
                return inside
        day = _DAY.fullmatch(word)
        german = _SPACED_INITIALS.search(text, behind, at) or _GERMAN_ORDINAL.search(text, behind, at)
        if not (day or german or lowered in SOMETIMES_FINAL or _INITIALS.fullmatch(word)):
            return boundary
        next_end = _end(_FIRST_WORD, text, following, window_end)
        if self._waits(next_end, window_end, final=final):
            return _UNDECIDED
        next_word = text[following:next_end].lower()
        if day and not german:
            return inside if next_word in GERMAN_MONTHS else boundary
        return boundary if next_word in SENTENCE_STARTERS or (german and next_word in GERMAN_STARTERS) else inside


def _never_final(word: str) -> bool:
    lowered = word.lower()
    return lowered in NEVER_FINAL or (lowered in NEVER_FINAL_ELSEWHERE and ("." in word or not word.isupper()))


def _end(pattern: re.Pattern[str], text: str, start: int, window_end: int) -> int:
    """Where a match of `pattern` at `start` ends, or `start`."""
    found = pattern.match(text, start, window_end)
    return found.end() if found else start


def split_sentences(text: str) -> list[Span]:
    """The sentences of `text`, in order, without the whitespace around them.

    Headings, list items, table rows and short lines are sentences of their own; lines of a wrapped paragraph are not.
    Linear in the length of the text. A stretch of more than MAX_SENTENCE characters without a boundary is cut at a
    space.
    """
    stream = SentenceStream()
    spans: list[Span] = []
    position = 0
    for piece in [*stream.feed(text), *stream.close()]:
        sentence = piece.strip()
        if sentence:
            start = position + len(piece) - len(piece.lstrip())
            spans.append(Span(start, start + len(sentence)))
        position += len(piece)
    return spans
