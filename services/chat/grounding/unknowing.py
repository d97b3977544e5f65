"""Sentences in which a generator says that it doesn't know, or that the passages don't tell: no claims of anything."""

import re

# Of each language: what denies in the first person, what stands for the sources, what denies of them, and what they
# don't do. A generator may say it in another language than the one that is read.
_FIRST_PERSON = (
    # Of a company's own "we" only what it wouldn't say of its rules: "we do not refund tickets".
    r"\bi (?:do not|don't|cannot|can't|could not|couldn't|am not|am unable)\b|\bi'm (?:not|unable|sorry)\b",
    r"\bwe (?:do not|don't|cannot|can't|could not|couldn't) (?:know|find|tell|answer|determine)\b",
    r"\b(?:weiß|weiss|kann|konnte|finde|habe) ich (?:[\w-]+ ){0,4}?(?:nicht|nichts|kein\w*)\b",
    r"\bich (?:weiß|weiss|kann|konnte|finde|habe) (?:[\w-]+ ){0,5}?(?:nicht|nichts|kein\w*)\b",
    r"\bje (?:ne (?:sais|peux|trouve|dispose|suis)|n'ai)\b",
    r"\bno (?:lo )?(?:sé|puedo|encuentro|encontré|dispongo|tengo|he encontrado)\b",
    r"\bnon (?:lo )?(?:so|posso|trovo|ho|dispongo|sono in grado)\b",
    r"\b(?:weet|kan|vind|heb) ik (?:[\w-]+ ){0,4}?(?:niet|geen)\b",
    r"\bik (?:weet|kan|vind|heb) (?:[\w-]+ ){0,5}?(?:niet|geen)\b",
    r"\bnão (?:sei|posso|encontro|encontrei|tenho|consigo|consegui)\b",
)
_OF_THE_SOURCES = (
    (
        (
            r"passages?|sources?(?! code\b)|(?<!in this )context|excerpts?|"
            r"(?:provided|given|available) (?:documents?|texts?|information)|(?:documents?|information) given"
        ),
        r"\b(?:not|no|nothing|neither)\b|n't\b",
        r"say|mention|contain|specif|state|provid|inclu|tell|giv|answer|address|indicat|information",
    ),
    (
        (
            r"passagen?|quellen?|textstellen?|(?:text)?auszüg\w*|kontext\w*|"
            r"(?:bereitgestellt|vorliegend|angegeben|verfügbar)\w* (?:dokument\w*|text\w*|information\w*|unterlagen)"
        ),
        r"\b(?:nicht|nichts|kein\w*|weder)\b",
        r"enthalt|enthält|sag|nenn|erwähn|angab|angegeben|information|antwort|hervor|steh|hinweis|find",
    ),
    (
        r"passages?|sources?|extraits?|contexte|(?:documents?|textes?|informations?) (?:fournie?s?|disponibles?)",
        r"\bne\b|\bn'|\baucune?\b",
        r"contien|dis|mentionn|précis|indiqu|répon|information|donn|figur|permet",
    ),
    (
        r"pasajes?|fuentes?|contexto|fragmentos?|(?:documentos?|textos?|información) (?:proporcionad\w+|disponibles?)",
        r"\b(?:no|ningun\w*|ningún|nada)\b",
        r"contien|dic|mencion|especific|indic|respond|información|proporcion",
    ),
    (
        r"passagg\w+|font[ei]|contesto|bran[oi]|estratt\w+|(?:document|test|informazion)\w+ (?:fornit|disponibil)\w+",
        r"\b(?:non|nessun\w*|nulla)\b",
        r"conten|contien|dic|menzion|specific|indic|rispo|informazion|fornisc",
    ),
    (
        r"passages?|bron(?:nen)?|context|fragment(?:en)?|(?:verstrekte|beschikbare) (?:document|tekst|informati)\w+",
        r"\b(?:niet|niets|geen)\b",
        r"bevat|zegg|zegt|noem|vermeld|antwoord|informatie|staa|geven|geeft",
    ),
    (
        r"passage(?:m|ns)|fontes?|contexto|trechos?|(?:documentos?|textos?|informações) (?:fornecid\w+|disponíveis)",
        r"\b(?:não|nenhum\w*|nada)\b",
        r"cont[êé]m|diz|mencion|especific|indic|respo|informaç|fornec",
    ),
)
_UNKNOWING = re.compile(
    "|".join(
        (
            *_FIRST_PERSON,
            *(
                rf"^(?=.*\b(?:{sources})\b)(?=.*(?:{denied}))(?=.*\b(?:{told}))"
                for sources, denied, told in _OF_THE_SOURCES
            ),
        )
    ),
    re.IGNORECASE | re.DOTALL,
)


def says_that_it_doesnt_know(text: str) -> bool:
    """Whether a sentence speaks of the lack of an answer. To be asked of one that no passage supports: a document may
    say of its own sources that they don't tell.
    """
    return _UNKNOWING.search(text.replace("’", "'")) is not None
