import pytest

from libs.text.stems import reading_in
from services.chat.grounding.facts import contradiction, facts_of, is_negated
from services.chat.grounding.negations import clauses
from services.chat.grounding.support import SupportFinder
from tests.unit.services.chat.grounding.samples import WordEmbedder, source

DENIED = [
    ("de", "Die Gebühr wird erstattet.", "Die Gebühr wird nicht erstattet."),
    ("de", "Es gibt einen Rabatt.", "Es gibt keinen Rabatt."),
    ("de", "Gäste dürfen eintreten.", "Gäste dürfen nie eintreten."),
    ("de", "Der Zugang ist mit Ausweis möglich.", "Der Zugang ist ohne Ausweis möglich."),
    ("fr", "Les frais sont remboursés.", "Les frais ne sont pas remboursés."),
    ("fr", "Il est remboursé.", "Il n’est jamais remboursé."),
    ("fr", "L'accès est possible avec badge.", "L'accès est possible sans badge."),
    ("es", "Los gastos se reembolsan.", "Los gastos no se reembolsan."),
    ("es", "Los gastos se reembolsan.", "Los gastos nunca se reembolsan."),
    ("es", "Se entra con tarjeta.", "Se entra sin tarjeta."),
    ("it", "Le spese sono rimborsate.", "Le spese non sono rimborsate."),
    ("it", "Si entra con tessera.", "Si entra senza tessera."),
    ("nl", "De kosten worden vergoed.", "De kosten worden niet vergoed."),
    ("nl", "Er is een korting.", "Er is geen korting."),
    ("nl", "Toegang met pas is mogelijk.", "Toegang zonder pas is mogelijk."),
    ("pt", "As despesas são reembolsadas.", "As despesas não são reembolsadas."),
    ("pt", "As despesas são reembolsadas.", "As despesas nunca são reembolsadas."),
    ("pt", "Entra-se com cartão.", "Entra-se sem cartão."),
]
STATED = [
    ("de", "Notausgänge sind offen, not tut es."),
    ("de", "Das ist nicht ohne Risiko."),
    ("fr", "Le rabais ne dure que 5 jours."),
    ("fr", "Ce n'est pas sans risque."),
    ("es", "La sala No. 5 está abierta."),
    ("pt", "O escritório fica no Porto."),
    ("it", "Il risultato è buono."),
    ("nl", "De kosten zijn laag."),
    ("en", "Not only members but also guests may enter."),
    ("de", "Nicht nur Mitglieder, sondern auch Gäste dürfen eintreten."),
    ("de", "Kein anderer als der Leiter darf unterschreiben."),
    ("fr", "Il ne reste plus que 5 jours."),
    ("es", "No solo los socios sino también los clientes pueden entrar."),
    ("it", "Non solo i soci ma anche i clienti possono entrare."),
    ("pt", "Não só os sócios mas também os clientes podem entrar."),
]


@pytest.mark.parametrize(("language", "stated", "denied"), DENIED)
def test_each_language_denies_in_its_words(language: str, stated: str, denied: str):
    with reading_in(language):
        assert is_negated(denied)
        assert not is_negated(stated)


@pytest.mark.parametrize(("language", "stated", "denied"), DENIED)
async def test_the_one_is_no_support_for_the_other(language: str, stated: str, denied: str):
    with reading_in(language):
        for passage, contrary in ((stated, denied), (denied, stated)):
            finder = SupportFinder([source(1, passage)], WordEmbedder(), 0.5)
            assert not (await finder.paraphrase(contrary)).cited
            assert (await finder.paraphrase(passage)).cited


@pytest.mark.parametrize(("language", "text"), STATED)
def test_what_denies_nothing_or_twice_is_a_statement(language: str, text: str):
    with reading_in(language):
        assert not is_negated(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Il n'a jamais rien payé."),
        ("es", "No viene nunca nadie."),
        ("it", "Non paga mai nessuno."),
        ("pt", "Não paga nunca nada."),
        ("fr", "Il ne faut pas que les frais soient remboursés."),
        ("es", "Ni el contrato ni el anexo valen."),
        ("it", "Né il contratto né l'allegato valgono."),
        ("pt", "Nem o contrato nem o anexo valem."),
    ],
)
def test_words_that_agree_deny_once(language: str, text: str):
    with reading_in(language):
        assert is_negated(text)


@pytest.mark.parametrize(
    ("language", "sentence", "passage"),
    [
        ("de", "Rauchen ist erlaubt.", "Rauchen ist verboten."),
        ("fr", "Fumer est permis.", "Fumer est interdit."),
        ("es", "Fumar está permitido.", "Fumar está prohibido."),
        ("it", "Fumare è permesso.", "Fumare è vietato."),
        ("nl", "Roken is toegestaan.", "Roken is verboden."),
        ("pt", "Fumar é permitido.", "Fumar é proibido."),
    ],
)
def test_each_language_says_the_contrary_in_its_words(language: str, sentence: str, passage: str):
    with reading_in(language):
        assert contradiction(facts_of(sentence), facts_of(passage), frozenset())
        assert contradiction(facts_of(sentence), facts_of(sentence), frozenset()) is None


def test_clauses_end_at_the_words_of_the_language():
    with reading_in("de"):
        assert clauses("Basis ist frei, aber Pro kostet") == ["Basis ist frei", "Pro kostet"]


async def test_clauses_that_share_as_much_are_no_denial_of_each_other():
    passage = (
        "Inequalities were the result of taking, and some pay is due for this taking but not because of inequalities."
    )
    finder = SupportFinder([source(1, passage)], WordEmbedder(), 0.5)

    assert (await finder.paraphrase(passage)).cited
    assert not (await finder.paraphrase(passage.replace("but not", "but"))).cited
