import pytest

from services.generation.engines.passages import read_sentences
from services.generation.ports import Document


def document(text: str, number: int = 1) -> Document:
    return Document(number, "Leave", text)


def statements(text: str) -> list[str]:
    return [sentence.text for sentence in read_sentences([document(text)]) if sentence.statement]


def test_text_is_the_passages_own_on_one_line():
    (sentence,) = read_sentences([document("You can take\n  twelve weeks   of *unpaid* leave.")])
    assert sentence.text == "You can take twelve weeks of *unpaid* leave."
    assert (sentence.document, sentence.document_id, sentence.context) == (0, 1, "Leave")


def test_bracketed_numbers_are_left_out_because_they_would_read_as_citations():
    (sentence,) = read_sentences([document("The office opened in 1990 [3], moved [4, 5] and closed.[12]")])
    assert sentence.text == "The office opened in 1990, moved and closed."


@pytest.mark.parametrize(
    "text",
    [
        "## Applying for leave",
        "Applying for leave",
        "Who may take leave?",
        "[Leave](https://a.b) and [Sick leave](https://c.d)",
        "https://example.org/leave",
        "| plan | price |",
        "```",
        "<!-- leave a comment here -->",
        "Enjoy your leave!",
        "word " * 300,
    ],
)
def test_what_is_no_statement(text: str):
    assert statements(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Leave is granted.",
        "Everybody has 30 days of leave!",
        "Phone: 555 1234",
        "- Submit a request",
        "Read the [handbook](https://a.b) before you travel",
        "Price 29 dollars",
    ],
)
def test_what_is_a_statement(text: str):
    assert len(statements(text)) == 1


def test_list_items_know_the_line_that_introduces_them():
    sentences = read_sentences(
        [
            document(
                "Rules.\n\nBefore leave, be sure to:\n\n1. Ask early\n2. Tell your team. Twice.\n\nThen go.\n- Stray"
            )
        ]
    )
    assert [sentence.text for sentence in sentences] == [
        "Rules.",
        "Before leave, be sure to:",
        "Ask early",
        "Tell your team.",
        "Twice.",
        "Then go.",
        "Stray",
    ]
    assert [sentence.lead_in for sentence in sentences] == [None, None, 1, 1, None, None, None]


def test_lists_do_not_reach_into_the_next_passage():
    first, second = document("Be sure to:", 1), document("- Stray item here", 2)
    assert [sentence.lead_in for sentence in read_sentences([first, second])] == [None, None]


def test_headings_are_context():
    sentences = read_sentences([document("# Pay\nMonthly.\n## Bonus\nYearly.")])
    assert [(sentence.context) for sentence in sentences if sentence.statement] == ["Leave Pay", "Leave Bonus"]


@pytest.mark.parametrize(
    "text",
    [
        '-H "Authorization: Bearer $TOKEN" \\',
        "curl -s localhost:8000/chat",
        '{"message": "How long does it live?"}',
        "- parents",
        "git clone the-repository",
    ],
)
def test_commands_data_and_bare_words_are_no_statements(text: str) -> None:
    assert statements(text) == []


def test_a_short_line_by_itself_is_a_heading_and_names_what_follows() -> None:
    document = Document(
        1, "Chunking", "The size of a chunk\n\nA chunk has at most 200 tokens.\n\nOverlap\n\nThe next repeats 30."
    )
    sentences = read_sentences([document])
    assert [sentence.heading for sentence in sentences] == [True, False, True, False]
    assert sentences[1].context == "Chunking The size of a chunk"
    assert sentences[3].context == "Chunking Overlap"


def test_a_tables_first_row_heads_the_others() -> None:
    text = "Plans.\n\n| plan | messages |\n| --- | --- |\n| free | 100 |\n| pro | 1,000 |\n\nMore.\n\n| alone | 1 |"
    sentences = read_sentences([Document(1, "Plans", text)])
    assert [(one.text, one.header, one.lead_in) for one in sentences if one.row] == [
        ("| plan | messages |", True, None),
        ("| free | 100 |", False, 1),
        ("| pro | 1,000 |", False, 1),
        ("| alone | 1 |", False, None),
    ]
    assert [one.text for one in sentences if one.data] == ["| free | 100 |", "| pro | 1,000 |", "| alone | 1 |"]


def test_a_passage_within_a_table_has_the_first_row_that_it_is_told() -> None:
    rows = Document(1, "Plans", "| pro | 1,000 |\n| free | 100 |", table_header="| plan | messages |")
    assert [(one.text, one.header, one.lead_in) for one in read_sentences([rows])] == [
        ("| plan | messages |", True, None),
        ("| pro | 1,000 |", False, 0),
        ("| free | 100 |", False, 0),
    ]
