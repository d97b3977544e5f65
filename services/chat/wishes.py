"""What an organisation and an asker wish of the form of answers, and what of it can be read without a model."""

import re
from dataclasses import dataclass
from typing import Any

from services.chat.prompt import estimated_tokens

# Of the model's context. What is longer is cut: a passage that has no room costs an answer, a wish only its form.
CONTEXT_SHARE = 0.15
BRIEF = 2
MOST_COUNTED = 9

_NUMBERS = {
    **{str(number): number for number in range(1, MOST_COUNTED + 1)},
    **{
        word: number
        for number, said in {
            1: "one single a ein einem einen einzigen un une una uno uma um een één",
            2: "two zwei deux dos due dois duas twee",
            3: "three drei trois tres tre três drie",
            4: "four vier quatre cuatro quattro quatro",
            5: "five fünf cinq cinco cinque vijf",
        }.items()
        for word in said.split()
    },
}
_SENTENCES = re.compile(
    rf"\b(?P<number>{'|'.join(_NUMBERS)})\s+(?:\w+\s+)?"
    r"(?:sentences?|s[aä]tz(?:e|en)?|phrases?|frases?|oraci[oó]n(?:es)?|fras[ei]|ora[cç](?:ão|ões)|zin(?:nen)?)\b",
    re.IGNORECASE,
)
_BRIEF = re.compile(
    r"\b(?:brief(?:ly)?|short|concise(?:ly)?|terse(?:ly)?|succinct(?:ly)?|kurz(?:e|en)?|knapp(?:e|en)?|bref|brève(?:ment)?|"
    r"court(?:e|es)?|concis(?:e)?|breve(?:mente|s)?|corto|corta|conciso|concisa|curto|curta|kort(?:e)?|beknopt(?:e)?|bondig)\b",
    re.IGNORECASE,
)
# "Not too short": what denies a length, or asks for much, is no wish for little.
_DENIED = re.compile(
    r"\b(?:not?|never|don'?t|nicht|kein\w*|pas|jamais|sin|non|não|niet|geen|avoid|without)\W+(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_DENIAL_REACH = 40

_LANGUAGES = {
    name: code
    for code, names in {
        "en": "english englisch anglais inglés ingles inglese inglês engels",
        "de": "german deutsch allemand alemán aleman tedesco alemão duits",
        "fr": "french französisch français francais francés frances francese francês frans",
        "es": "spanish spanisch espagnol español espanol spagnolo espanhol spaans",
        "it": "italian italienisch italien italiano italiaans",
        "pt": "portuguese portugiesisch portugais portugués portoghese português portugues portugees",
        "nl": "dutch niederländisch néerlandais neerlandés olandese holandês nederlands",
        "pl": "polish polnisch polonais",
        "sv": "swedish schwedisch",
        "da": "danish dänisch",
        "ru": "russian russisch russe",
        "uk": "ukrainian ukrainisch",
        "tr": "turkish türkisch turc",
        "ar": "arabic arabisch arabe",
        "ja": "japanese japanisch japonais",
        "zh": "chinese chinesisch chinois",
        "ko": "korean koreanisch coréen",
        "cs": "czech tschechisch tchèque",
    }.items()
    for name in names.split()
}
_IN_LANGUAGE = re.compile(
    r"(?:^|\b(?:answers?|reply|replies|respond|write|speak|antwort\w*|schreib\w*|répon\w*|écri\w*|respond\w*|respuesta\w*|"
    r"contest\w*|rispond\w*|scriv\w*|responda|escreva|antwoord\w*|schrijf\w*)\b[^.!?;]{0,40}?\b)"
    rf"(?:in|auf|en|em|het|always|immer)\s+(?:het\s+)?(?P<name>{'|'.join(_LANGUAGES)})\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Wishes:
    """`sentences` is the longest that an answer of the sources' own sentences is to be, None for no wish; `language` is
    an ISO 639-1 code. Where the two differ, the organisation's hold.
    """

    organization: str = ""
    person: str = ""
    sentences: int | None = None
    language: str | None = None
    cut: bool = False

    def traced(self) -> dict[str, Any]:
        """Which instructions held, without their words: an organisation's are its admins' to read."""
        held = [name for name, text in (("organization", self.organization), ("person", self.person)) if text]
        return {"held": held, "sentences": self.sentences, "language": self.language, "cut": self.cut}


def wishes(organization: str, person: str, context_tokens: int) -> Wishes:
    """As much of the instructions as the context has room for, and what they say of length and language."""
    room = int(context_tokens * CONTEXT_SHARE)
    kept = _fitting(organization, room - min(estimated_tokens(person) if person else 0, room // 2))
    also = _fitting(person, room - (estimated_tokens(kept) if kept else 0))
    return Wishes(
        kept,
        also,
        sentences_wished(organization) or sentences_wished(person),
        language_wished(organization) or language_wished(person),
        cut=(kept, also) != (organization, person),
    )


def sentences_wished(instructions: str) -> int | None:
    """How many sentences an answer may have: a number that is named, or a few where it shall be short."""
    for found in _SENTENCES.finditer(instructions):
        if not _is_denied(instructions, found.start()):
            return _NUMBERS[found["number"].casefold()]
    if any(not _is_denied(instructions, found.start()) for found in _BRIEF.finditer(instructions)):
        return BRIEF
    return None


def language_wished(instructions: str) -> str | None:
    """The language that answers shall be in, where one is named for them."""
    for found in _IN_LANGUAGE.finditer(instructions):
        if not _is_denied(instructions, found.start()):
            return _LANGUAGES[found["name"].casefold()]
    return None


def _is_denied(text: str, at: int) -> bool:
    return _DENIED.search(text[max(0, at - _DENIAL_REACH) : at]) is not None


def _fitting(text: str, room_tokens: int) -> str:
    while text and estimated_tokens(text) > room_tokens:
        text = text[: len(text) * 3 // 4].rstrip()
    return text
