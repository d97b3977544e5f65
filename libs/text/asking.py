"""How a language asks for a person, a date, a place, a sum or a number, and how it tells one: English."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from libs.text.people import ROLES


class AnswerKind(StrEnum):
    PERSON = "person"
    DATE = "date"
    PLACE = "place"
    MONEY = "money"
    NUMBER = "number"


@dataclass(frozen=True)
class Asking:
    """Patterns over a question, `looks_up`, `counts`, `degree`, `when`, `time` and `kinds`, and over a sentence.

    `looks_up` matches, at its beginning, a question that a sentence or two answer. `counts` asks for a number or a span
    of time, unless `degree` is found as well, `when` for a date; `time` for either of the last two. `how_many` stands
    before what is counted.

    `tells_quantity` and `tells_time` find such a thing, `date` and `money` what they say. `number` and `role` match
    whole words, small ones. `place_before` finds the words that stand before a place: only where all nouns have
    capitals, which then tell no name.
    """

    looks_up: re.Pattern[str]
    counts: re.Pattern[str]
    how_many: re.Pattern[str]
    when: re.Pattern[str]
    time: re.Pattern[str]
    kinds: Mapping[AnswerKind, re.Pattern[str]]
    tells_quantity: re.Pattern[str]
    tells_time: re.Pattern[str]
    date: re.Pattern[str]
    money: re.Pattern[str]
    number: re.Pattern[str]
    role: re.Pattern[str]
    degree: re.Pattern[str] | None = None
    place_before: re.Pattern[str] | None = None


def ignoring_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# What stands right behind a question word where a question begins inside a sentence, and what may stand before one.
_VERB = r"(?:'s|’s| (?:are|can|could|did|do|does|had|has|have|is|must|shall|should|was|were|will|would)\b)"
_OPENS = r"^\W*(?:(?:and|at|but|by|for|from|in|of|on|since|so|to|until|with)\s+)*"
# "When" also opens a part of another question: "What do I do when my badge is lost?"
_WHEN_ASKS = rf"{_OPENS}when\b|\bwhen{_VERB}|\bwhen\W*$"
_TELLS_WHEN = r"\b(?:ask|explain|find out|know|remember|say|show me|tell me|wonder) (?:exactly )?when\b"
_PLACES = "city|continent|country|county|island|place|province|region|stadium|state|street|town|venue|village"
_SUMS = "budget|cost|fare|fee|fine|price|rent|salary|wage"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)

ENGLISH = Asking(
    looks_up=ignoring_case(
        r"\W*(?:(?:in|at|on|by|for|from|to|of) )?(?:who|whom|whose|when|where|which"
        r"|what(?:'s| is| was| year| date| time| day| version| number)"
        r"|how (?:many|much|long|old|often|far|big|large|tall|high|fast|late|early)"
        r"|is|are|was|were|do|does|did|can|may|must|will|has|have)\b"
    ),
    counts=ignoring_case(
        r"\b(?:how (?:many|much|long|often|old|far|big|large|tall|high|fast|late|early|soon|frequently)"
        r"|(?:what|which) (?:year|month|day|date|time|number|percentage|percent|share|price|size|age)"
        r"|what(?:'s|’s| is| are| was| were) (?:the |our |my |an? )?(?:[\w-]+ ){0,3}"
        r"(?:limit|maximum|minimum|price|cost|fee|rate|deadline|percentage|number|amount|size|salary|duration|length"
        r"|age)s?(?=\W*$|,| (?:of|for|on|in|to|per|at|by|if|when|a)\b)"
        r")\b"
    ),
    how_many=ignoring_case(r"\bhow many\b"),
    when=ignoring_case(rf"{_WHEN_ASKS}|{_TELLS_WHEN}"),
    degree=ignoring_case(r"\bhow much (?:do|does|did|of|is|are)\b"),
    time=ignoring_case(r"\b(?:when|how (?:long|often|late|early|soon|frequently))\b"),
    kinds={
        AnswerKind.PERSON: ignoring_case(rf"{_OPENS}(?:who|whom|whose)\b|\b(?:who|whom)\W*$"),
        AnswerKind.DATE: ignoring_case(
            _WHEN_ASKS + r"|\b(?:what|which) (?:century|date|day|decade|month|year)\b"
            r"|\bwhat(?:'s|’s| is| was) the (?:[\w-]+ )?date\b|\bdate\W*$"
        ),
        AnswerKind.PLACE: ignoring_case(
            rf"{_OPENS}where\b|\bwhere{_VERB}|\bwhere\W*$|\b(?:what|which) (?:{_PLACES})\b"
        ),
        AnswerKind.MONEY: ignoring_case(
            rf"\bhow much(?:{_VERB}| money)"
            rf"|\bwhat(?:'s|’s| is| are| was| were) the (?:[\w-]+ )*?(?:{_SUMS})s?\b"
        ),
    },
    tells_quantity=ignoring_case(
        r"\d|%|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
        r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?"
        r"|thousands?|millions?|billions?|dozens?|half|third|quarter|once|twice|none|no|unlimited|free|each|every"
        r"|seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|century|centuries"
        r"|daily|weekly|monthly|quarterly|yearly|annually|hourly|nightly"
        r"|january|february|march|april|may|june|july|august|september|october|november|december"
        r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b"
    ),
    tells_time=ignoring_case(
        r"\b(?:today|tomorrow|yesterday|now|immediately|never|always|when|whenever|before|after|until|till|since|during"
        r"|as soon as|by the time|at the end|upon)\b"
    ),
    date=ignoring_case(
        rf"\b(?:1\d{{3}}|20\d\d)s?\b|\bcentury\b|\b{_MONTH}\.? \d{{1,2}}\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b"
        r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
        r"|\b(?:early|in|late|of|since) (?:march|may)\b"
        r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
    ),
    money=ignoring_case(
        r"[$€£¥]\s?\d|\b\d[\d,.]*\s?[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?|francs?|yen|usd|eur|gbp|chf)\b"
        r"|\bfree(?: of charge)?\b"
    ),
    number=re.compile(
        r"\w*\d.*|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty"
        r"|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|once|twice|none|unlimited"
    ),
    role=re.compile(f"(?:{'|'.join(sorted(ROLES))})s?"),
)
