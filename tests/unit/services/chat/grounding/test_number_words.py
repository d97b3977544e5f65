import pytest

from libs.text.stems import reading_in
from services.chat.grounding.facts import contradiction, facts_of, lower_case_stems
from services.chat.grounding.number_words import number_words

NOWHERE: frozenset[str] = frozenset()


def against(language: str, sentence: str, passage: str) -> str | None:
    with reading_in(language):
        return contradiction(facts_of(sentence, lower_case_stems(passage)), facts_of(passage), NOWHERE)


SAME = [
    ("de", "Der Urlaub dauert 21 Tage.", "Der Urlaub dauert einundzwanzig Tage."),
    ("de", "Es kostet 2.300.000 Euro.", "Es kostet zwei Millionen dreihunderttausend Euro."),
    ("de", "Es kostet 1,5 Mio. Euro.", "Es kostet 1.500.000 €."),
    ("de", "Es kostet 20 EUR.", "Es kostet zwanzig Euro."),
    ("de", "Der Anteil ist 10 %.", "Der Anteil ist zehn Prozent."),
    ("de", "Der Anteil ist 10 Prozent.", "Der Anteil ist 10 %."),
    ("de", "Die Frist ist 1 Monat.", "Die Frist ist ein Monat."),
    ("de", "Die Frist ist ein Monat.", "Die Frist ist 1 Monat."),
    ("de", "Es dauert 2,5 Stunden.", "Es dauert zweieinhalb Stunden."),
    ("de", "Es dauert anderthalb Jahre.", "Es dauert 1,5 Jahre."),
    ("de", "Es sind 24 Eier.", "Es sind zwei Dutzend Eier."),
    ("de", "Es gilt eine Frist von 3 Monaten.", "Es gilt die dreimonatige Frist."),
    ("de", "Es kostet 1250 Franken.", "Es kostet 1'250 Franken."),
    ("de", "Es endet im 3. Quartal.", "Es endet im dritten Quartal."),
    ("de", "Es endet im dritten Quartal.", "Es endet im 3. Quartal."),
    ("de", "Es endet am 3. März.", "Es endet am dritten März."),
    ("de", "Es dauert 2 bis 30 Tage.", "Es dauert zwischen zwei und dreißig Tagen."),
    ("de", "Ein Mitarbeiter hat 20 Tage.", "Ein Mitarbeiter hat zwanzig Tage."),
    ("de", "Es kostet 2 Millionen Euro.", "Es kostet zwei Mio. Euro."),
    ("de", "Es kostet 2,5 Millionen Euro.", "Es kostet zweieinhalb Millionen Euro."),
    ("de", "Es kostet 1 Million Euro.", "Es kostet eine Million Euro."),
    ("de", "Es kostet 500.000 Euro.", "Es kostet eine halbe Million Euro."),
    ("de", "Es gilt ab 5. Sept. 2024.", "Es gilt ab 5. September 2024."),
    ("fr", "Il a 90 jours.", "Il a quatre-vingt-dix jours."),
    ("fr", "Il a 9 jours.", "Il a neuf jours."),
    ("fr", "L'équipe a 9 employés.", "L'équipe a neuf employés."),
    ("fr", "Ils sont 9.", "Ils sont neuf."),
    ("fr", "Il y en a 50.", "Il y en a une cinquantaine."),
    ("fr", "Cela coûte 2 500 000 euros.", "Cela coûte deux millions et demi d'euros."),
    ("fr", "Cela coûte 1 500 000 euros.", "Cela coûte 1,5 million d'euros."),
    ("fr", "La part est de 10 %.", "La part est de dix pour cent."),
    ("fr", "Le délai est d'un an.", "Le délai est de 1 an."),
    ("fr", "Le délai est de 1 an.", "Le délai est d'un an."),
    ("fr", "Le délai est de 2,5 ans.", "Le délai est de deux ans et demi."),
    ("fr", "C'est au 2e étage.", "C'est au deuxième étage."),
    ("fr", "C'est au deuxième étage.", "C'est au 2ème étage."),
    ("fr", "Il commence le 1er mars.", "Il commence le premier mars."),
    ("fr", "Il commence le 12 sept. 2024.", "Il commence le douze septembre 2024."),
    ("fr", "Il y en a 12.", "Il y en a une douzaine."),
    ("fr", "C'est ouvert de 8h30 à 19 h 00.", "C'est ouvert de 8:30 à 19:00."),
    ("es", "Tiene 21 días.", "Tiene veintiún días."),
    ("es", "Son 2.500.000 euros.", "Son dos millones quinientos mil euros."),
    ("es", "Son 20.000 euros.", "Son 20 mil euros."),
    ("es", "Es el 35 %.", "Es el treinta y cinco por ciento."),
    ("es", "Empieza el 1 de enero.", "Empieza el primero de enero."),
    ("es", "Es en el 2.º trimestre.", "Es en el segundo trimestre."),
    ("it", "Ha 21 giorni.", "Ha ventuno giorni."),
    ("it", "Ha 6 giorni.", "Ha sei giorni."),
    ("it", "I soci sono 6.", "I soci sono sei."),
    ("it", "Dura 1,5 anni.", "Dura un anno e mezzo."),
    ("it", "Comincia il 1º gennaio.", "Comincia il primo gennaio."),
    ("it", "Costa 20.000 euro.", "Costa ventimila euro."),
    ("nl", "Het duurt 21 dagen.", "Het duurt eenentwintig dagen."),
    ("nl", "Het duurt 1,5 jaar.", "Het duurt anderhalf jaar."),
    ("nl", "Het duurt ten minste 5 dagen.", "Het duurt minstens vijf dagen."),
    ("nl", "Het kost 1.500.000 euro.", "Het kost anderhalf miljoen euro."),
    ("nl", "Het kost 10 %.", "Het kost tien procent."),
    ("nl", "Het is in het 3e kwartaal.", "Het is in het derde kwartaal."),
    ("pt", "Tem 21 dias.", "Tem vinte e um dias."),
    ("pt", "São 2.500.000 euros.", "São dois milhões e quinhentos mil euros."),
    ("pt", "São 10 %.", "São dez por cento."),
    ("en", "It takes 2.5 hours.", "It takes two and a half hours."),
    ("en", "It holds 24 eggs.", "It holds two dozen eggs."),
    ("en", "It holds 6 eggs.", "It holds half a dozen eggs."),
    ("en", "It costs 2,500,000 euros.", "It costs two and a half million euros."),
    ("en", "The trip takes 1 hour.", "The 1-hour trip, or 2 hours by bus."),
    ("en", "It takes 1 hour.", "It takes 1h, or 2 hours by bus."),
]


@pytest.mark.parametrize(("language", "sentence", "passage"), SAME)
def test_a_number_in_words_is_the_same_in_digits(language: str, sentence: str, passage: str):
    assert against(language, sentence, passage) is None


OTHER = [
    ("de", "Der Urlaub dauert 22 Tage.", "Der Urlaub dauert einundzwanzig Tage."),
    ("de", "Der Urlaub dauert zweiundzwanzig Tage.", "Der Urlaub dauert einundzwanzig Tage."),
    ("de", "Der Urlaub dauert zwanzig Wochen.", "Der Urlaub dauert zwanzig Tage."),
    ("de", "Die Frist ist ein Monat.", "Die Frist ist drei Monate."),
    ("de", "Die Frist ist 1 Monat.", "Für einen Mitarbeiter ist die Frist drei Monate."),
    ("de", "Die Frist ist 32 Tage.", "Die Frist ist zwischen zwei und dreißig Tagen."),
    ("de", "Es kostet 1,5 Euro.", "Es kostet 1,5 Mio. Euro."),
    ("de", "Es dauert 2 Stunden.", "Es dauert zweieinhalb Stunden."),
    ("de", "Es endet im zweiten Quartal.", "Es endet im 3. Quartal."),
    ("de", "Es endet am vierten März.", "Es endet am 3. März."),
    ("de", "Es sind 8 Regeln.", "Achten Sie auf die Regeln, die wir achten."),
    ("de", "Es kostet zwei Mio. Euro.", "Es kostet zwei Mrd. Euro."),
    ("de", "Es kostet zweieinhalb Millionen Euro.", "Es kostet zweieinhalb Milliarden Euro."),
    ("de", "Es kostet eine Million Euro.", "Es kostet eine Milliarde Euro."),
    ("de", "Es kostet eine halbe Million Euro.", "Es kostet 1 Million Euro."),
    ("de", "Frist: Es gelten Drei Monate.", "Es gelten sechs Monate."),
    ("de", "Es hat 1000000 Nutzer.", "Es hat Millionen Nutzer."),
    ("fr", "Il a 80 jours.", "Il a quatre-vingt-dix jours."),
    ("fr", "Il a 9 vélos.", "Il a un vélo neuf."),
    ("fr", "L'équipe a neuf employés.", "L'équipe a dix employés."),
    ("fr", "Neuf employés sont là.", "Dix employés sont là."),
    ("fr", "Une vingtaine de personnes viennent.", "Une trentaine de personnes viennent."),
    ("fr", "Il a 9 vélos.", "Il a un vélo neuf hors garantie."),
    ("fr", "Il a 9 vélos.", "Il a des vélos neufs disponibles."),
    ("fr", "Il dure 1,5 jour.", "C'est pour l'uniforme et demie part."),
    ("fr", "Il a 9 jours.", "Il a un vélo neuf depuis vingt jours."),
    ("fr", "Il coûte 100 euros.", "Il coûte 50 cents d'euro."),
    ("fr", "Il coûte 100 euros.", "Il coûte dix pour cent de plus."),
    ("fr", "Le délai est d'un an.", "Le délai est de deux ans."),
    ("fr", "C'est au troisième étage.", "C'est au 2e étage."),
    ("fr", "Il commence le premier mars.", "Il commence le 2 mars."),
    ("fr", "C'est ouvert à 8h30.", "C'est ouvert à 9h30."),
    ("es", "Tiene 31 días.", "Tiene veintiún días."),
    ("es", "Son 20 euros.", "Son 20 mil euros."),
    ("es", "Termina en el primer trimestre.", "Termina en el tercer trimestre."),
    ("es", "Son medio millón de euros.", "Son un millón de euros."),
    ("es", "Tiene 4 habitaciones.", "Tiene un cuarto de baño en las habitaciones."),
    ("it", "La squadra ha sei membri.", "La squadra ha otto membri."),
    ("it", "È per sei persone.", "È per otto persone."),
    ("it", "Ha 6 giorni.", "Se tu sei malato, ha venti giorni."),
    ("it", "Ha 2 regole.", "Secondo le regole, ha regole."),
    ("nl", "Het kost tweeënhalf miljoen euro.", "Het kost tweeënhalf miljard euro."),
    ("nl", "Het team heeft acht medewerkers.", "Het team heeft negen medewerkers."),
    ("nl", "Het gebeurt driemaal per jaar.", "Het gebeurt viermaal per jaar."),
    ("nl", "Het is een driemaandelijkse vergadering.", "Het is een tweemaandelijkse vergadering."),
    ("nl", "Er zijn 8 regels.", "De regels worden in acht genomen."),
    ("nl", "Er zijn 8 regels.", "U moet de regels in acht nemen."),
    ("nl", "Er zijn 8 regels.", "Neem de regels in acht."),
    ("nl", "Het duurt een week.", "Het duurt twee weken."),
    ("pt", "Tem 2 regras.", "Segundo as regras, tem regras."),
    ("en", "It covers 20 miles.", "It covers 20 km²."),
    ("en", "It holds 12 eggs.", "It holds half a dozen eggs."),
    ("en", "It costs 1,000,000 euros.", "It costs half a million euros."),
    ("en", "You get 1 day.", "An employee gets 20 days."),
]


@pytest.mark.parametrize(("language", "sentence", "passage"), OTHER)
def test_no_other_number_passes_for_it(language: str, sentence: str, passage: str):
    assert against(language, sentence, passage) is not None


@pytest.mark.parametrize(("language", "sentence", "passage"), SAME + OTHER)
def test_to_read_numbers_twice_changes_nothing(language: str, sentence: str, passage: str):
    with reading_in(language):
        for text in (sentence, passage):
            once = number_words(text)
            assert number_words(once) == once


def test_a_name_that_is_also_a_number_stays():
    with reading_in("it"):
        assert number_words("Scrive a Otto Rossi.") == "Scrive a Otto Rossi."


def test_another_language_stays():
    with reading_in("pl"):
        assert number_words("Dwadzieścia dni") == "Dwadzieścia dni"


@pytest.mark.parametrize("repeated", ["zwei ", "zweitausend", "1.000.000 Millionen ", "ein Dutzend ", "1. "])
def test_a_hostile_text_costs_no_more_than_its_length(repeated: str):
    with reading_in("de"):
        number_words(repeated * 20_000)


def test_a_row_of_figures_costs_no_more_than_its_length():
    with reading_in("fr"):
        number_words("123 " * 20_000)
