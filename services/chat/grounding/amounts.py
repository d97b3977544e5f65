"""The number that a question asks for: of what, and said of what."""

import re
from dataclasses import dataclass
from itertools import takewhile

from libs.text.asking import AnswerKind
from libs.text.asking_languages import asking
from libs.text.stems import ENGLISH, language_read
from libs.text.words import STOPWORDS, content_stems, contentless, stem, words
from services.chat.grounding.figures import Figure
from services.chat.grounding.units import CURRENCIES, TIMES, unit_of

_ASKS_FOR_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|high|fast|big|large|often)|percent\w*|"
    r"(?:what|which) (?:number|amount|price|share|rate|score|time|size|age|limit))\b",
    re.IGNORECASE,
)
_ASKS_FOR_TIME = re.compile(r"\bhow (?:long|old|often)\b", re.IGNORECASE)
_ASKS_FOR_SHARE = re.compile(r"\bpercent\w*|\b(?:what|which) share\b", re.IGNORECASE)
_ASKS_HOW_MANY = re.compile(r"\bhow (?:(?P<many>many)|much) (?P<things>.+)", re.IGNORECASE | re.DOTALL)
# "How many times" may be told by anything ("her sixth title"), and "how much money" without the word.
_UNTOLD_HEADS = frozenset({"time", "times", "money"})

# Words of a question elsewhere that name no more than the kind of number, which its answer tells without them.
_KINDS_OF_NUMBER = {
    language: frozenset(said.split())
    for language, said in {
        "de": """alter anzahl betrag betrage dauer datum frist höhe innert innerhalb prozent prozentsatz pro umfang
        zahl zeit zeitpunkt beträgt""",
        "fr": "date délai durée fréquence montant nombre pourcentage temps",
        "es": "cantidad duración fecha frecuencia importe monto número plazo porcentaje tiempo",
        "it": "cifra data durata frequenza importo numero percentuale quantità tempo termine",
        "nl": "aantal bedrag datum duur hoogte percentage termijn tijd",
        "pt": "data duração frequência montante número percentagem porcentagem prazo quantidade tempo valor",
    }.items()
}
_SHARES = {
    "de": r"prozent\w*",
    "fr": r"pour ?cent\w*",
    "es": r"porcentaje|por ciento",
    "it": r"percentuale|per ?cento",
    "nl": r"percentage|procent",
    "pt": r"percentagem|porcentagem|por cento",
}
_SHARE = {language: re.compile(rf"\b(?:{said})\b", re.IGNORECASE) for language, said in _SHARES.items()}
# "Combien de jours de congé", "cuántos días de vacaciones"; in German and Dutch the head follows its unit.
_OF = frozenset({"de", "di", "d", "del", "dei", "degli", "delle"})
_ELISION = re.compile(r"^d['’](?=\w)")


@dataclass(frozen=True)
class Amount:
    """What a question asks a number of: `units` or counted things, None for any; said beside `head`, if there is one.

    In "how many hours of annual leave", hours are the unit and leave is the head. `counted` is a word that is told by
    the number alone.
    """

    units: frozenset[str] | None = None
    head: str | None = None
    counted: str | None = None

    def is_of(self, figure: Figure) -> bool:
        return (self.units is None or figure.of in self.units) and (self.head is None or self.head in figure.beside)

    def matter(self, question: str) -> frozenset[str]:
        """What else the number must be said of: the question's words but for its measures and numbers."""
        kinds: frozenset[str] = frozenset()
        if language_read() != ENGLISH:
            # "Tous les combien", "hoe vaak".
            question, kinds = asking().time.sub(" ", question), _KINDS_OF_NUMBER[language_read()]
        every = words(question.casefold())
        said = [
            word
            for word in (every if language_read() == ENGLISH else [_ELISION.sub("", one) for one in every])
            if word != self.counted and unit_of(word) is None and word not in kinds
        ]
        return frozenset(one for one in content_stems(" ".join(said)) if not any(map(str.isdigit, one)))


def kinds_of_number() -> frozenset[str]:
    """Stems of the words that tell what kind of number is asked for: "Betrag", "Frist"; none in English."""
    return frozenset(map(stem, _KINDS_OF_NUMBER.get(language_read(), ())))


def asks_for_number(question: str) -> bool:
    language = language_read()
    if language != ENGLISH:
        return asking().counts.search(question) is not None or _SHARE[language].search(question) is not None
    return _ASKS_FOR_NUMBER.search(question) is not None


def amount_asked_for(question: str) -> Amount:
    if language_read() != ENGLISH:
        return _amount_elsewhere(question, language_read())
    if _ASKS_FOR_TIME.search(question):
        return Amount(TIMES)
    if _ASKS_FOR_SHARE.search(question):
        return Amount(frozenset({"percent"}))
    found = _ASKS_HOW_MANY.search(question)
    following = words(found["things"].casefold()) if found else []
    things = _until_contentless(following)
    if not found or not things or things[-1] in _UNTOLD_HEADS:
        return Amount(counted=things[-1] if things else None)
    if not found["many"]:
        return Amount(head=stem(things[-1]))
    units = frozenset(map(stem, things)) | frozenset(unit for one in things if (unit := unit_of(one)))
    rest = following[len(things) :]
    of = _until_contentless(rest[1:]) if rest[:1] == ["of"] and unit_of(things[-1]) else []
    return Amount(units, stem(of[-1]) if of else None, things[-1])


def _amount_elsewhere(question: str, language: str) -> Amount:
    if asking().time.search(question) and not asking().when.search(question):
        return Amount(TIMES)
    if _SHARE[language].search(question):
        return Amount(frozenset({"percent"}))
    if asking().kinds[AnswerKind.MONEY].search(question):
        return Amount(CURRENCIES)
    found = asking().how_many.search(question)
    following = [_ELISION.sub("", word) for word in words(question[found.end() :].casefold())] if found else []
    following = following[1:] if following[:1] and following[0] in _OF else following
    things = list(takewhile(lambda word: word not in contentless() and word not in _OF, following))
    if not things:
        return Amount()
    unit = unit_of(things[0])
    if unit is None:
        return Amount(frozenset(map(stem, things)), counted=things[0])
    rest = following[len(things) :]
    of = rest[1:2] if rest[:1] and rest[0] in _OF else things[1:2] if language in ("de", "nl") else []
    head = next((word for word in of if word not in contentless() and unit_of(word) is None), None)
    return Amount(frozenset({unit}), stem(head) if head else None, things[0])


def _until_contentless(following: list[str]) -> list[str]:
    return list(takewhile(lambda word: word not in STOPWORDS, following))
