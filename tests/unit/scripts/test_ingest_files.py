from pathlib import Path

import pytest

from scripts.api import ApiError
from scripts.ingest import found_files


def test_two_files_that_would_be_one_document_are_both_named(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "docs").mkdir(parents=True)
        (tmp_path / folder / "README.md").write_text(folder)
        (tmp_path / folder / "docs" / "plan.md").write_text(folder)
    for one, other in (
        (tmp_path / "a" / "README.md", tmp_path / "b" / "README.md"),
        (tmp_path / "a" / "docs", tmp_path / "b" / "docs"),
    ):
        with pytest.raises(ApiError) as refused:
            found_files([one, other])
        assert str(one) in str(refused.value)
        assert str(other) in str(refused.value)
    twice = found_files([tmp_path / "a" / "README.md", tmp_path / "a" / ".." / "a" / "README.md"])
    assert twice == [(tmp_path / "a" / "README.md", "README.md")]
    assert [external_id for _, external_id in found_files([tmp_path / "b"])] == ["b/README.md", "b/docs/plan.md"]
