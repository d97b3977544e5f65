import pytest

from libs.text.stems import reading_in
from services.generation.engines.answer_kinds import AnswerKind, Offers, kind_asked_for
from services.generation.engines.quantities import asks_for_quantity, tells_quantity

PERSON, DATE, PLACE, MONEY, NUMBER = AnswerKind


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [
        ("de", "Wer bewilligt die Reise?", PERSON),
        ("de", "Von wem wird die Reise bewilligt?", PERSON),
        ("de", "Bis wann verfallen die Ferien?", DATE),
        ("de", "In welchem Jahr wurde das Haus gebaut?", DATE),
        ("de", "Wo liegt die Garage?", PLACE),
        ("de", "Was kostet ein Badge?", MONEY),
        ("de", "Wie hoch ist die monatliche Gebühr?", MONEY),
        ("de", "Wie viele Tage habe ich?", NUMBER),
        ("de", "Wie lange gilt das?", NUMBER),
        ("de", "Was mache ich, wenn ich den Badge verliere?", None),
        ("de", "Welche Formulare brauche ich?", None),
        ("fr", "Qui approuve le voyage ?", PERSON),
        ("fr", "Jusqu’à quand puis-je le rendre ?", DATE),
        ("fr", "En quelle année la maison a-t-elle été construite ?", DATE),
        ("fr", "Où se trouve le garage ?", PLACE),
        ("fr", "Combien coûte un badge ?", MONEY),
        ("fr", "Combien de jours ai-je ?", NUMBER),
        ("fr", "Quel est le montant maximum ?", NUMBER),
        ("fr", "Que faire quand je perds mon badge ?", None),
        ("es", "¿Quién aprueba el viaje?", PERSON),
        ("es", "¿Hasta cuándo es válido?", DATE),
        ("es", "¿Dónde está el garaje?", PLACE),
        ("es", "¿Cuánto cuesta una tarjeta?", MONEY),
        ("es", "¿Cuántos días tengo?", NUMBER),
        ("es", "¿Cuál es el importe máximo?", NUMBER),
        ("es", "¿Qué hago cuando pierdo la tarjeta?", None),
        ("it", "Chi approva il viaggio?", PERSON),
        ("it", "Entro quando devo consegnarlo?", DATE),
        ("it", "Dove si trova il garage?", PLACE),
        ("it", "Quanto costa una tessera?", MONEY),
        ("it", "Quanti giorni ho?", NUMBER),
        ("it", "Qual è l'importo massimo?", NUMBER),
        ("it", "Che cosa faccio se perdo la tessera?", None),
        ("nl", "Wie keurt de reis goed?", PERSON),
        ("nl", "Tot wanneer is het geldig?", DATE),
        ("nl", "Waar is de garage?", PLACE),
        ("nl", "Hoeveel kost een pas?", MONEY),
        ("nl", "Hoeveel dagen heb ik?", NUMBER),
        ("nl", "Wat doe ik wanneer ik mijn pas verlies?", None),
        ("pt", "Quem aprova a viagem?", PERSON),
        ("pt", "Até quando é válido?", DATE),
        ("pt", "Onde fica a garagem?", PLACE),
        ("pt", "Quanto custa um cartão?", MONEY),
        ("pt", "Quantos dias tenho?", NUMBER),
        ("pt", "O que faço quando perco o cartão?", None),
    ],
)
def test_what_a_question_asks_for(language: str, question: str, kind: AnswerKind | None):
    with reading_in(language):
        assert kind_asked_for(question) is kind
        assert asks_for_quantity(question) is (kind in {DATE, MONEY, NUMBER})


@pytest.mark.parametrize(
    ("language", "question", "telling", "other"),
    [
        ("de", "Wie viele Tage habe ich?", "Es sind fünfundzwanzig Tage.", "Frag die Leitung."),
        ("de", "Wann öffnet der Empfang?", "Der Empfang öffnet am Montag.", "Der Empfang hilft Gästen."),
        ("de", "Wann öffnet der Empfang?", "Er öffnet, sobald jemand kommt.", "Er ist freundlich."),
        ("de", "Wie hoch ist die Limite?", "Es gibt keine Limite.", "Die Limite legt die Leitung fest."),
        ("fr", "Combien de jours ai-je ?", "Vous en avez une vingtaine.", "Demandez à la direction."),
        ("es", "¿Cuántos días tengo?", "Son veintidós.", "Pregunta a la dirección."),
        ("it", "Quanti giorni ho?", "Sono ventidue.", "Chieda alla direzione."),
        ("nl", "Hoeveel dagen heb ik?", "Het zijn er vijfentwintig.", "Vraag het aan de leiding."),
        ("pt", "Quantos dias tenho?", "São dezesseis.", "Pergunte à direção."),
    ],
)
def test_a_sentence_tells_a_number_or_a_time(language: str, question: str, telling: str, other: str):
    with reading_in(language):
        assert tells_quantity(question, telling)
        assert not tells_quantity(question, other)


@pytest.mark.parametrize(
    ("language", "question", "offering", "other"),
    [
        ("de", "Wer bewilligt Reisen?", "Frau Elena Brunner bewilligt sie.", "Der Antrag auf Reisen wird bewilligt."),
        ("de", "Wer bewilligt Reisen?", "Das tut die Teamleitung.", "Das Formular liegt im Intranet."),
        ("de", "Wo ist die Garage?", "Sie liegt an der Hofgasse.", "Die Garage öffnet mit dem Badge."),
        ("de", "Was kostet ein Badge?", "Er kostet 40 Franken.", "Er kostet im Jahr 40 Nerven."),
        ("de", "Wann wurde das Haus gebaut?", "Es wurde 2011 gebaut.", "Es wurde mit einem Fest eröffnet."),
        ("fr", "Qui approuve le voyage ?", "La responsable l'approuve.", "Le formulaire est utile."),
        ("fr", "Où est le garage ?", "Il est à la rue du Moulin.", "Il est souvent plein."),
        ("es", "¿Cuándo abre?", "Abre el lunes.", "Abre con una tarjeta."),
        ("it", "Quanto costa?", "Costa dieci franchi.", "Costa poco."),
        ("nl", "Wie keurt het goed?", "De teamleider keurt het goed.", "Het formulier is handig."),
        ("pt", "Quando abre?", "Abre na segunda-feira.", "Abre com um cartão."),
    ],
)
def test_a_sentence_offers_what_is_asked_for(language: str, question: str, offering: str, other: str):
    with reading_in(language):
        offers = Offers(question)
        assert offers.by(offering) > 0
        assert offers.by(other) == 0


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "nl", "pt"])
@pytest.mark.parametrize("repeated", ["zehn", "dix-", "1,", "und ", "quel est le ", "what is the a-b "])
def test_hostile_text_costs_no_more_than_its_length(language: str, repeated: str):
    text = repeated * (20_000 // len(repeated))
    with reading_in(language):
        kind_asked_for(text)
        for question in ("Who?", "Wer?", "Wo?", "Quando?"):
            Offers(question).by(text)
            tells_quantity(question, text)
