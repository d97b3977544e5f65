"""What a query asks for, read from its words alone: its kind, what must match exactly, its parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from libs.contracts.knowledge import QueryKind
from libs.text.small_talk import SAYINGS
from libs.text.unspaced import UNSPACED, is_unspaced


@dataclass(frozen=True)
class QueryAnalysis:
    """`exact` should stand in a passage as written, case aside: quoted phrases and codes. `decisive` are those of them
    that must: quoted phrases, and the codes of a short query. In a long one a code is a word among others.

    `parts` are the queries within the query, none where it asks one thing. `asks_for_newest`: of several versions the
    newest is meant.
    """

    kind: QueryKind
    exact: tuple[str, ...]
    decisive: tuple[str, ...]
    parts: tuple[str, ...]
    asks_for_newest: bool


MOST_PARTS = 4
MOST_EXACT = 5
KEYWORD_WORDS = 4
COMPLEX_WORDS = 24
# Of a query that may be asking for its code.
CODE_QUERY_WORDS = 10
FEWEST_PART_WORDS = 2

# Of a word that a space or a sign ends.
_LETTER = rf"[^\W{UNSPACED}]"
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
# Not empty, and opened before a word: the closing quote of one phrase doesn't open another.
_QUOTED = re.compile(r"(?<!\w)\"(?=\S)([^\"\n]{2,200})\"|“([^”\n]{2,200})”|«([^»\n]{2,200})»|„([^“”\n]{2,200})[“”]")
_ADDRESS = re.compile(r"\w+://\S+|\S+@\S+")
# Letters joined with digits or to each other as people write them in identifiers: ERR-404, CVE-2024-1234, v1.2.3,
# RFC7231, max_tokens, a::b, 10.0.0.1.
_CODE = re.compile(
    r"(?<![\w@/.-])(?:"
    r"(?=[\w.:/-]*\d)(?=[\w.:/-]*[^\W\d_])[A-Za-z][\w]*(?:[-./:_]\w+)*"
    r"|[A-Za-z]\w*(?:_|::|->)\w[\w:]*"
    r"|\d+(?:[.\-]\d+){2,}"
    r")(?![\w-])"
)
# 3rd, 2nd, 24th, 90s, 10k: numbers in words, which a passage may write otherwise.
_COUNT = re.compile(r"\d+(?:st|nd|rd|th|s|k|m)", re.IGNORECASE)
_QUESTION_WORDS = r"what|which|who|whom|whose|when|where|why|how"
_LOOKUP = re.compile(
    rf"\W*(?:(?:in|at|on|by|for|from|to|of) )?(?:{_QUESTION_WORDS}|is|are|was|were|do|does|did|can|could|may|must|will"
    r"|should|has|have)\b",
    re.IGNORECASE,
)
_COMPLEX = re.compile(
    r"\b(?:compare|comparison|compared|contrast|differs?|differences?|versus|vs|advantages|pros and cons"
    r"|relationship|summari[sz]e|overview|explain|describe|list all|all the|every|steps|process)\b|^\W*why\b",
    re.IGNORECASE,
)
_COMPARED = (
    re.compile(r"\bdifferences? between (?P<one>.+?) and (?P<other>.+)", re.IGNORECASE),
    re.compile(r"\bcompare (?P<one>.+?) (?:and|with|to|against) (?P<other>.+)", re.IGNORECASE),
    re.compile(r"^(?P<one>.+?) (?:vs\.?|versus|compared (?:to|with)) (?P<other>.+)", re.IGNORECASE),
    re.compile(r"\bhow (?:does|do|is|are) (?P<one>.+?) (?:differ|different) from (?P<other>.+)", re.IGNORECASE),
)
_NEXT_QUESTION = re.compile(
    rf"[?!;]\s+(?=\w)|,?\s+and\s+(?:also\s+)?(?=(?:{_QUESTION_WORDS})\b"
    r"|(?:is|are|do|does|did|can|may|must) (?:it|there|they|we|i|you|the)\b)",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    rf"\W*(?:(?:{SAYINGS['en']}|who are you|what can you do|please|yes|no|sure)\b\W*)+",
    re.IGNORECASE,
)
_NEWEST = re.compile(
    r"\b(?:now|nowadays|currently|current|latest|newest|most recent|today|these days|at the moment|still"
    r"|up[- ]to[- ]date|as of)\b",
    re.IGNORECASE,
)


def analyse(query: str) -> QueryAnalysis:
    phrases, codes = _phrases(query), _codes(query)
    exact = _different([*phrases, *codes])
    decisive = exact if len(_WORD.findall(query)) <= CODE_QUERY_WORDS else _different(phrases)
    parts = _parts(query)
    return QueryAnalysis(_kind(query, parts), exact, decisive, parts, _NEWEST.search(query) is not None)


def expandable(query: str) -> str:
    """The query with what is meant as it is written (quoted phrases, addresses, codes) blotted out, in its length."""
    for pattern in (_QUOTED, _ADDRESS, _CODE):
        query = pattern.sub(_blotted, query)
    return query


def holds(text: str, exact: str) -> bool:
    """Whether the text has it as written, not as part of a longer word; case and spacing aside."""
    pattern = r"\s+".join(re.escape(word) for word in exact.split())
    before = "" if is_unspaced(exact[:1]) else f"(?<!{_LETTER})"
    after = "" if is_unspaced(exact[-1:]) else f"(?!{_LETTER})"
    return re.search(before + pattern + after, text, re.IGNORECASE) is not None


def _blotted(match: re.Match[str]) -> str:
    return match.group() if _COUNT.fullmatch(match.group()) else "\x00" * len(match.group())


def _kind(query: str, parts: tuple[str, ...]) -> QueryKind:
    words = _WORD.findall(query)
    if not words or _SMALL_TALK.fullmatch(query):
        return "conversational"
    if parts or _COMPLEX.search(query) or len(words) > COMPLEX_WORDS:
        return "complex"
    if not _LOOKUP.match(query) and "?" not in query and len(words) <= KEYWORD_WORDS:
        return "keyword"
    return "factual"


def _phrases(query: str) -> list[str]:
    quoted = [" ".join("".join(match.groups("")).split()) for match in _QUOTED.finditer(query)]
    return [phrase for phrase in quoted if _WORD.search(phrase)]


def _codes(query: str) -> list[str]:
    unquoted = _ADDRESS.sub(" ", _QUOTED.sub(" ", query))
    return [code for code in _CODE.findall(unquoted) if not _COUNT.fullmatch(code)]


def _different(exact: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(exact))[:MOST_EXACT]


def _parts(query: str) -> tuple[str, ...]:
    asked = [part.strip(" ?!.;,") for part in _NEXT_QUESTION.split(query)]
    for pattern in _COMPARED:
        found = pattern.search(asked[0])
        if found and len(asked) == 1:
            asked = [found["one"].strip(" ?!.;,"), found["other"].strip(" ?!.;,")]
            return tuple(part for part in asked if _WORD.search(part))[:MOST_PARTS]
    told = [part for part in asked if len(_WORD.findall(part)) >= FEWEST_PART_WORDS]
    return tuple(told[:MOST_PARTS]) if len(told) > 1 else ()
