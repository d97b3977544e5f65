"""What is taken out of a generated sentence before a reader sees it."""

import re
import unicodedata

# What a reader or a program could take for a citation: [1], [1, 2], [^3], 【4】, [Source 2], (passages 1 and 2).
_NUMBERS = r"\d{1,6}(?:\s*(?:[,;–-]|and|&|und|et|y|e|en)\s*\d{1,6})*"
_SOURCE = (
    r"(?:(?:source|passage|document|citation|ref)s?|quellen?|textstellen?|passagen|fuentes?|pasajes?|fonti|fontes?"
    r"|passaggi|passaggio|passage[mn]s?|bron|bronnen)"
)
MARKER = re.compile(
    rf"\s{{0,4}}(?:[\[［【]\s*\^?\s*(?:{_SOURCE}\s*)?#?\s*{_NUMBERS}\s*(?:†[^\]】]*)?[\]］】]"
    rf"|\({_SOURCE}:?\s*#?{_NUMBERS}\))",
    re.IGNORECASE,
)
# What our own mark says, only ours may say.
UNSUPPORTED = "[unsupported]"
_UNSUPPORTED = re.compile(r"\s{0,4}[\[［【]\s*unsupported\s*[\]］】]", re.IGNORECASE)
_INDEX = re.compile(r"(?<=[\w)\]])\[(\d{1,6})\]")

_ADDRESS = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>()\[\]\"'`|]+", re.IGNORECASE)
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+[^()]*)?\)")
_REFERENCE_LINK = re.compile(r"(!?)\[([^\[\]]+)\]\[[^\[\]]*\]")
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^\s<>]*)>", re.IGNORECASE)
# Elements that fetch, run or link; <pod-name> and the like are text.
_ELEMENT = re.compile(
    r"</?(?:a|img|image|iframe|script|style|link|object|embed|form|input|button|svg|math|video|audio|source|base|meta)"
    r"\b[^<>]*>?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_SAFE_SCHEMES = ("http://", "https://", "mailto:")
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
# Private characters that hold an index's brackets while markers are removed.
_OPEN, _CLOSE = "\ue000", "\ue001"
# In place of what joins the label and the target of a link that may stay.
_LEADS_TO = "\ue002"
_PRIVATE: dict[int, None] = dict.fromkeys(map(ord, (_OPEN, _CLOSE, _LEADS_TO)))
# A definition of what another sentence's brackets lead to begins its line, or the label has begun before this one.
_MAY_DEFINE = re.compile(r"(?:[\s>*+-]|\d{1,9}[.)])*\[")
# Removing one thing may put another together; this many rounds are enough for any honest text.
_ROUNDS = 8


def addresses(text: str) -> frozenset[str]:
    """The addresses that a text names, its links' targets too."""
    targets = {match.group(3) for match in _LINK.finditer(text)}
    return frozenset(_bare(address) for address in [*_ADDRESS.findall(text), *targets] if address)


def visible(text: str) -> str:
    """Without characters that show nothing or turn the direction of what follows: zero-width, bidi, control."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character for character in text if character in "\n\t" or unicodedata.category(character) not in _UNSEEN
    )


def without_markers(text: str) -> str:
    return MARKER.sub("", text)


def without_made_up_addresses(text: str, known: frozenset[str]) -> str:
    """Without addresses that stand as they are: what shows an answer often makes links of them."""
    shorter = _ADDRESS.sub(lambda match: match.group() if _bare(match.group()) in known else "", text)
    return text if shorter == text else " ".join(shorter.split())


def clean(sentence: str, known_addresses: frozenset[str], source_text: str) -> str:
    """The sentence on one line, without invisible characters, citation markers, images, and links elsewhere.

    An index that `source_text` has (`items[0]`) stays readable as `items[ 0 ]`, which nobody takes for a citation.
    """
    text = " ".join(visible(sentence).translate(_PRIVATE).split())
    text = _INDEX.sub(lambda match: _protected(match, source_text), text)
    for _ in range(_ROUNDS):
        cleaned = _UNSUPPORTED.sub("", without_markers(_without_links(text, known_addresses)))
        if cleaned == text:
            break
        text = cleaned
    else:
        text = re.sub(r"[\[\]［］【】]", "", text)
    text = _apart(" ".join(text.split()))
    return text.replace(_OPEN, "[ ").replace(_CLOSE, " ]").replace(_LEADS_TO, "](")


def _protected(match: re.Match[str], source_text: str) -> str:
    with_its_word = match.string[match.start() - 1 : match.end()]
    return f"{_OPEN}{match.group(1)}{_CLOSE}" if with_its_word in source_text else match.group()


def _without_links(text: str, known: frozenset[str]) -> str:
    def link(match: re.Match[str]) -> str:
        image, label, target = match.groups()
        if image:
            # Also one that a source holds: whatever shows the answer would fetch it, and tell its server who read it.
            return ""
        other_scheme = _SCHEME.match(target) and not target.lower().startswith(_SAFE_SCHEMES)
        if not other_scheme and _bare(target) in known:
            return match.group().replace("](", _LEADS_TO, 1)
        return "" if label.strip().isdigit() else label

    text = _LINK.sub(link, text)
    text = _REFERENCE_LINK.sub(lambda match: "" if match.group(1) else match.group(2), text)
    text = _AUTOLINK.sub(lambda match: match.group() if _bare(match.group(1)) in known else "", text)
    return _ELEMENT.sub("", text)


def _apart(text: str) -> str:
    """Without what would still make a link or an image, as from a label that holds brackets or several sentences."""
    text = text.replace("![", "! [").replace("](", "] (")
    end = len(text) if _MAY_DEFINE.match(text) or "[" not in text else text.index("[")
    return text[:end].replace("]:", "] :") + text[end:]


def _bare(address: str) -> str:
    return address.rstrip(".,;:!?*_'\"")
