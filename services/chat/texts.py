"""What Footnote itself says to a reader, in each of the languages that it says it in."""

from dataclasses import dataclass
from datetime import datetime

from services.chat.safety.personal.finding import Kind


@dataclass(frozen=True)
class Texts:
    """Those of one language, an ISO 639-1 code.

    `unknown`: the documents don't tell; `nearest` is added where passages were found. `ask`: nothing was asked. In
    place of a sentence that its reader may not see now: `gone` where its sources are, `unsupported` where it had
    none, and whatever it was made of may be what is gone, `unchecked` where nobody can say. `personal_data`,
    `flagged_question` and `flagged_answer` are refusals. `older`, `of_less_authority` and `another` open what
    another source says instead of the one before.
    """

    language: str
    unknown: str
    nearest: str
    ask: str
    gone: str
    unsupported: str
    unchecked: str
    personal_data: str
    kinds: dict[Kind, str]
    flagged_question: str
    flagged_answer: str
    older: str
    of_less_authority: str
    another: str
    date: str
    months: str

    def holding(self, kinds: list[Kind]) -> str:
        """The refusal of a question that holds such personal data."""
        return self.personal_data.format(kinds=", ".join(self.kinds[kind] for kind in kinds))

    def older_of(self, date: datetime) -> str:
        """The opening of what an older source, of that day, says."""
        day = self.date.format(day=date.day, month=self.months.split()[date.month - 1], year=date.year)
        return self.older.format(day=day)


_ALL = (
    Texts(
        language="en",
        unknown="I don't know. I found no answer to this in those documents of your organization that you can read.",
        nearest="The nearest passages are listed as sources.",
        ask="Ask me a question, and I'll look for its answer in those documents of your organization that you can "
        "read.",
        gone="(This sentence's source is no longer available.)",
        unsupported="(This sentence is no longer available.)",
        unchecked="(This sentence's sources can't be checked right now.)",
        personal_data="This question isn't answered: it holds personal data ({kinds}), which your organization "
        "doesn't allow here. Ask again without it. Nothing of it was kept.",
        kinds={kind: kind.value for kind in Kind},
        flagged_question="This question isn't answered: your organization's moderation doesn't allow it.",
        flagged_answer="The answer to this question is withheld: your organization's moderation doesn't allow it.",
        older="The sources disagree; an older one, of {day}, says:",
        of_less_authority="The sources disagree; one of less authority says:",
        another="The sources disagree; another one says:",
        date="{day} {month} {year}",
        months="January February March April May June July August September October November December",
    ),
    Texts(
        language="de",
        unknown="Das weiß ich nicht. In den Dokumenten Ihrer Organisation, die Sie lesen dürfen, steht keine Antwort "
        "darauf.",
        nearest="Die ähnlichsten Stellen stehen unter den Quellen.",
        ask="Stellen Sie mir eine Frage, und ich suche die Antwort in den Dokumenten Ihrer Organisation, die Sie "
        "lesen dürfen.",
        gone="(Die Quelle dieses Satzes ist nicht mehr verfügbar.)",
        unsupported="(Dieser Satz ist nicht mehr verfügbar.)",
        unchecked="(Die Quellen dieses Satzes können gerade nicht geprüft werden.)",
        personal_data="Diese Frage wird nicht beantwortet: Sie enthält personenbezogene Daten ({kinds}), die Ihre "
        "Organisation hier nicht zulässt. Stellen Sie sie bitte ohne diese Daten. Nichts davon wurde gespeichert.",
        kinds={
            Kind.CARD: "Kartennummer",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "Ausweis- oder Steuernummer",
            Kind.EMAIL: "E-Mail-Adresse",
            Kind.PHONE: "Telefonnummer",
        },
        flagged_question="Diese Frage wird nicht beantwortet: Die Moderation Ihrer Organisation lässt sie nicht zu.",
        flagged_answer="Die Antwort auf diese Frage wird zurückgehalten: Die Moderation Ihrer Organisation lässt sie "
        "nicht zu.",
        older="Die Quellen widersprechen sich; in einer älteren vom {day} steht:",
        of_less_authority="Die Quellen widersprechen sich; in einer weniger maßgeblichen steht:",
        another="Die Quellen widersprechen sich; in einer anderen steht:",
        date="{day}. {month} {year}",
        months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    ),
    Texts(
        language="fr",
        unknown="Je ne sais pas. Je n'ai pas trouvé de réponse dans les documents de votre organisation que vous "
        "pouvez lire.",
        nearest="Les passages les plus proches figurent parmi les sources.",
        ask="Posez-moi une question, et j'en chercherai la réponse dans les documents de votre organisation que vous "
        "pouvez lire.",
        gone="(La source de cette phrase n'est plus disponible.)",
        unsupported="(Cette phrase n'est plus disponible.)",
        unchecked="(Les sources de cette phrase ne peuvent pas être vérifiées pour le moment.)",
        personal_data="Cette question reste sans réponse : elle contient des données personnelles ({kinds}) que votre "
        "organisation n'autorise pas ici. Posez-la à nouveau sans ces données. Rien n'en a été conservé.",
        kinds={
            Kind.CARD: "numéro de carte",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "numéro d'identité ou fiscal",
            Kind.EMAIL: "adresse e-mail",
            Kind.PHONE: "numéro de téléphone",
        },
        flagged_question="Cette question reste sans réponse : la modération de votre organisation ne l'autorise pas.",
        flagged_answer="La réponse à cette question est retenue : la modération de votre organisation ne l'autorise "
        "pas.",
        older="Les sources se contredisent ; une source plus ancienne, du {day}, indique :",
        of_less_authority="Les sources se contredisent ; une source qui fait moins autorité indique :",
        another="Les sources se contredisent ; une autre indique :",
        date="{day} {month} {year}",
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    ),
    Texts(
        language="es",
        unknown="No lo sé. No he encontrado una respuesta en los documentos de su organización que usted puede leer.",
        nearest="Los pasajes más cercanos figuran entre las fuentes.",
        ask="Hágame una pregunta y buscaré la respuesta en los documentos de su organización que usted puede leer.",
        gone="(La fuente de esta frase ya no está disponible.)",
        unsupported="(Esta frase ya no está disponible.)",
        unchecked="(Las fuentes de esta frase no se pueden comprobar en este momento.)",
        personal_data="Esta pregunta no se responde: contiene datos personales ({kinds}) que su organización no "
        "permite aquí. Pregunte de nuevo sin ellos. No se ha guardado nada de ellos.",
        kinds={
            Kind.CARD: "número de tarjeta",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "número de identidad o fiscal",
            Kind.EMAIL: "dirección de correo electrónico",
            Kind.PHONE: "número de teléfono",
        },
        flagged_question="Esta pregunta no se responde: la moderación de su organización no la permite.",
        flagged_answer="La respuesta a esta pregunta se retiene: la moderación de su organización no la permite.",
        older="Las fuentes no coinciden; una más antigua, del {day}, dice:",
        of_less_authority="Las fuentes no coinciden; una de menor autoridad dice:",
        another="Las fuentes no coinciden; otra dice:",
        date="{day} de {month} de {year}",
        months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
    Texts(
        language="it",
        unknown="Non lo so. Non ho trovato una risposta nei documenti della sua organizzazione che lei può leggere.",
        nearest="I passaggi più vicini sono elencati tra le fonti.",
        ask="Mi faccia una domanda e ne cercherò la risposta nei documenti della sua organizzazione che lei può "
        "leggere.",
        gone="(La fonte di questa frase non è più disponibile.)",
        unsupported="(Questa frase non è più disponibile.)",
        unchecked="(Le fonti di questa frase non possono essere verificate in questo momento.)",
        personal_data="Questa domanda resta senza risposta: contiene dati personali ({kinds}) che la sua "
        "organizzazione qui non consente. La ponga di nuovo senza quei dati. Non ne è stato conservato nulla.",
        kinds={
            Kind.CARD: "numero di carta",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "numero d'identità o codice fiscale",
            Kind.EMAIL: "indirizzo e-mail",
            Kind.PHONE: "numero di telefono",
        },
        flagged_question="Questa domanda resta senza risposta: la moderazione della sua organizzazione non l'ammette.",
        flagged_answer="La risposta a questa domanda è trattenuta: la moderazione della sua organizzazione non la "
        "consente.",
        older="Le fonti non concordano; una meno recente, del {day}, dice:",
        of_less_authority="Le fonti non concordano; una meno autorevole dice:",
        another="Le fonti non concordano; un'altra dice:",
        date="{day} {month} {year}",
        months="gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    ),
    Texts(
        language="nl",
        unknown="Dat weet ik niet. In de documenten van uw organisatie die u mag lezen heb ik hierop geen antwoord "
        "gevonden.",
        nearest="De meest verwante passages staan bij de bronnen.",
        ask="Stel me een vraag, dan zoek ik het antwoord in de documenten van uw organisatie die u mag lezen.",
        gone="(De bron van deze zin is niet meer beschikbaar.)",
        unsupported="(Deze zin is niet meer beschikbaar.)",
        unchecked="(De bronnen van deze zin kunnen nu niet worden gecontroleerd.)",
        personal_data="Deze vraag wordt niet beantwoord: ze bevat persoonsgegevens ({kinds}) die uw organisatie hier "
        "niet toestaat. Stel de vraag opnieuw zonder die gegevens. Er is niets van bewaard.",
        kinds={
            Kind.CARD: "kaartnummer",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "identiteits- of fiscaal nummer",
            Kind.EMAIL: "e-mailadres",
            Kind.PHONE: "telefoonnummer",
        },
        flagged_question="Deze vraag wordt niet beantwoord: de moderatie van uw organisatie staat haar niet toe.",
        flagged_answer="Het antwoord op deze vraag wordt achtergehouden: de moderatie van uw organisatie staat het "
        "niet toe.",
        older="De bronnen spreken elkaar tegen; in een oudere, van {day}, staat:",
        of_less_authority="De bronnen spreken elkaar tegen; in een minder gezaghebbende staat:",
        another="De bronnen spreken elkaar tegen; in een andere staat:",
        date="{day} {month} {year}",
        months="januari februari maart april mei juni juli augustus september oktober november december",
    ),
    Texts(
        language="pt",
        unknown="Não sei. Não encontrei uma resposta nos documentos da sua organização que você pode ler.",
        nearest="As passagens mais próximas estão listadas nas fontes.",
        ask="Faça-me uma pergunta e procurarei a resposta nos documentos da sua organização que você pode ler.",
        gone="(A fonte desta frase já não está disponível.)",
        unsupported="(Esta frase já não está disponível.)",
        unchecked="(As fontes desta frase não podem ser verificadas neste momento.)",
        personal_data="Esta pergunta não é respondida: contém dados pessoais ({kinds}) que a sua organização não "
        "permite aqui. Pergunte de novo sem eles. Nada deles foi guardado.",
        kinds={
            Kind.CARD: "número de cartão",
            Kind.IBAN: "IBAN",
            Kind.NATIONAL_ID: "número de identidade ou fiscal",
            Kind.EMAIL: "endereço de e-mail",
            Kind.PHONE: "número de telefone",
        },
        flagged_question="Esta pergunta não é respondida: a moderação da sua organização não a permite.",
        flagged_answer="A resposta a esta pergunta é retida: a moderação da sua organização não a permite.",
        older="As fontes não coincidem; uma mais antiga, de {day}, diz:",
        of_less_authority="As fontes não coincidem; uma de menor autoridade diz:",
        another="As fontes não coincidem; outra diz:",
        date="{day} de {month} de {year}",
        months="janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    ),
)
_TEXTS = {one.language: one for one in _ALL}
_DEFAULT = "en"


def texts(language: str | None) -> Texts:
    """Those of the language; the English ones for a language that there are none in."""
    return _TEXTS[language if language in _TEXTS else _DEFAULT]
