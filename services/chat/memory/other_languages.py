"""Short questions in other languages than English: which ask for something of their own, and which only ask on."""

import re

from libs.text.stopwords import OF_LANGUAGE
from libs.text.words import words

_LITTLE_WORDS = frozenset[str]().union(*OF_LANGUAGE.values())
# German, French, Spanish, Italian, Portuguese, Dutch
_PREPOSITION = (
    "ab|an|auf|aus|bei|bis|für|in|mit|nach|seit|um|von|vor|zu|zum|à|avec|dans|de|depuis|en|par|pour|sous|sur"
    "|a|con|desde|hasta|para|por|da|di|per|su|com|em|no|na|aan|met|naar|op|van|voor"
)
_QUESTION_WORD = (
    "we[rmn]|wessen|wann|wo|woher|wohin|warum|wieso|weshalb|wie|wieviele?|welche[mnrs]?"
    "|qui|que|qu|quoi|quand|où|comment|pourquoi|combien|quel(?:le)?s?"
    "|quién(?:es)?|qué|cuándo|dónde|cómo|cuál(?:es)?|cuánt[oa]s?"
    "|chi|che|cosa|quando|dove|come|perché|qual[ei]?|quant[oaie]|dov|cos"
    "|quem|onde|como|porque|quais|quant[oa]s"
    "|wat|wanneer|waar|waarom|hoe|hoeveel|welke?"
)
_ASKS = re.compile(rf"\W*(?:(?:{_PREPOSITION}) )?(?:(?:o|por) (?=qu)|y a-t-il\b|(?:{_QUESTION_WORD})\b)", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:ist|sind|war|waren|hat|haben|kann|können|darf|dürfen|muss|müssen|soll|sollen|wird|werden"
    r"|est|sont|était|ont|peut|peuvent|doit|doivent|faut|es|son|está|están|hay|tiene|tienen|puede|pueden|debe|deben"
    r"|è|sono|hanno|può|possono|deve|devono|é|são|tem|têm|há|pode|podem|devem"
    r"|zijn|heeft|hebben|kan|kunnen|mag|mogen|moet|moeten)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"(?<!gibt )\b(?:er|sie|es|das|dies|diese[mnrs]?|ihn|ihm|ihnen|dafür|damit|davon|daran|darauf|darin|dort)\b(?!-)"
    r"|(?<!-t)-(?:ils?|elles?)\b|\b(?:elles?|ça|cela|celui-ci|celle-ci|ceux-ci)\b"
    r"|\b(?:él|ellos|ellas|eso|esto|ello|esso|essa|essi|esse|ciò|questo|quello|ele|eles|ela|elas|isso|isto)\b"
    r"|\b(?:hij|zij|ze|het|dit|dat|ervoor|ermee|ervan|daarvoor|daarmee|daarvan|daar)(?=\s*[?.!]|\s*$)",
    re.IGNORECASE,
)
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯฀-๿]")
_PRONOUN_OF_ANOTHER_SCRIPT = re.compile(
    r"\b(?:он|она|оно|они|его|её|ее|их|ему|ей|им|это|этого|этом|він|вона|воно|вони|його|її|їх|це|цього"
    r"|הוא|היא|הם|הן|זה|זאת|זו|هو|هي|هم|هذا|هذه|ذلك|تلك)\b|それ|これ|あれ|[它这這那]|그것|이것"
)
# Without knowing a script's verbs: "for interns?" has so many words, and so many letters where words have no spaces.
LONGEST_UNKNOWN_ELLIPSIS = 2
LONGEST_UNSPACED_ELLIPSIS = 5
# With fewer words of content a question without a known verb may only ask on: "Seit wann?"
OWN_CONTENT = 2


def asks_of_its_own(question: str) -> bool:
    """Whether it opens as a question in one of six languages, says what it asks about, and doesn't point back."""
    if _ASKS.match(question) is None or _PRONOUN.search(question):
        return False
    content = [word for word in words(question.casefold()) if word not in _LITTLE_WORDS]
    return len(content) >= OWN_CONTENT or (bool(content) and _VERB.search(question) is not None)


def is_long_for_its_script(question: str) -> bool:
    """Whether a question mostly in other than Latin letters is long for one without a verb and doesn't point back."""
    mostly_latin = 2 * len(_LATIN.findall(question)) >= sum(map(str.isalpha, question))
    if mostly_latin or _PRONOUN_OF_ANOTHER_SCRIPT.search(question):
        return False
    if unspaced := _UNSPACED.findall(question):
        return len(unspaced) > LONGEST_UNSPACED_ELLIPSIS
    return len(words(question)) > LONGEST_UNKNOWN_ELLIPSIS
