"""Messages that ask nothing: greetings, thanks, leave-takings, approval."""

import re

# Alternatives of a pattern, by ISO 639-1 code. A word that several languages share stands with the first.
SAYINGS = {
    "en": "(?:hi|hello)(?: there)?|hey|good (?:morning|afternoon|evening|night)|how are you|thanks(?: a lot| so much)?"
    "|many thanks|thank you(?: (?:so|very) much)?|thx|cheers|bye|goodbye|see you|ok|okay|cool|great|nice|awesome"
    "|perfect|got it|lol",
    "de": "hallo|grüezi|servus|moin|guten (?:morgen|tag|abend)|danke(?:schön| schön| sehr| dir| ihnen)?"
    "|(?:vielen|besten|herzlichen) dank|tschüss?|auf wiedersehen|super|alles klar|perfekt",
    "fr": "bonjour|bonsoir|salut|merci(?: beaucoup| bien)?|au revoir|d'accord|parfait",
    "es": "hola|buenos días|buenas (?:tardes|noches)|(?:muchas )?gracias|adiós|hasta luego|vale|perfecto",
    "it": "ciao|buongiorno|buonasera|salve|grazie(?: mille)?|(?:molte|tante) grazie|arrivederci|va bene|perfetto",
    "nl": "hoi|goede(?:morgen|middag|navond)|dank (?:je|u)(?: wel)?|dankjewel|bedankt|tot ziens|prima",
    "pt": "olá|oi|bom dia|boa (?:tarde|noite)|(?:muito )?obrigad[oa]|tchau|adeus|perfeito",
}
LONGEST = 100
_ONLY = {code: re.compile(rf"\W*(?:(?:{said})\b\W*)+", re.IGNORECASE) for code, said in SAYINGS.items()}


def small_talk(text: str) -> str | None:
    """The language of a text that is nothing else; None where it may ask something."""
    if len(text) > LONGEST:
        return None
    text = text.replace("’", "'")
    return next((code for code, only in _ONLY.items() if only.fullmatch(text)), None)
