"""A follow-up made into a question that can be searched for by itself, by rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from libs.text.small_talk import small_talk
from libs.text.words import content_stems, stem, words
from services.chat.memory.other_languages import asks_of_its_own, is_long_for_its_script

# A longer question says what it is about: words, and characters.
LONGEST = 12
LONGEST_CHARS = 200
# Of the question that a follow-up leans on, so much is searched for with it.
ANCHOR_CHARS = 1_000
LONGEST_ELLIPSIS = 5
# What a follow-up is searched with: the question that stands alone, and these of the follow-ups since.
MOST_BETWEEN = 2
# With fewer words of content before it, a pronoun can't point back into its own question.
OWN_ANTECEDENT = 2

_OPENING = re.compile(
    r"\W*(?:and|but|or|so|also|then|what about|how about|what if|why not|how so|which ones?|who else|"
    r"where else|what else|anything else|tell me more|more about|go on|explain (?:that|this|it)|"
    r"same (?:for|with|question)|(?:is|are) there (?:an?y?|other|more|also)?\s*(?:exceptions?|limits?|others?|more)|"
    r"any(?! of)|which (?:is|are|one|of (?:them|these|those))|only|"
    r"(?:are|were|do|does|did|can|could|will|would|should|has|have|is|was) (?:they|these|those|he|she)|"
    r"(?:are|were|do|does|did|can|could|will|would|should|has|have) (?:it|that|this)|"
    r"(?:it|they|that|this|those|these|he|she|his|her|their|its)(?! is possible)"
    # German, French, Spanish, Italian, Portuguese, Dutch, Russian, Ukrainian
    r"|(?:und|oder|aber|auch|et|mais|ou|aussi|y|pero|o|e|ma|anche|mas|também|en|maar|ook|а|и|но|или|та|але|або)(?=\s)"
    r")\b",
    re.IGNORECASE,
)
_ANAPHORA = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|ones|both of them|each of them)\b"
    r"|\b(?:this|that|these|those)(?=\s*(?:[?.!,;]|$|is|are|was|were|do|does|did|can|cost|costs|take|takes|mean|means|"
    r"work|works|happen|happens|apply|applies|off|on|up|down|back|out|again|too)\b|\s*[?.!,;]|\s*$)"
    r"|(?<=\bfor )(?:this|that)\b|(?<=\babout )(?:this|that)\b"
    r"|\b(?:these|those) (?!who|that)\w+|\bone(?=\s*(?:[?.!,;]|$))"
    r"|(?<=\bdoes )(?:this|that)\b|(?<=\bdo )(?:this|that)\b|(?<=\bis )(?:this|that)\b"
    r"|\bthe (?:former|latter|same|other|others)\b",
    re.IGNORECASE,
)
# What a question itself has spoken of may be meant by "its" anywhere, by "it" only in another clause.
_POSSESSIVES = frozenset({"its", "their", "his", "her"})
_CLAUSE_BORDER = re.compile(
    r"[,;:]|\b(?:when|if|because|and|but|or|before|after|once|while|until|unless|that|which|who|so)\b", re.IGNORECASE
)
# "The only grounded one" says which one.
_ONES = frozenset({"one", "ones"})
_NAMED_KIND = re.compile(r"\b(?:the|an?|each|every|any)\s+(?:[\w-]+\s+){1,3}$", re.IGNORECASE)
_CONDITION = re.compile(r"\W*(?:when|if|once|while|unless|until|because|after|before)\b", re.IGNORECASE)
# "Is it possible to …", "how long does it take to …": it stands for what follows.
_EXPLETIVE = re.compile(
    r"\b(?:is|was|would|will|does|can|be)?\s*it(?:'s| is| be)? (?:possible|true|necessary|allowed|ok|okay|safe|normal|"
    r"required|important|enough)\b"
    r"|\bit (?:takes?|costs?|makes? sense|matters?|happens?)\b.*\b(?:to|for|if|until|that)\b",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has|have|had|get|gets)\b",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(r"\W*(?:what|which|who|whom|whose|where|when|why|how)\b", re.IGNORECASE)
_CONJUNCTION = re.compile(r"\W*(?:and|but|or|so|also|then|und|oder|aber|et|mais|y|pero|ma|en|maar)\b\s*", re.IGNORECASE)
_CLAUSE = re.compile(rf"(?:{_QUESTION_WORD.pattern}|{_VERB.pattern})", re.IGNORECASE)
_ASKS = re.compile(r"\b(?:what|which|who|whom|whose|where|when|why|how)\b(?!\s+about)", re.IGNORECASE)
_SUBSTITUTE = re.compile(
    r"\W*(?:(?:and|or|but|so|also)\s+)?(?:(?:what|how)\s+about\s+|also\s+|then\s+)?"
    r"(?P<phrase>(?P<preposition>in|on|at|for|with|from|by|under|without|to|as|through|via|over)\s+.+?)"
    r"\s*(?:then|too|instead|as well)?[?.!\s]*$",
    re.IGNORECASE,
)
# Prepositions that stand for one another: "on Linux" gives way to "in Windows".
_PLACES = frozenset({"in", "on", "at", "under"})
_WAYS = frozenset({"by", "with", "through", "via", "over"})
_FILLERS = frozenset(
    {
        "more",
        "detail",
        "explain",
        "elabor",
        "tell",
        "continu",
        "go",
        "exampl",
        "mean",
        "pleas",
        "say",
        "show",
        "thank",
        "give",
    }
)


@dataclass(frozen=True)
class Standalone:
    """`text` is what to search for; `made_from` are the earlier questions in it, none where it stands alone."""

    text: str
    made_from: tuple[str, ...] = ()


def standalone(question: str, before: Sequence[str], topic: str = "") -> Standalone:
    """The question in the words of the ones before it (oldest first) where it can't be understood alone.

    `topic` is what was asked before those, for a conversation that has done nothing but follow up ever since.
    """
    question = question.strip()
    if not leans(question):
        return Standalone(question)
    question = " ".join(question.split())
    between: list[str] = []
    anchor = topic
    for earlier in reversed([one for one in before if not small_talk(one)]):
        if not leans(earlier):
            anchor = " ".join(earlier.split())[:ANCHOR_CHARS]
            break
        between.insert(0, " ".join(earlier.split()))
    if not anchor:
        # Nothing stood alone, the first question the least of all; it is still what the others lean on.
        anchor, between = (between[0], between[1:]) if between else ("", [])
    if not anchor:
        return Standalone(question)
    return _joined(anchor, between[-MOST_BETWEEN:], question)


def leans(question: str) -> bool:
    """Whether it can't be understood without the conversation: it says nothing of its own, or points back."""
    question = " ".join(question[: 10 * LONGEST_CHARS].split())
    if len(question) > LONGEST_CHARS:
        return False
    if content_stems(question) <= _FILLERS:
        return True
    if len(words(question)) > LONGEST:
        return False
    joined = _CONJUNCTION.match(question)
    clause = question[joined.end() :] if joined else question
    if asks_of_its_own(question) or asks_of_its_own(clause):
        return False
    if _points_back(clause) or _is_ellipsis(clause):
        return True
    # "And which plan includes exports?" only goes on talking.
    whole = joined and _CLAUSE.match(clause) and len(content_stems(clause)) >= OWN_ANTECEDENT
    return _OPENING.match(clause if whole else question) is not None


def may_lean(question: str) -> bool:
    """Whether it might lean on the conversation, for whoever can judge that better."""
    if len(question) > 2 * LONGEST_CHARS:
        return False
    return leans(question) or len(words(question)) <= LONGEST_ELLIPSIS or _ANAPHORA.search(question) is not None


def asks_for_more(word: str) -> bool:
    """Whether a word only asks on: "explain", "more", "please"."""
    return stem(word.casefold()) in _FILLERS


def _points_back(question: str) -> bool:
    expletives = [match.span() for match in _EXPLETIVE.finditer(question)]
    for match in _ANAPHORA.finditer(question):
        if any(start <= match.start() < end for start, end in expletives):
            continue
        before = question[: match.start()]
        if match.group().casefold() in _ONES and _NAMED_KIND.search(before):
            continue
        borders = list(_CLAUSE_BORDER.finditer(before))
        nearer = match.group().casefold() in _POSSESSIVES
        spoken_of = before if nearer else before[: borders[-1].start()] if borders else ""
        if _CONDITION.match(question) and not spoken_of.strip():
            spoken_of = before
        if len(content_stems(spoken_of)) < OWN_ANTECEDENT:
            return True
    return False


def _is_ellipsis(question: str) -> bool:
    """A question without a verb: "In Windows?", "For how long?", "The free plan?"."""
    if len(words(question)) > LONGEST_ELLIPSIS or _VERB.search(question) or is_long_for_its_script(question):
        return False
    if _QUESTION_WORD.match(question):
        return len(content_stems(question)) <= 1
    return question.rstrip().endswith("?") or _SUBSTITUTE.match(question) is not None


def _joined(anchor: str, between: Sequence[str], question: str) -> Standalone:
    """The anchor with a changed phrase where the question only changes one; else one after the other."""
    text, used = anchor, [anchor]
    for follow_up in (*between, question):
        replaced = _substituted(text if len(used) == 1 else anchor, follow_up)
        if replaced is not None:
            # What an earlier follow-up put in this place is given up with it.
            text, used = replaced, [anchor]
        else:
            text = f"{text} {follow_up}"
            used.append(follow_up)
    return Standalone(text, tuple(dict.fromkeys([anchor, *between])))


def _substituted(anchor: str, follow_up: str) -> str | None:
    """The anchor asked of another place, person or way: its own phrase of that kind is exchanged, or one added."""
    found = _SUBSTITUTE.match(follow_up)
    if found is None or _VERB.search(follow_up) or _ASKS.search(follow_up) or len(words(follow_up)) > LONGEST:
        return None
    kind = _kind(found["preposition"])
    stemmed = anchor.rstrip("?.! ")
    ending = anchor[len(stemmed) :].strip() or "?"
    last = None
    for match in re.finditer(r"\s(in|on|at|for|with|from|by|under|without|to|as|through|via|over)\s+", stemmed):
        last = match
    if last is not None and _kind(last.group(1)) == kind and len(words(stemmed[last.end() :])) <= LONGEST_ELLIPSIS:
        stemmed = stemmed[: last.start()]
    phrase = found["phrase"]
    return f"{stemmed} {phrase[0].lower()}{phrase[1:]}{ending}"


def _kind(preposition: str) -> str:
    word = preposition.casefold()
    return "place" if word in _PLACES else "way" if word in _WAYS else word
