"""What numbers measure: the words and signs of units, in English and in the language that is read."""

import re

from libs.text.stems import ENGLISH, language_read

TIMES = frozenset({"second", "minute", "hour", "day", "week", "month", "year"})
CURRENCIES = frozenset({"dollar", "euro", "pound", "franc"})

_UNITS = {
    language: {word: unit for unit, names in units.items() for word in names.split()}
    for language, units in {
        ENGLISH: {
            "percent": "% percent percentage",
            "dollar": "$ usd dollar dollars",
            "euro": "€ eur euro euros",
            "pound": "£ gbp pound pounds",
            "second": "s sec secs second seconds",
            "millisecond": "ms millisecond milliseconds",
            "minute": "min mins minute minutes",
            "hour": "h hr hrs hour hours hourly",
            "day": "day days daily",
            "week": "week weeks weekly",
            "month": "month months monthly",
            "year": "year years yearly annually",
            "thousand": "thousand thousands k",
            "million": "million millions m",
            "billion": "billion billions bn",
            "byte": "byte bytes",
            "kb": "kb kib kilobyte kilobytes",
            "mb": "mb mib megabyte megabytes",
            "gb": "gb gib gigabyte gigabytes",
            "tb": "tb tib terabyte terabytes",
            "km": "km kilometer kilometers kilometre kilometres",
            "mile": "mile miles",
            "meter": "meter meters metre metres",
            "kg": "kg kilogram kilograms",
            "gram": "g gram grams",
            "mg": "mg milligram milligrams",
        },
        "de": {
            "percent": "prozent",
            "franc": "chf franken fr",
            "second": "sekunde sekunden",
            "minute": "minuten",
            "hour": "std stunde stunden",
            "day": "tag tage tagen tages",
            "week": "woche wochen",
            "month": "monat monate monaten monats",
            "year": "jahr jahre jahren jahres",
            "km": "kilometern",
            "meter": "metern",
            "kg": "kilogramm kilo",
            "gram": "gramm",
            "mg": "milligramm",
        },
        "fr": {
            "percent": "pourcent",
            "franc": "chf franc francs fr",
            "second": "seconde secondes",
            "hour": "heure heures",
            "day": "jour jours journée journées",
            "week": "semaine semaines",
            "month": "mois",
            "year": "an ans année années",
            "byte": "octet octets",
            "kb": "ko",
            "mb": "mo",
            "gb": "go",
            "tb": "to",
            "km": "kilomètre kilomètres",
            "meter": "mètre mètres",
            "kg": "kilo kilos kilogramme kilogrammes",
            "gram": "gramme grammes",
            "mg": "milligramme milligrammes",
        },
        "es": {
            "dollar": "dólar dólares",
            "second": "segundo segundos",
            "minute": "minuto minutos",
            "hour": "hora horas",
            "day": "día días",
            "week": "semana semanas",
            "month": "mes meses",
            "year": "año años",
            "km": "kilómetro kilómetros",
            "meter": "metro metros",
            "kg": "kilo kilos kilogramo kilogramos",
            "gram": "gramo gramos",
            "mg": "miligramo miligramos",
        },
        "it": {
            "percent": "percento",
            "franc": "chf franco franchi fr",
            "dollar": "dollaro dollari",
            "second": "secondi",
            "minute": "minuto minuti",
            "hour": "ora ore",
            "day": "giorno giorni",
            "week": "settimana settimane",
            "month": "mese mesi",
            "year": "anno anni",
            "km": "chilometro chilometri",
            "meter": "metro metri",
            "kg": "chilo chili chilogrammo chilogrammi",
            "gram": "grammo grammi",
            "mg": "milligrammo milligrammi",
        },
        "nl": {
            "percent": "procent",
            "second": "seconde seconden",
            "minute": "minuut minuten",
            "hour": "uur uren",
            "day": "dag dagen",
            "week": "weken",
            "month": "maand maanden",
            "year": "jaar jaren",
            "kg": "kilo",
            "meter": "meters",
        },
        "pt": {
            "dollar": "dólar dólares",
            "second": "segundo segundos",
            "minute": "minuto minutos",
            "hour": "hora horas",
            "day": "dia dias",
            "week": "semana semanas",
            "month": "mês meses",
            "year": "ano anos",
            "km": "quilómetro quilómetros quilômetro quilômetros",
            "meter": "metro metros",
            "kg": "quilo quilos quilograma quilogramas",
            "gram": "grama gramas",
            "mg": "miligrama miligramas",
        },
    }.items()
}
MEASURE = re.compile(r"\d+(?:\.\d+)?-?(?:" + "|".join(word for word in _UNITS[ENGLISH] if word.isalpha()) + r")")


def unit_of(word: str) -> str | None:
    """The unit that a word or sign stands for, by its English name in the singular."""
    folded, language = word.casefold(), language_read()
    found = None if language == ENGLISH else _UNITS.get(language, {}).get(folded)
    return found or _UNITS[ENGLISH].get(folded)
