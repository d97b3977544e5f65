"""Stems of words: English ones, or another language's while that is read.

English also of those whose past no suffix tells: "lost" and "lose" are one stem.
"""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import snowballstemmer

ENGLISH = "en"
_ALGORITHMS = {
    "en": "english",
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)

# Forms that are a common word of their own (left, found, saw, ground) stand for themselves.
_IRREGULAR = {
    form: verb
    for line in """
    arise arose arisen|awake awoke awoken|become became|begin began begun|bend bent|bind bound
    bite bit bitten|bleed bled|blow blew blown|break broke broken|breed bred|bring brought|build built
    burn burnt|buy bought|catch caught|choose chose chosen|come came|creep crept|deal dealt|dig dug
    draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed|feel felt
    fight fought|flee fled|fly flew flown|forbid forbade forbidden|forget forgot forgotten
    forgive forgave forgiven|freeze froze frozen|give gave given|go went gone goes|grow grew grown|hang hung
    hear heard|hide hid hidden|hold held|keep kept|kneel knelt|know knew known|lay laid|lead led
    learn learnt|lend lent|lose lost|make made|mean meant|meet met|pay paid|prove proven|ride rode ridden
    ring rang rung|rise rose risen|run ran|say said|seek sought|sell sold|send sent|shake shook shaken
    shine shone|shoot shot|show shown|shrink shrank shrunk|sing sang sung|sink sank sunk|sit sat|sleep slept
    slide slid|speak spoke spoken|spend spent|spin spun|stand stood|steal stole stolen|stick stuck
    strike struck|swear swore sworn|sweep swept|swim swam swum|swing swung|take took taken|teach taught
    tear tore torn|tell told|think thought|throw threw thrown|understand understood|wake woke woken
    wear wore worn|weave wove woven|weep wept|win won|withdraw withdrew withdrawn|write wrote written
    person people|child children|man men|woman women|foot feet|tooth teeth|mouse mice
    """.replace("\n", "|").split("|")
    if line.strip()
    for verb, *forms in [line.split()]
    for form in forms
}

# "Einzureichen", "eingereicht" and "einreichen" are one verb; "Angehörige" and "Zugehörigkeit" are none.
_SEPARABLE = re.compile(
    r"(?P<first>ab|an|auf|aus|bei|ein|fest|frei|her|hin|los|mit|nach|vor|weg|weiter|zu|zurück|zusammen)(?:zu|ge)"
    r"(?!\w*(?:ig|isch|lich|heit|keit|ung|schaft)(?:e[mnrs]?|en)?$)(?P<verb>\w{3,}?)(?:en(?:e[mnrs]?)?|e?t(?:e[mnrs]?)?)"
)


@contextmanager
def reading_in(language: str | None) -> Generator[None]:
    """Words are compared as that language's within: an ISO 639-1 code; as English where it is unknown.

    A context, because question, passages and sentences must all be read alike, in whatever depth of a call.
    """
    token = _language.set(language if language in _ALGORITHMS else ENGLISH)
    try:
        yield
    finally:
        _language.reset(token)


def language_read() -> str:
    """The language that words are read in here."""
    return _language.get()


def stem(word: str) -> str:
    """The stem of a lower-case word (Snowball); one with a digit in it is its own."""
    return _stem(_language.get(), word)


@lru_cache(maxsize=1 << 16)
def _stem(language: str, word: str) -> str:
    if not word.isalpha():
        return word
    if language == ENGLISH:
        word = _IRREGULAR.get(word, word)
    separable = _SEPARABLE.fullmatch(word) if language == "de" else None
    if separable:
        word = f"{separable['first']}{separable['verb']}en"
    return _stemmer(language)(word)


@lru_cache
def _stemmer(language: str) -> Callable[[str], str]:
    return snowballstemmer.stemmer(_ALGORITHMS[language]).stemWord  # pyright: ignore - it has no types
