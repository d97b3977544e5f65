import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.memory.followup import leans, standalone

BEFORE = "How long is parental leave?"


@pytest.mark.parametrize(
    "question",
    [
        "What about contractors?",
        "Why?",
        "Tell me more.",
        "Does it end?",
        "more",
        "And?",
        "Who may take it?",
        "Can I split that up?",
        "Is there a limit?",
        "Sick leave?",
        "Since when?",
        "Who pays?",
        "And who pays?",
    ],
)
def test_a_follow_up_is_searched_for_with_the_question_before(question: str):
    found = standalone(question, [BEFORE])
    assert found.text == f"{BEFORE} {question}"
    assert found.made_from == (BEFORE,)


@pytest.mark.parametrize(
    "question",
    [
        "How many holidays are there?",
        "Why is the budget frozen?",
        "Is it possible to carry over annual leave?",
        "How long does it take to get a badge?",
        "When a document is deleted, can I restore it?",
        "Which documents that I deleted can be restored?",
        "And which plan includes exports?",
        "sick leave",
        "E-mail addresses of the whole travel desk?",
        "And now to something that is not about it at all, but a long question with a subject of its own: who pays?",
    ],
)
def test_a_question_that_can_stand_alone_stays(question: str):
    found = standalone(question, [BEFORE])
    assert (found.text, found.made_from) == (question, ())


@pytest.mark.parametrize(
    "question",
    [
        "באיזו שעה נפתח המעגן?",
        "Во сколько открывается гавань?",
        "Как установить программу в Windows?",
        "متى يفتح الميناء أبوابه؟",
        "Πότε ανοίγει το λιμάνι;",
        "ミュンヘンはどこですか?",
        "Wann öffnet der Hafen?",
        "Wo ist der Hafen?",
        "Wer ist Jane Doe?",
        "Wie hoch ist der Leuchtturm?",
        "Quand ouvre le port ?",
        "En quelle année le phare a-t-il été construit ?",
        "Y a-t-il un parking gratuit ?",
        "¿En qué año se construyó el faro?",
        "¿Cuándo abre el puerto?",
        "Quando apre il porto?",
        "Dov'è il porto?",
        "O que preciso para instalar o programa no Windows?",
        "Quando abre o porto?",
        "Wanneer opent de haven?",
        "Hoe hoog is de vuurtoren?",
        "Und wann öffnet der Hafen?",
        "Qui est Jane Doe ?",
        "In welchem Jahr wurde der Leuchtturm gebaut?",
        "Où est le port ?",
        "¿Dónde está el puerto?",
    ],
)
def test_a_short_question_in_another_language_can_stand_alone(question: str):
    assert standalone(question, [BEFORE]).made_from == ()


@pytest.mark.parametrize(
    "question",
    [
        "Seit wann?",
        "Wie lange dauert das?",
        "Wie viel kostet es?",
        "Warum nicht?",
        "Welcher Tarif?",
        "Und wie lange?",
        "Und in Windows?",
        "Et pour les stagiaires ?",
        "¿Y en Windows?",
        "Combien coûte-t-il ?",
        "Pourquoi ?",
        "¿Por qué?",
        "Quanto costa?",
        "Für Praktikanten?",
        "Для стажёров?",
        "В Windows?",
        "Почему?",
        "А для стажёров компании?",
        "Почему она закрыта зимой?",
        "なぜですか?",
        "Und wer zahlt?",
        "Welche Farbe hat er?",
        "En wanneer?",
        "E per gli stagisti?",
    ],
)
def test_a_follow_up_in_another_language_leans(question: str):
    assert standalone(question, [BEFORE]).made_from == (BEFORE,)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (["How do I install it on Linux?", "and in Windows?"], "How do I install it in Windows?"),
        (["How do I install it on Linux?", "and in Windows?", "and on a Mac?"], "How do I install it on a Mac?"),
        (["How long is the notice?", "And for interns?"], "How long is the notice for interns?"),
        (
            ["How long is the notice?", "And for interns?", "Is it paid?"],
            "How long is the notice for interns? Is it paid?",
        ),
        (["Who signs travel?", "Why?", "More.", "Go on.", "And then?"], "Who signs travel? More. Go on. And then?"),
        (["Sick leave?", "And who pays?"], "Sick leave? And who pays?"),
    ],
)
def test_a_topic_is_carried_on_over_several_turns(asked: list[str], text: str):
    assert standalone(asked[-1], asked[:-1]).text == text


def test_where_everything_leans_the_topic_of_the_summary_holds():
    assert standalone("And on Linux?", ["Why?"], "How do I install it?").text == "How do I install it on Linux?"
    assert standalone("Why?", [], "How do I install it?").text == "How do I install it? Why?"


def test_the_first_question_stays():
    assert standalone("And for interns?", []).text == "And for interns?"


@pytest.mark.parametrize("hostile", ["in x" + " " * 30_000 + "a", "in x" + "?" * 30_000 + "a", "? " * 15_000])
def test_a_long_run_of_spaces_or_signs_is_read_at_once(hostile: str):
    assert len(standalone("And?", [hostile]).text) < 1_100
    assert standalone(hostile, ["Who pays?"]).text.startswith(("Who pays in x a", hostile.strip()))


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=6), st.text(max_size=200))
def test_whatever_is_said_the_question_itself_is_kept(question: str, before: list[str], topic: str):
    found = standalone(question, before, topic)
    if not leans(question):
        assert found.text == question.strip()
    assert len(found.text) <= len(question) + len(topic) + 6 * 310
