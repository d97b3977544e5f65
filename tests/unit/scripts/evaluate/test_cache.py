import json

import numpy as np
import pytest

from scripts.api import ApiError
from scripts.evaluate.cache import PARAPHRASES, Found, read_reworded
from services.chat.answer_cache.near import NearQuestion, candidates_of, nearest


def test_our_wordings_are_many_and_each_question_has_one():
    rows = [json.loads(line) for line in PARAPHRASES.read_text().splitlines()]
    assert len(rows) >= 200
    assert len({row["query_id"] for row in rows}) == len(rows)
    assert all(row["text"].strip() for row in rows)


def test_questions_on_one_document_are_in_one_half(tmp_path):
    file = tmp_path / "reworded.jsonl"
    rows = [{"query_id": name, "text": f"Question {name}?"} for name in ("a1", "a2", "b1", "c1", "unknown")]
    file.write_text("\n".join(map(json.dumps, rows)))
    reworded = read_reworded(file, {"a1": "a", "a2": "a", "b1": "b", "c1": "c", "d1": "d"})
    assert [(one.question_id, one.half) for one in reworded] == [("a1", 0), ("a2", 0), ("b1", 1), ("c1", 0)]
    with pytest.raises(ApiError, match="no wording"):
        read_reworded(file, {"z": "z"})


def test_the_worse_way_to_be_wrong_counts():
    assert Found("all", asked=200, hits=110, wrong=1, wrong_without_own=4).wrong_rate == 0.02


def test_a_thousand_questions_that_are_all_alike_are_read_only_so_far():
    vector = np.array([1, 0], np.float32)
    kept = [NearQuestion(f"a:{number}", "s", f"Who bought mill {number}?", vector) for number in range(1000)]
    found = nearest("Who bought mill 999?", vector, candidates_of(kept))
    assert found is not None
    assert found.difference
