import pytest

from services.chat.grounding.unknowing import says_that_it_doesnt_know


@pytest.mark.parametrize(
    "text",
    [
        "I don’t know.",
        "We do not know the answer.",
        "We cannot find this in the passages.",
        "I'm sorry, but I cannot answer this question.",
        "The passages do not say how many days of leave staff get.",
        "There is no information about parking in the provided documents.",
        "Das weiß ich leider nicht.",
        "Ich kann diese Frage nicht beantworten.",
        "Ich habe dazu keine Angaben gefunden.",
        "Die Passagen enthalten keine Angaben zum Urlaub.",
        "In den bereitgestellten Dokumenten wird der Urlaub nicht erwähnt.",
        "Aus den Quellen geht nicht hervor, wie lange die Frist ist.",
        "Je ne sais pas.",
        "Je n'ai pas trouvé la réponse.",
        "Les passages ne mentionnent pas le télétravail.",
        "Aucune information sur ce point ne figure dans les documents fournis.",
        "No lo sé.",
        "Los pasajes no indican el plazo.",
        "Non lo so.",
        "I passaggi non contengono informazioni sulle ferie.",
        "Dat weet ik niet.",
        "De passages bevatten geen informatie over verlof.",
        "Não sei.",
        "As passagens não mencionam as férias.",
    ],
)
def test_a_generator_that_doesnt_know(text: str):
    assert says_that_it_doesnt_know(text)


@pytest.mark.parametrize(
    "text",
    [
        "Staff do not earn leave in their first month.",
        "Documents of the archive do not leave the building.",
        "Water from other sources is not tested.",
        "We do not refund tickets after 30 days.",
        "The source code does not include tests.",
        "In this context, the company does not provide insurance.",
        "Mitarbeiter dürfen das Gebäude nicht verlassen.",
        "Die Dokumente enthalten keine personenbezogenen Daten.",
        "Les salariés ne peuvent pas reporter leurs congés.",
        "Los empleados no pueden aplazar las vacaciones.",
        "I dipendenti non possono rinviare le ferie.",
        "Medewerkers kunnen geen verlof uitstellen.",
        "Os empregados não podem adiar as férias.",
    ],
)
def test_a_statement_is_none(text: str):
    assert not says_that_it_doesnt_know(text)
