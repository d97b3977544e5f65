import pytest

from libs.evaluation.folder_format import FormatError, judgements, question_set

QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td1\t0\n"


def test_questions_come_with_their_judgements_and_those_without_are_left_out():
    made = question_set("Name", '{"_id": "q1", "text": "What?"}\n\n{"_id": "q2", "text": "Hm?"}', QRELS)
    assert [(one.id, one.query) for one in made.questions] == [("q1", "What?")]
    assert [(one.external_id, one.grade) for one in made.questions[0].relevant] == [("d1", 2), ("d2", 0)]


@pytest.mark.parametrize(
    ("queries", "qrels", "part", "said"),
    [
        ('{"_id": "q1"}', QRELS, "queries", "line 1"),
        ('{"_id": "q1", "text": "x"}', "h\nq1\td\tmuch\n", "qrels", "line 2"),
        ('{"_id": "q1", "text": "x"}', "h\nq1\td\t11\n", "qrels", "grade"),
        ('{"_id": "q1", "text": " "}', QRELS, "queries", "'q1' (line 1 of the queries): query"),
        ("[" * 100_000, QRELS, "queries", "line 1: not JSON"),
        ('{"_id": "other", "text": "x"}', QRELS, "queries", "no question"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(queries: str, qrels: str, part: str, said: str):
    with pytest.raises(FormatError) as refused:
        question_set("Name", queries, qrels)
    assert refused.value.part == part
    assert said in str(refused.value)


def test_a_field_longer_than_the_reader_takes_is_an_error_of_its_line():
    with pytest.raises(FormatError, match="line 2"):
        judgements("h\n" + "x" * 200_000 + "\td\t1\n")
