import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chat.prompt import estimated_tokens
from services.chat.wishes import CONTEXT_SHARE, language_wished, sentences_wished, wishes


@pytest.mark.parametrize(
    ("instructions", "sentences"),
    [
        ("Answer in one sentence.", 1),
        ("At most 3 short sentences, please.", 3),
        ("Be brief.", 2),
        ("Keep it short and formal", 2),
        ("Antworte kurz.", 2),
        ("Höchstens zwei Sätze.", 2),
        ("Réponds en une phrase.", 1),
        ("Risposte brevi: due frasi.", 2),
        ("Responde en una sola frase.", 1),
        ("Houd het kort.", 2),
        ("Responda em duas frases.", 2),
        ("Don't be brief.", None),
        ("Not too short, and with examples.", None),
        ("Antworte nicht zu knapp.", None),
        ("Give long, detailed answers.", None),
        ("", None),
        ("Answer in French.", None),
    ],
)
def test_a_wished_length_is_read(instructions: str, sentences: int | None):
    assert sentences_wished(instructions) == sentences


@pytest.mark.parametrize(
    ("instructions", "language"),
    [
        ("Answer in French.", "fr"),
        ("Be brief and always reply in German, please", "de"),
        ("Antworte bitte auf Englisch.", "en"),
        ("Réponds toujours en français.", "fr"),
        ("In Italian", "it"),
        ("Never answer in French.", None),
        ("Our documents are in French.", None),
        ("Answer in the language of the question.", None),
    ],
)
def test_a_wished_language_is_read(instructions: str, language: str | None):
    assert language_wished(instructions) == language


def test_where_they_differ_the_organisation_s_hold():
    wished = wishes("Answer in one sentence.", "Answer in five sentences, in French. Answer in French.", 4096)
    assert (wished.sentences, wished.language) == (1, "fr")
    assert wished.traced() == {"held": ["organization", "person"], "sentences": 1, "language": "fr", "cut": False}


@given(st.text(max_size=1_000), st.text(max_size=1_000), st.integers(512, 32_768))
def test_they_never_take_more_than_their_share_of_the_context(organization: str, person: str, context: int):
    wished = wishes(organization, person, context)
    taken = sum(estimated_tokens(one) for one in (wished.organization, wished.person) if one)
    assert taken <= context * CONTEXT_SHARE
    assert organization.startswith(wished.organization)
    assert wished.cut == ((wished.organization, wished.person) != (organization, person))
