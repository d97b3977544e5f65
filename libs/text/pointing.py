"""Sentences that open with a word for what was said before, in languages other than English: "Dieser Betrag …"."""

import re
from functools import cache

from libs.text.stems import language_read

# Not "es", "sie" and "il", which as often stand for nothing or nobody of the sentence before.
_OPENINGS = {
    "de": r"er|dies(?:e[mnrs]?)?|jener?|deren|dessen|solche[nrs]?|damit|dabei|dafür|dagegen|daher|danach|dann|darin"
    r"|darüber|davon|dazu|dort|andernfalls|anderenfalls|ansonsten|außerdem|jedoch|letztere[rs]?",
    "fr": r"elles?|ils|celui-ci|celle-ci|ceux-ci|celles-ci|cette|cet|ces|cela|ceci|leurs?"
    r"|dans ce cas|sinon|en outre|toutefois",
    "es": r"est[aeo]s?|es[ae]s?|eso|ell[ao]s?|él|dich[ao]s?|en (?:est[ae]|es[ae]|tal) caso|además|sin embargo",
    "it": r"quest[aeio]|quell[aeio]|ess[aeio]|ciò|tal[ei]|in (?:questo|tal) caso|altrimenti|inoltre|tuttavia",
    "nl": r"dit|deze|dat|hij|daar(?:bij|voor|na|van|mee|in)|dan|anders|bovendien|echter|in dat geval",
    "pt": r"est[ae]s?|ess[ae]s?|isto|isso|el[ae]s?|tais|nesse caso|neste caso|caso contrário|além disso|no entanto",
}


def points_back(sentence: str) -> bool:
    """Whether it opens so, in the language that is read; never in English, of which others know more."""
    opening = _opening(language_read())
    return opening is not None and opening.match(sentence) is not None


@cache
def _opening(language: str) -> re.Pattern[str] | None:
    words = _OPENINGS.get(language)
    return re.compile(rf"\W*(?:{words})\b", re.IGNORECASE) if words else None
