"""Text as a rule reads it: what hides words from a pattern, and not from a model, is evened out first."""

import html
import re
import unicodedata

# Latin letters, and those of Cyrillic, Greek and Armenian that look like them (from Unicode's confusables).
_LOOKALIKES = {
    "a": "\u03b1\u0430",
    "b": "\u0432",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u03b5\u0435\u04bd",
    "g": "\u050d\u0581",
    "h": "\u04bb\u0570",
    "i": "\u03b9\u0456",
    "j": "\u0458",
    "k": "\u03ba\u043a",
    "l": "\u04cf",
    "m": "\u043c",
    "n": "\u03b7\u043f\u0578",
    "o": "\u03bf\u043e\u0585",
    "p": "\u03c1\u0440",
    "q": "\u051b",
    "r": "\u0433",
    "s": "\u0455",
    "t": "\u03c4\u0442",
    "u": "\u03c5\u057d",
    "v": "\u03bd\u0475",
    "w": "\u051d",
    "x": "\u03c7\u0445",
    "y": "\u03b3\u0443",
}
_LATIN = str.maketrans({other: letter for letter, others in _LOOKALIKES.items() for other in others})
_LEET = str.maketrans("013457@$!", "oieastasi")
_UNSEEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
# Soft hyphens, and the joiners that emoji and Indic scripts need, are honest.
_TAG = re.compile("[\U000e0020-\U000e007e]")
_INSIDE = re.compile("(?<=[^\\W\\d_])[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u180e]+(?=[^\\W\\d_])")

_ACCENT = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"\w+")
_SPELLED_OUT = re.compile(r"(?<!\w)(?:\w[ .*_\-]{1,3}){4,60}\w(?!\w)")
_BETWEEN_LETTERS = re.compile(r"[ .*_\-]{1,2}(?=\w)")
_LEET_WORD = re.compile(r"[a-z]{1,12}[013457@$!]+[a-z]+[013457@$!]*[a-z]*")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.IGNORECASE)


def folded(text: str) -> str:
    """The text in lower case and compatibility forms, without accents, invisible characters and look-alike letters."""
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if text.isascii():
        return text.lower()
    seen = "".join(character for character in text if character in "\n\t" or _is_seen(character))
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", seen))
    plain = unicodedata.normalize("NFC", plain).casefold()
    plain = plain.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-"})
    return _WORD.sub(_in_one_script, plain)


def variants(plain: str) -> list[str]:
    """Other readings of folded text: digits for letters, and words that are spelled out."""
    readings: list[str] = []
    if _LEET_WORD.search(plain):
        readings.append(plain.translate(_LEET))
    if _SPELLED_OUT.search(plain):
        readings.append(_SPELLED_OUT.sub(lambda match: _joined(match.group()), plain))
    return readings


def hidden_characters(text: str) -> tuple[str, int]:
    """What characters that show nothing spell (Unicode's tags), and how many others stand inside of words."""
    if text.isascii():
        return "", 0
    tags = "".join(chr(ord(character) - 0xE0000) for character in _TAG.findall(text))
    inside = sum(1 for _ in _INSIDE.finditer(text))
    # A flag's tags follow a black flag; whoever writes sentences with them has more.
    return (tags if len(tags) > 8 else ""), inside  # noqa: PLR2004 - the longest flag has seven


def _is_seen(character: str) -> bool:
    return character.isascii() or unicodedata.category(character) not in _UNSEEN


def _in_one_script(match: re.Match[str]) -> str:
    """A word that mixes Latin with other letters, in Latin; a word of one script is left alone."""
    word = match.group()
    if word.isascii() or not any("a" <= character <= "z" for character in word):
        return word
    return word.translate(_LATIN)


def _joined(spelled: str) -> str:
    """The letters together; two spaces keep words apart."""
    return " ".join(_BETWEEN_LETTERS.sub("", part) for part in re.split(r" {2,}", spelled))
