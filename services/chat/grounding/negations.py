"""How a language denies, joins its clauses, and says the contrary."""

import re
from dataclasses import dataclass
from functools import cache

from libs.text.stems import ENGLISH, language_read, stem
from libs.text.words import words

Opposites = tuple[tuple[frozenset[str], frozenset[str]], ...]

_NUMERO = {ENGLISH: re.compile(r"\b[Nn]o\.?\s*(?=\d)"), "es": re.compile(r"\b[Nn]o\.\s*(?=\d)")}
# "Il ne dure que 5 jours" denies nothing; "il ne faut pas que cela dure" does.
_ONLY = re.compile(r"\bn(?:e |')(?:(?!(?:pas|jamais|rien|personne|aucune?) )\w+ ){1,3}qu(?:e |')")
# "Not only members" says it of members.
_NOT_ONLY = {
    language: re.compile(rf"\b(?:{said})\b")
    for language, said in {
        ENGLISH: "not only|none other than",
        "de": "nicht nur|keine? andere[mnrs]? als|niemand ander(?:s|er) als|nichts anderes als",
        "es": "no s[oó]lo|no solamente|no únicamente",
        "it": "non solo|non soltanto|non solamente",
        "nl": "niet slechts|niet enkel",
        "pt": "não só|não somente|não apenas",
    }.items()
}
_ELISION = re.compile(r"\bn'(?=\w)")


@dataclass(frozen=True)
class _Denials:
    """`each` word denies by itself, and so do those of what is `lacking`; `agreeing` words do together where none of
    `each` does: "no viene nadie" denies once. `borders` are the words between clauses.
    """

    each: frozenset[str]
    agreeing: frozenset[str]
    lacking: frozenset[str]
    borders: str


def _denials(each: str, agreeing: str, lacking: str, borders: str) -> _Denials:
    return _Denials(frozenset(each.split()), frozenset(agreeing.split()), frozenset(lacking.split()), borders)


_DENIALS = {
    ENGLISH: _denials(
        "no not never none neither cannot nobody nothing nowhere hardly scarcely barely",
        "",
        "without except",
        "but|whereas|while|although|though|however|and|or",
    ),
    "de": _denials(
        """nicht kein keine keinen keinem keiner keines keinerlei nie niemals niemand niemanden niemandem nichts weder
        nirgends nirgendwo kaum""",
        "",
        "ohne außer ausgenommen",
        "aber|während|obwohl|jedoch|sondern|und|oder",
    ),
    "fr": _denials(
        "ne", "pas jamais aucun aucune rien nul nulle", "sans sauf", "mais|tandis que|alors que|bien que|et|ou"
    ),
    "es": _denials(
        "no",
        "nunca jamás nadie nada ningún ninguno ninguna tampoco ni",
        "sin excepto salvo",
        "pero|mientras|aunque|sino|y|o",
    ),
    "it": _denials(
        "non no",
        "mai nessuno nessuna nessun niente nulla neanche nemmeno neppure né",
        "senza tranne eccetto",
        "ma|mentre|sebbene|benché|e|o",
    ),
    "nl": _denials(
        "niet geen nooit niemand niets nergens nauwelijks",
        "",
        "zonder behalve",
        "maar|terwijl|hoewel|en|of",
    ),
    "pt": _denials(
        "não",
        "nunca jamais ninguém nada nenhum nenhuma tampouco nem",
        "sem exceto salvo",
        "mas|enquanto|embora|porém|e|ou",
    ),
}

# Words of one side in a sentence whose passage has only words of the other: the sentence says the contrary.
_OPPOSITES = {
    ENGLISH: """
        increase increased increasing rise rising rose risen grow grew growing growth raise raised
        / decrease decreased decreasing decline fall fell falling fallen drop dropped reduce reduced reduction
        | enhance enhanced promote promoted improve improved activate strengthen
        / suppress suppressed inhibit inhibited attenuate attenuated impair impaired worsen worsened weaken
        | before / after
        | more greater higher above over exceed / less fewer lower below under
        | maximum / minimum
        | allow allowed permit permitted may can / forbid forbidden prohibit prohibited ban banned disallow
        | always / never
        | required mandatory compulsory must / optional voluntary may
        | include included including / exclude excluded excluding
        | accept accepted approve approved grant granted / reject rejected deny denied refuse refused
        | positive positively / negative negatively
        | first earliest oldest / last latest newest
        | start started begin began / end ended stop stopped finish
        | early earlier / late later
        | internal / external
        | pass passed succeed success / fail failed failure
        | buy bought / sell sold
        | import / export
        | north northern / south southern
        | east eastern / west western
        | left / right
        | true / false
        | half / quarter""",
    "de": """
        steigt steigen stieg gestiegen erhöht erhöhen zunahme / sinkt sinken sank gesunken
        fällt gefallen senkt gesenkt abnahme
        | mehr höher / weniger niedriger
        | maximal höchstens / minimal mindestens
        | erlaubt gestattet zulässig / verboten untersagt unzulässig
        | immer / nie niemals
        | verpflichtend vorgeschrieben erforderlich / freiwillig optional
        | angenommen genehmigt / abgelehnt
        | früher / später""",
    "fr": """
        augmente augmenté hausse / diminue diminué baisse baissé réduit
        | maximum / minimum
        | autorisé permis / interdit défendu
        | toujours / jamais
        | obligatoire / facultatif
        | accepté approuvé / refusé rejeté
        | avant / après""",
    "es": """
        aumenta aumentó aumento sube subió / disminuye disminuyó baja bajó reduce redujo
        | máximo / mínimo
        | permitido / prohibido
        | siempre / nunca
        | obligatorio / opcional voluntario
        | aceptado aprobado / rechazado
        | antes / después""",
    "it": """
        aumenta aumentato aumento sale salito / diminuisce diminuito cala calato scende sceso
        | massimo / minimo
        | permesso consentito / vietato proibito
        | sempre / mai
        | obbligatorio / facoltativo
        | accettato approvato / rifiutato respinto
        | prima / dopo""",
    "nl": """
        stijgt stijgen steeg gestegen verhoogd / daalt dalen daalde gedaald verlaagd
        | meer hoger / minder lager
        | maximaal hoogstens / minimaal minstens
        | toegestaan / verboden
        | altijd / nooit
        | verplicht / vrijwillig optioneel
        | goedgekeurd / afgewezen geweigerd""",
    "pt": """
        aumenta aumentou aumento subiu / diminui diminuiu caiu reduz reduziu
        | máximo / mínimo
        | permitido / proibido
        | sempre / nunca
        | obrigatório / opcional facultativo
        | aceite aprovado / rejeitado recusado
        | antes / depois""",
}


def denials(text: str) -> int:
    """How often the text denies, in the language that is read."""
    language = language_read()
    told = _DENIALS[language]
    numero = _NUMERO.get(language)
    folded = (numero.sub("number ", text) if numero else text).casefold().replace("’", "'")
    if language == "fr":
        folded = _ELISION.sub("ne ", _ONLY.sub(" ", folded))
    if language in _NOT_ONLY:
        folded = _NOT_ONLY[language].sub(" ", folded)
    every = words(folded)
    found = sum(word in told.each or word.endswith("n't") for word in every)
    agreeing = not found and any(word in told.agreeing for word in every)
    return found + agreeing + sum(word in told.lacking for word in every)


def is_denial(word: str) -> bool:
    """Whether a lower-case word can deny by itself: "not", "keinen"."""
    told = _DENIALS[language_read()]
    return word in told.each or word in told.agreeing


def says_lacking(text: str) -> bool:
    """Whether it has a word like "without"."""
    return not _DENIALS[language_read()].lacking.isdisjoint(words(text.casefold()))


def clauses(text: str) -> list[str]:
    """The parts of a sentence that can be true by themselves, roughly: cut at conjunctions and semicolons."""
    return [part for part in _border(language_read()).split(text) if part.strip()]


@cache
def _border(language: str) -> re.Pattern[str]:
    return re.compile(rf";|\s[–—]\s|,?\s(?:{_DENIALS[language].borders})\s|[()]")


def opposites() -> Opposites:
    """Pairs of stems of the language that is read."""
    return _opposites(language_read())


@cache
def _opposites(language: str) -> Opposites:
    pairs = (line.split("/") for line in _OPPOSITES[language].split("|"))
    return tuple((frozenset(map(stem, one.split())), frozenset(map(stem, other.split()))) for one, other in pairs)
