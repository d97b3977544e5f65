import pytest

from libs.text.stems import reading_in
from tests.unit.services.chat.grounding.test_disagreement import conflict


@pytest.mark.parametrize(
    ("language", "question", "said", "other", "differs"),
    [
        (
            "de",
            "Wie viele Ferientage haben Mitarbeitende pro Jahr?",
            "Mitarbeitende haben Anspruch auf 20 Ferientage pro Jahr.",
            "Alle Mitarbeitenden haben pro Jahr Anspruch auf fünfundzwanzig Ferientage.",
            "number",
        ),
        (
            "de",
            "Innert welcher Frist müssen Spesen abgerechnet werden?",
            "Spesen müssen innert 30 Tagen abgerechnet werden.",
            "Spesen müssen neu innert 60 Tagen abgerechnet werden.",
            "number",
        ),
        (
            "de",
            "Wie lange dauert die Probezeit?",
            "Die Probezeit dauert drei Monate.",
            "Die Probezeit dauert einen Monat und kann verlängert werden.",
            "number",
        ),
        (
            "de",
            "Wie hoch ist die Verpflegungspauschale bei Dienstreisen?",
            "Bei Dienstreisen beträgt die Verpflegungspauschale 950 Franken.",
            "Die Verpflegungspauschale bei Dienstreisen beträgt neu 1'000 Franken.",
            "number",
        ),
        (
            "de",
            "Wann wurde die Bibliothek der Stadt eröffnet?",
            "Die Bibliothek der Stadt wurde 1987 eröffnet.",
            "Die Bibliothek der Stadt wurde 1989 eröffnet und umgebaut.",
            "number",
        ),
        (
            "de",
            "Wer leitet die Datenschutzstelle der Klinik in Bern?",
            "Die Datenschutzstelle der Klinik in Bern leitet Anna Berger.",
            "Neu leitet Frau Monika Steiner die Datenschutzstelle der Klinik in Bern.",
            "name",
        ),
        (
            "fr",
            "Combien de jours de congé les employés ont-ils par an ?",
            "Les employés ont droit à 20 jours de congé par an.",
            "Selon le nouveau règlement, les employés ont droit à 25 jours de congé par an.",
            "number",
        ),
        (
            "fr",
            "Quand l'école a-t-elle été fondée ?",
            "L'école a été fondée en 1954.",
            "L'école a été fondée en 1956 par des parents.",
            "number",
        ),
        (
            "fr",
            "Qui approuve les notes de frais ?",
            "Les notes de frais sont approuvées par Jean Dupont.",
            "Depuis mai, les notes de frais sont approuvées par Claire Martin.",
            "name",
        ),
        (
            "es",
            "¿Cuántas personas caben en la sala?",
            "En la sala caben 120 personas.",
            "Ahora caben 150 personas en la sala.",
            "number",
        ),
        (
            "it",
            "Quanto costa un posto auto al mese?",
            "Un posto auto costa 50 euro al mese.",
            "Un posto auto costa ora 65 euro al mese.",
            "number",
        ),
        (
            "nl",
            "Hoe vaak moet het wachtwoord worden gewijzigd?",
            "Het wachtwoord moet elke 90 dagen worden gewijzigd.",
            "Het wachtwoord moet voortaan elke 180 dagen worden gewijzigd.",
            "number",
        ),
        (
            "pt",
            "Quem aprova as despesas de viagem?",
            "As despesas de viagem são aprovadas por Rui Costa.",
            "As despesas de viagem são aprovadas por Marta Lopes.",
            "name",
        ),
    ],
)
async def test_another_figure_year_or_name_in_other_languages(language, question, said, other, differs):
    with reading_in(language):
        found = await conflict(question, said, other)
        back = await conflict(question, other, said)
    assert found is not None
    assert found.differs == differs
    assert back is not None


@pytest.mark.parametrize(
    ("language", "question", "said", "other"),
    [
        # said of others
        (
            "de",
            "Wie viele Ferientage haben Mitarbeitende pro Jahr?",
            "Mitarbeitende haben Anspruch auf 25 Ferientage pro Jahr.",
            "Lernende haben Anspruch auf 30 Ferientage pro Jahr.",
        ),
        (
            "fr",
            "Combien de jours de congé les employés ont-ils par an ?",
            "Les employés ont droit à 25 jours de congé par an.",
            "Les apprentis ont droit à 30 jours de congé par an.",
        ),
        (
            "de",
            "Wie viele Personen arbeiten im Werk Linz?",
            "Im Werk Linz arbeiten 340 Personen.",
            "Im Werk Graz arbeiten 120 Personen.",
        ),
        (
            "es",
            "¿Cuánto dura el período de prueba?",
            "El período de prueba dura tres meses.",
            "El período de prueba de los directivos dura seis meses.",
        ),
        # of some of them
        ("fr", "Combien coûte l'entrée ?", "L'entrée coûte 12 euros.", "L'entrée coûte 8 euros pour les enfants."),
        ("it", "Quanto costa l'ingresso?", "L'ingresso costa 12 euro.", "L'ingresso costa 8 euro la domenica."),
        (
            "de",
            "Wie lange ist ein Ausweis gültig?",
            "Ein Ausweis ist zwei Jahre gültig.",
            "Ein Ausweis ist 5 Jahre gültig, wenn er elektronisch ist.",
        ),
        # something else is done with them
        (
            "nl",
            "Hoeveel vakantiedagen hebben medewerkers per jaar?",
            "Medewerkers hebben 25 vakantiedagen per jaar.",
            "Medewerkers mogen 5 vakantiedagen meenemen naar het volgende jaar.",
        ),
        # a part of it, or in it
        (
            "fr",
            "Quand l'école a-t-elle été fondée ?",
            "L'école a été fondée en 1954.",
            "L'internat de l'école a été fondé en 1988.",
        ),
        (
            "de",
            "Wann wurde die Bibliothek eröffnet?",
            "Die Bibliothek wurde 1987 eröffnet.",
            "2004 wurde in der Bibliothek der Lesesaal für Kinder eröffnet.",
        ),
        (
            "nl",
            "Wanneer is de brug gebouwd?",
            "De brug is in 1905 gebouwd.",
            "Bij de brug is in 1931 een sluis gebouwd.",
        ),
        # both can be true
        (
            "fr",
            "Combien de personnes travaillent à l'usine de Nantes ?",
            "À l'usine de Nantes travaillent 22 personnes.",
            "À l'usine de Nantes travaillent une vingtaine de personnes.",
        ),
        (
            "de",
            "Wie lange werden Bewerbungen aufbewahrt?",
            "Bewerbungen werden höchstens sechs Monate aufbewahrt.",
            "Bewerbungen werden drei Monate aufbewahrt.",
        ),
        (
            "de",
            "Wer ist Präsident des Vereins?",
            "Präsident des Vereins ist Urs Meier.",
            "Präsident des Vereins war bis 2019 Beat Graf.",
        ),
        (
            "fr",
            "Qui dirige le service des achats ?",
            "Le service des achats est dirigé par Thomas Morel.",
            "Le service des achats de Lausanne est dirigé par Sandra Petit.",
        ),
        # a role, and no name
        (
            "de",
            "Wer genehmigt Urlaubsanträge?",
            "Urlaubsanträge genehmigt die Abteilung Personal.",
            "Urlaubsanträge genehmigt Frau Huber.",
        ),
    ],
)
async def test_no_disagreement_in_other_languages(language, question, said, other):
    with reading_in(language):
        assert await conflict(question, said, other) is None
        assert await conflict(question, other, said) is None
