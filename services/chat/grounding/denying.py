"""Questions for what isn't so ("Which costs are not reimbursed?") and sentences that say it, by language."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from dataclasses import dataclass

from libs.text.asking import ignoring_case
from libs.text.language import language_of_words
from libs.text.stems import language_read, stem
from libs.text.words import content_stems, words
from services.chat.grounding.facts import is_negated
from services.chat.grounding.negations import denials, is_denial, says_lacking

_ASKS_FOR_A_FACT = re.compile(r"\b(?:what|which|who|whom|whose|where|when|how many|how much)\b", re.IGNORECASE)
# "What happens if I don't …", "Why isn't …": affirmations answer these.
_ASKS_FOR_MORE = re.compile(r"\b(?:if|why|happens?|unless|without)\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–|]|\d{1,3}[.)])\s")
_DENYING = frozenset(
    map(
        stem,
        """absent avoid ban banned deny denied except exclude excluded excluding fail forbid forbidden impossible
        ineligible instead lack lacking missing neither only prohibit prohibited refuse refused reject rejected
        unable unavailable unlike unsupported""".split(),
    )
)


@dataclass(frozen=True)
class _Telling:
    """How a language asks and tells what isn't so; patterns.

    `facts` open a question for a fact; where it goes on with `is_`, a relative clause says what is asked ("Quels sont
    les frais qui ne …"). A clause that `relative` or `other` opens has denials of its own, and so has a question for
    what must not be `forgotten`. `denying` are beginnings of words that deny without a word like "not".
    """

    facts: str
    is_: str
    relative: str
    other: str
    forgotten: str
    denying: str

    def opening(self) -> re.Pattern[str]:
        # One preposition may stand before ("Für welche Kosten …"), but "por qué" asks why.
        return ignoring_case(rf"\W*(?!por )(?:\w+ )?(?P<fact>{self.facts})(?: (?P<is>{self.is_}))?\b")


_TELLING = {
    "de": _Telling(
        facts="was|welche[mnrs]?|we[rmn]|wessen|wo|wohin|woher|wann|wie ?viele?",
        is_="sind|ist|wären|wäre",
        relative=r",",
        other=r",\s(?:um|damit|weil|obwohl|bevor)\b|\b(?:wenn|falls|sofern|solange)\b",
        forgotten=r"\b(?:vergess|verpass)\w*",
        denying="ausgeschlossen|ausgenommen|ausnahme|ausschlie|ausser|außer|verb[oi]t|verboten|untersag|nur|einzig"
        "|lediglich|geschlossen|fehl|ablehn|abgelehn|verweiger|vermeid|statt|anstatt|entf[aä]ll|verf[aä]ll|erlisch"
        "|verlier|selbst|selber|zulasten|lasten|eigene|eingestellt|abgeschafft|aufgehoben|gestrichen|endet|beendet"
        "|abgelaufen|verzicht|befrei|erspar|keinesfalls|keineswegs|überflüssig|unnötig|gratis|kostenlos"
        "|un(?:befug|berechtig|bezahl|erlaub|gültig|mögl|versicher|wirksam|zuläss)",
    ),
    "fr": _Telling(
        facts="qu'est-ce qu[ei]|qu'est-ce|que|quoi|quel(?:le)?s?|lesquel(?:le)?s|qui est-ce qui|qui|où|quand|combien",
        is_="sont|est|étaient|était",
        relative=r"\b(?:qui|que|dont|où)\b|\bqu'",
        other=r"\b(?:si|quand|lorsque|lorsqu|afin|parce|pour ne|de ne)\b|\bs'ils?\b",
        forgotten=r"\b(?:oubli|rat|manqu)er\b",
        denying="exclu|except|sauf|hormis|interdi|défend|prohib|seul|uniquement|ferm|manqu|absen|refus|rejet|impossib"
        "|évit|au lieu|charge|perd|expir|supprim|abrog|suspend|termin|fini|inadmiss|inéligib|non|hors|exon|exempt"
        "|dispens|inutil|gratui|superflu",
    ),
    "es": _Telling(
        facts="qué|cuál(?:es)?|quién(?:es)?|dónde|adónde|cuándo|cuánt[oa]s?",
        is_="son|es|eran|era",
        relative=r"\b(?:que|quien(?:es)?|cuy[oa]s?|donde)\b",
        other=r"\b(?:si|cuando|porque|para no|de no)\b",
        forgotten=r"\bolvid\w+",
        denying="exclu|excep|salvo|prohib|vedad|solo|sólo|solamente|únicamente|cerrad|cierra|falt|carec|ausent|rechaz"
        "|deneg|nieg|imposib|evit|en lugar|en vez|cargo|cuenta|pierd|perd|venc|expir|caduc|suprim|derog|suspend|termin"
        "|fuera|inadmis|ajen|exent|exim|dispens|gratis|gratuit|innecesari",
    ),
    "it": _Telling(
        facts="che cosa|cosa|che|qual[ei]?|chi|dove|quando|quant[oiae]",
        is_="sono|è|erano|era",
        relative=r"\b(?:che|cui)\b",
        other=r"\b(?:se|quando|perché|affinché|per non|di non)\b",
        forgotten=r"\bdimentic\w+",
        denying="esclu|eccez|eccett|tranne|salvo|viet|proib|solo|soltanto|solamente|unicamente|chius|chiude|manc|assen"
        "|rifiut|respin|negat|impossib|evit|invece|carico|proprie|perd|scad|soppress|abrog|sospes|termina|fuori"
        "|inammiss|esen[tz]|esoner|dispens|gratis|gratuit|inutil|superflu",
    ),
    "nl": _Telling(
        facts="wat|welke?|wie|wiens|waar(?:voor|van|op|mee|heen)?|wanneer|hoeveel",
        is_="zijn|is|waren|was",
        relative=r"\b(?:die|dat)\b|,",
        other=r"\b(?:als|indien|om|omdat|zodat|tenzij)\b",
        forgotten=r"\bverge(?:et|ten)\b",
        denying="uitgeslot|uitgezonderd|uitzonder|behalve|verbod|verbied|alleen|slechts|enkel|uitsluitend|geslot|sluit"
        "|ontbre|afgewez|geweiger|weiger|onmogel|vermijd|in plaats|op kosten|zelf|eigen|verval|verlie|verlop|afgeschaft"
        "|geschrapt|beëindigd|eindig|stopgezet|vrijgest|gratis|kosteloos|overbodig|onnodig"
        "|on(?:betaal|bevoeg|geldig|toegestaan|verzeker)",
    ),
    "pt": _Telling(
        facts="o que|o quê|que|qua(?:l|is)|quem|onde|aonde|quando|quant[oa]s?",
        is_="são|é|eram|era",
        relative=r"\b(?:que|quem|cuj[oa]s?|onde)\b",
        other=r"\b(?:se|quando|porque|para não|de não)\b",
        forgotten=r"\besque\w+",
        denying="exclu|exce[pt]|exce[çt]|salvo|proib|vedad|só|somente|apenas|unicamente|fechad|encerrad|fecha|encerra|falt"
        "|ausent|recus|rejeit|negad|imposs|evit|em vez|cargo|conta|perd|venc|expir|caduc|suprim|revog|suspens|termin"
        "|fora|inadmiss|isen|dispens|grátis|gratuit|desnecess",
    ),
}
# "Welche Kosten", "combien de jours": the word behind it is the thing that is asked for.
_OF_KIND = ignoring_case(r"welk|welch|wie|quel|combien|qué|cuál|cuánt|qual|quant|hoeveel|que$|che$")
_OPENING = {language: told.opening() for language, told in _TELLING.items()}
_RELATIVE = {language: ignoring_case(rf"{told.relative}|{told.other}") for language, told in _TELLING.items()}
_OTHER = {language: ignoring_case(told.other) for language, told in _TELLING.items()}
_FORGOTTEN = {language: ignoring_case(told.forgotten) for language, told in _TELLING.items()}
_DENIES = {language: ignoring_case(rf"\b(?:{told.denying})") for language, told in _TELLING.items()}


def asks_what_is_not(question: str) -> bool:
    """Whether it asks for something that isn't so: "Which costs are not reimbursed?"."""
    language = language_read()
    if language in _TELLING:
        return _asks_elsewhere(question.replace("’", "'"), language)
    return (
        is_negated(question)
        and _ASKS_FOR_A_FACT.search(question) is not None
        and _ASKS_FOR_MORE.search(question) is None
    )


def says_what_is_not(sentence: str) -> bool:
    """Whether it denies something; an item of a list may, with the line that opens the list."""
    if _LIST_ITEM.match(sentence) or is_negated(sentence):
        return True
    language = language_read()
    if language in _TELLING:
        if denials(sentence) or _DENIES[language].search(sentence):
            return True
        # An English document may answer a German question, and denies in its own words.
        return language_of_words(sentence) not in (language, None)
    return any(stem(word) in _DENYING for word in words(sentence.casefold()))


def affirms(question: str, sentence: str) -> bool:
    """Whether the sentence says all of the question but the thing that it asks for, and so tells what is so.

    In English every sentence counts, as it was measured: elsewhere fewer ways to deny are known, and "children are
    exempt" says nothing of the paying that was asked about.
    """
    language = language_read()
    if language not in _TELLING:
        return True
    question = question.replace("’", "'")
    opening = _OPENING[language].match(question)
    following = words(question[opening.end() if opening else 0 :].casefold())
    asked = [word for word in following if content_stems(word) and not is_denial(word)]
    if opening and _OF_KIND.match(opening["fact"]):
        asked = asked[1:]
    said = content_stems(" ".join(asked))
    # No compounds: "ontoegankelijk" has "toegankelijk" in it.
    return said <= content_stems(sentence)


def _asks_elsewhere(question: str, language: str) -> bool:
    """Where words stand elsewhere than in English, its first clause alone counts: others are about what else is so."""
    opening = _OPENING[language].match(question)
    if opening is None:
        return False
    border = (_OTHER if opening["is"] else _RELATIVE)[language].search(question, opening.end())
    clause = question[: border.start()] if border else question
    # The whole too: "ne sont payés qu'à moitié" denies nothing.
    denies = is_negated(question) and is_negated(clause) and not says_lacking(clause)
    return denies and _FORGOTTEN[language].search(question) is None
