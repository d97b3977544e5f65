from pathlib import Path

import pytest

from libs.config.settings import Settings
from services.chat.answer_cache.revision import code_digest, revision_of


def of(models: tuple[str, ...] = ("extractive",), code: str = "code", **changed: object) -> str:
    return revision_of(Settings(**changed), models, code)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "changed",
    [
        {"chat": {"min_support": 0.6}},
        {"chat": {"floor_allowance": 0.1}},
        {"chat": {"least_confidence": {"normal": 0.3}}},
        {"chat": {"entailment": {"least": 0.6}}},
        {"chat": {"rewrite_s": 0}},
        {"chat": {"moderation": {"url": "http://localhost:1/v1"}}},
        {"retrieval": {"rerank_depth": 7}},
        {"embedding": {"model": "another"}},
        {"embedding": {"backend": "openvino-float32"}},
        {
            "embedding": {
                "remotes": {"elsewhere": {"url": "http://localhost:1", "max_tokens": 512, "revision": "second"}}
            }
        },
        {"models": ("extractive", "qwen")},
        {"code": "newer"},
    ],
)
def test_what_changes_an_answer_changes_the_revision(changed: dict[str, object]):
    assert of(**changed) != of()  # pyright: ignore[reportArgumentType]


def test_the_revision_outlives_a_restart_and_what_changes_no_answer():
    assert of() == of()
    assert of(chat={"bin_days": 7, "heartbeat_s": 3, "answer_cache_s": 60}) == of()


def test_a_new_version_of_the_code_has_another_digest(tmp_path: Path):
    source, data = tmp_path / "rules.py", tmp_path / "weights.json"
    source.write_text("THRESHOLD = 0.5\n")
    data.write_text("[1]")
    first = code_digest([tmp_path])
    assert code_digest([tmp_path]) == first
    data.write_text("[2]")
    second = code_digest([tmp_path])
    source.write_text("THRESHOLD = 0.6\n")
    assert len({first, second, code_digest([tmp_path])}) == 3
