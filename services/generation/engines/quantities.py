"""Questions that ask for a number, a date or a span of time, and the sentences that can answer them."""

import re

# What stands right behind a question word where a question begins inside a sentence, and what may stand before one.
VERB = r"(?:'s|’s| (?:are|can|could|did|do|does|had|has|have|is|must|shall|should|was|were|will|would)\b)"
OPENS = r"^\W*(?:(?:and|at|but|by|for|from|in|of|on|since|so|to|until|with)\s+)*"
# "When" also opens a part of another question: "What do I do when my badge is lost?"
WHEN_ASKS = rf"{OPENS}when\b|\bwhen{VERB}|\bwhen\W*$"
_TELLS_WHEN = r"\b(?:ask|explain|find out|know|remember|say|show me|tell me|wonder) (?:exactly )?when\b"
_ASKS = re.compile(
    r"\b(?:how (?:many|much|long|often|old|far|big|large|tall|high|fast|late|early|soon|frequently)"
    r"|(?:what|which) (?:year|month|day|date|time|number|percentage|percent|share|price|size|age)"
    r"|what(?:'s|’s| is| are| was| were) (?:the |our |my |an? )?(?:[\w-]+ ){0,3}"
    r"(?:limit|maximum|minimum|price|cost|fee|rate|deadline|percentage|number|amount|size|salary|duration|length|age)s?"
    r"(?=\W*$|,| (?:of|for|on|in|to|per|at|by|if|when|a)\b)"
    rf")\b|{WHEN_ASKS}|{_TELLS_WHEN}",
    re.IGNORECASE,
)
_ASKS_FOR_DEGREE = re.compile(r"\bhow much (?:do|does|did|of|is|are)\b", re.IGNORECASE)
_ASKS_FOR_TIME = re.compile(r"\b(?:when|how (?:long|often|late|early|soon|frequently))\b", re.IGNORECASE)
_QUANTITY = re.compile(
    r"\d|%|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?"
    r"|millions?|billions?|dozens?|half|third|quarter|once|twice|none|no|unlimited|free|each|every"
    r"|seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|century|centuries"
    r"|daily|weekly|monthly|quarterly|yearly|annually|hourly|nightly"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:today|tomorrow|yesterday|now|immediately|never|always|when|whenever|before|after|until|till|since|during"
    r"|as soon as|by the time|at the end|upon)\b",
    re.IGNORECASE,
)


def asks_for_quantity(question: str) -> bool:
    return _ASKS.search(question) is not None and _ASKS_FOR_DEGREE.search(question) is None


def tells_quantity(question: str, sentence: str) -> bool:
    """Whether the sentence has a number, date or span; a question for a time may be answered by an event, too."""
    if _QUANTITY.search(sentence):
        return True
    return _ASKS_FOR_TIME.search(question) is not None and _TIME.search(sentence) is not None
