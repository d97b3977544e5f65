import json
from pathlib import Path

import pytest

from scripts.api import ApiError
from scripts.evaluate.dataset import read_dataset


def collection(folder: Path, **files: str) -> Path:
    contents = {
        "corpus.jsonl": json.dumps({"_id": "d1", "title": "One", "text": "Text."}),
        "public/queries.jsonl": json.dumps({"_id": "q1", "text": "What?"})
        + "\n\n"
        + json.dumps({"_id": "q2", "text": "Hm?"}),
        "public/qrels.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td1\t0\n",
    } | {
        name.replace("__", "/").replace("_jsonl", ".jsonl").replace("_tsv", ".tsv"): text
        for name, text in files.items()
    }
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_questions_without_a_relevant_document_are_left_out(tmp_path: Path):
    dataset = read_dataset(collection(tmp_path), None)
    assert [document.id for document in dataset.documents] == ["d1"]
    assert [(query.id, query.relevant) for query in dataset.questions] == [("q1", {"d1": 1})]
    assert read_dataset(tmp_path, "public") == dataset


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"corpus_jsonl": "{}"}, "corpus.jsonl, line 1: '_id' is missing"),
        ({"corpus_jsonl": "nonsense"}, "corpus.jsonl, line 1: not JSON"),
        ({"corpus_jsonl": "[1]"}, "line 1: not an object"),
        ({"corpus_jsonl": "\n"}, "has no documents"),
        ({"public__qrels_tsv": "header\nq1\td1\tmuch\n"}, "qrels.tsv, line 2"),
        ({"public__qrels_tsv": "header\n"}, "no question with a relevant document"),
    ],
)
def test_a_broken_collection_is_refused_with_its_place(tmp_path: Path, files: dict[str, str], said: str):
    with pytest.raises(ApiError) as refused:
        read_dataset(collection(tmp_path, **files), None)
    assert said in str(refused.value)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(ApiError, match=r"nowhere.*can't be read"):
        read_dataset(tmp_path / "nowhere", None)
