"""What is said where the documents don't tell, in the question's language."""

# Of each language: that there is no answer, and what is added where passages were found.
_TEXTS = {
    "en": (
        "I don't know. I found no answer to this in those documents of your organization that you can read.",
        "The nearest passages are listed as sources.",
    ),
    "de": (
        "Das weiß ich nicht. In den Dokumenten Ihrer Organisation, die Sie lesen dürfen, steht keine Antwort darauf.",
        "Die ähnlichsten Stellen stehen unter den Quellen.",
    ),
    "fr": (
        "Je ne sais pas. Je n'ai pas trouvé de réponse dans les documents de votre organisation que vous pouvez lire.",
        "Les passages les plus proches figurent parmi les sources.",
    ),
    "es": (
        "No lo sé. No he encontrado una respuesta en los documentos de su organización que usted puede leer.",
        "Los pasajes más cercanos figuran entre las fuentes.",
    ),
    "it": (
        "Non lo so. Non ho trovato una risposta nei documenti della sua organizzazione che lei può leggere.",
        "I passaggi più vicini sono elencati tra le fonti.",
    ),
    "pt": (
        "Não sei. Não encontrei uma resposta nos documentos da sua organização que você pode ler.",
        "As passagens mais próximas estão listadas nas fontes.",
    ),
    "nl": (
        "Dat weet ik niet. In de documenten van uw organisatie die u mag lezen heb ik hierop geen antwoord gevonden.",
        "De meest verwante passages staan bij de bronnen.",
    ),
}
_DEFAULT = "en"


def abstention(language: str | None, *, nearest: bool) -> tuple[str, str]:
    """The text, and the ISO 639-1 code of its language: English for a language that there is no text in."""
    spoken = language if language in _TEXTS else _DEFAULT
    unknown, sources = _TEXTS[spoken]
    return (f"{unknown} {sources}" if nearest else unknown), spoken
