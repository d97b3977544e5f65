"""What a question asks for: a person, a time, a number."""

import re

from services.chat.answer_cache.roles import ASKS

_KINDS = tuple(
    (kind, re.compile(rf"\b(?:{pattern})\b"))
    for kind, pattern in (
        ("how many", r"how many|(?:what|which) (?:(?:is|was|are|were) the )?numbers? of"),
        ("how much", r"how much|(?:what|which) (?:(?:is|was) the )?amounts? of"),
        ("how long", r"how (?:long|soon)|what length of time"),
        ("how often", r"how (?:often|frequently)"),
        ("how old", r"how old|what age"),
        ("how far", r"how far|what distance"),
        (
            "why",
            (
                r"why|how come|(?:for )?what reasons?|what (?:is|was|are|were) the "
                r"(?:reasons?|purpose) (?:that|why|for|of)"
            ),
        ),
        ("how", r"(?:in (?:what|which) (?:way|manner)s?|how)"),
        ("when", r"when|(?:in|at|on|during)?\s?(?:what|which) (?:year|date|time)"),
        ("where", r"where|(?:in|at|on)?\s?(?:what|which) (?:places?|locations?|sites?|venues?)"),
        ("whose", r"whose"),
        ("who", r"whom?|(?:what|which) persons?"),
        ("what", r"what|which"),
    )
)
_POLITE = r"^\W*(?:please )?(?:(?:can|could|would) you )?(?:please )?"
_ORDER = re.compile(_POLITE + r"(?:tell (?:me|us)|name|list|give me|show me)\b")
_INDIRECT = re.compile(_POLITE + r"(?:tell (?:me|us)|explain)(?: about)?\b(?=.*\b(?:wh|how))")
_STARTS_TO_ASK = re.compile(r"\s*(?:(?:by|to|from|with|for|of|in|on|at)\s+)?(?:wh|how)")
_ALSO_ASKED = re.compile(r"\b(?:and|or)\s+(when|where|why|how|who|what|which)\b")


def kinds_of(evened: str) -> tuple[tuple[str, ...], str]:
    """What is asked for, the first first, and the text with `ASKS` in place of the first words that ask.

    `evened` is in lower case. A question without such words asks whether something is so.
    """
    text = _INDIRECT.sub(" ", evened)
    order = _ORDER.search(text)
    if order and not _STARTS_TO_ASK.match(text, order.end()):
        return ("what",), f"{ASKS} is {text[order.end() :]}"
    found = [(match.start(), place, match) for place, (_, one) in enumerate(_KINDS) if (match := one.search(text))]
    if not found:
        return ("whether",), text
    _, place, first = min(found, key=lambda one: one[:2])
    also = sorted(match.group(1) for match in _ALSO_ASKED.finditer(text, first.end()))
    return (_KINDS[place][0], *also), f"{text[: first.start()]} {ASKS} {text[first.end() :]}"
