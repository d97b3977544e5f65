"""What stands in place of an answer's sentence that its reader may not see now, in the answer's language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InPlace:
    """`gone`: its sources are; `unsupported`: it had none, and whatever it was made of may be what is gone.

    `unchecked`: nobody can say now whether its sources may be seen.
    """

    gone: str
    unsupported: str
    unchecked: str


_TEXTS = {
    "en": InPlace(
        "(This sentence's source is no longer available.)",
        "(This sentence is no longer available.)",
        "(This sentence's sources can't be checked right now.)",
    ),
    "de": InPlace(
        "(Die Quelle dieses Satzes ist nicht mehr verfügbar.)",
        "(Dieser Satz ist nicht mehr verfügbar.)",
        "(Die Quellen dieses Satzes können gerade nicht geprüft werden.)",
    ),
    "fr": InPlace(
        "(La source de cette phrase n'est plus disponible.)",
        "(Cette phrase n'est plus disponible.)",
        "(Les sources de cette phrase ne peuvent pas être vérifiées pour le moment.)",
    ),
    "es": InPlace(
        "(La fuente de esta frase ya no está disponible.)",
        "(Esta frase ya no está disponible.)",
        "(Las fuentes de esta frase no se pueden comprobar en este momento.)",
    ),
    "it": InPlace(
        "(La fonte di questa frase non è più disponibile.)",
        "(Questa frase non è più disponibile.)",
        "(Le fonti di questa frase non possono essere verificate in questo momento.)",
    ),
    "pt": InPlace(
        "(A fonte desta frase já não está disponível.)",
        "(Esta frase já não está disponível.)",
        "(As fontes desta frase não podem ser verificadas neste momento.)",
    ),
    "nl": InPlace(
        "(De bron van deze zin is niet meer beschikbaar.)",
        "(Deze zin is niet meer beschikbaar.)",
        "(De bronnen van deze zin kunnen nu niet worden gecontroleerd.)",
    ),
}
_DEFAULT = "en"


def in_place(language: str | None) -> InPlace:
    """The texts of a language, an ISO 639-1 code; English for one that there are none in."""
    return _TEXTS[language if language in _TEXTS else _DEFAULT]
