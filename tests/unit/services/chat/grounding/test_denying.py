import pytest

from libs.text.stems import reading_in
from services.chat.grounding.denying import affirms, asks_what_is_not, says_what_is_not


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Which costs are not reimbursed?"),
        ("de", "Welche Kosten werden nicht erstattet?"),
        ("de", "Für welche Leistungen zahlt die Kasse nicht?"),
        ("de", "Wer hat keinen Anspruch auf Überzeit?"),
        ("fr", "Quels frais ne sont pas remboursés ?"),
        ("fr", "Quels sont les services qui ne sont pas gratuits ?"),
        ("fr", "Qu’est-ce qui n’est pas compris dans le prix ?"),
        ("es", "¿Cuáles son los gastos que no se reembolsan?"),
        ("it", "Quando non è aperta la biblioteca?"),
        ("nl", "Wie heeft geen recht op overuren?"),
        ("pt", "Quando é que a biblioteca não está aberta?"),
    ],
)
def test_a_question_for_what_is_not_so(language, question):
    with reading_in(language):
        assert asks_what_is_not(question)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "What happens if I don't pay?"),
        ("de", "Welche Kosten werden erstattet?"),
        ("de", "Was passiert, wenn ich die Rechnung nicht bezahle?"),
        ("de", "Warum funktioniert der Drucker nicht?"),
        ("de", "Ich kann mich nicht anmelden. Wo melde ich das?"),
        ("de", "Welche Regeln gelten für Personen, die nicht im Betrieb wohnen?"),
        ("de", "Welche Leistungen gibt es ohne Versicherung?"),
        ("de", "Was darf man im Notfall nicht vergessen?"),
        ("fr", "Combien de jours ne sont payés qu'à moitié ?"),
        ("fr", "À qui s'adresser quand on n'a pas de badge ?"),
        ("fr", "Quel document apportent ceux qui n'ont pas de passeport ?"),
        ("es", "¿Por qué no funciona la impresora?"),
        ("es", "¿Qué hago para no perder mis vacaciones?"),
        ("it", "Chi devo avvisare se non posso venire?"),
        ("nl", "Wat moet ik doen om mijn vakantie niet te verliezen?"),
        ("pt", "O que acontece se não pagar a fatura?"),
    ],
)
def test_a_question_that_an_affirmation_answers(language, question):
    with reading_in(language):
        assert not asks_what_is_not(question)


@pytest.mark.parametrize(
    ("language", "sentence", "denies"),
    [
        ("en", "Alcohol is excluded.", True),
        ("en", "Trains are reimbursed.", False),
        ("de", "Alkohol ist von der Erstattung ausgeschlossen.", True),
        ("de", "Am Wochenende bleibt die Kantine geschlossen.", True),
        ("de", "Erstattet werden die Kosten für Bahn und Hotel.", False),
        ("de", "- Schäden durch Vorsatz", True),
        ("de", "The costs of taxi rides are not reimbursed.", True),
        ("fr", "Tous les frais sont remboursés, sauf les boissons.", True),
        ("fr", "Les frais de train sont remboursés.", False),
        ("es", "Las multas corren a cargo del empleado.", True),
        ("es", "Se reembolsan los gastos de tren.", False),
        ("it", "È vietato parcheggiare davanti all'ingresso.", True),
        ("it", "Si può parcheggiare nel cortile.", False),
        ("nl", "Leidinggevenden zijn uitgesloten van overuren.", True),
        ("nl", "De kosten van trein en hotel worden vergoed.", False),
        ("pt", "A biblioteca está fechada em agosto.", True),
        ("pt", "A biblioteca está aberta de segunda a sexta.", False),
    ],
)
def test_a_sentence_that_says_what_is_not_so(language, sentence, denies):
    with reading_in(language):
        assert says_what_is_not(sentence) is denies


@pytest.mark.parametrize(
    ("language", "question", "sentence", "affirmed"),
    [
        ("de", "Welche Kosten werden nicht erstattet?", "Erstattet werden Bahn und Hotel.", True),
        ("de", "Welche Abfälle gehören nicht in den Kompost?", "Fleisch gehört in den Restmüll.", False),
        ("de", "Wer hat keinen Anspruch auf Überzeit?", "Anspruch auf Überzeit haben alle im Stundenlohn.", True),
        ("fr", "Quels frais ne sont pas remboursés ?", "Le train est remboursé.", True),
        ("fr", "Qui ne paie pas de cotisation ?", "Les enfants sont reçus sans frais.", False),
        ("nl", "Wie heeft geen recht op overuren?", "Medewerkers met een uurloon hebben recht op overuren.", True),
    ],
)
def test_only_what_says_all_of_it_affirms_it(language, question, sentence, affirmed):
    with reading_in(language):
        assert affirms(question, sentence) is affirmed
