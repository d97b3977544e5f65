from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.packing import NAME_BYTES, unpackable


def test_a_name_that_is_too_long_for_a_file_is_shortened_between_letters_and_keeps_its_ending(tmp_path: Path):
    for name in ("ü" * 300 + ".docx", "報告" * 200 + ".pdf", "a" * 255 + ".html"):
        short = unpackable(name)
        (tmp_path / short).write_bytes(b"")
        assert short.endswith(Path(name).suffix)
        assert name.startswith(short.removesuffix(Path(name).suffix))


def test_a_name_that_fits_keeps_its_words():
    assert unpackable("../pool:1.html") == "pool 1.html"
    assert unpackable("Q3 report (final).xlsx") == "Q3 report (final).xlsx"
    assert unpackable(" ../.. ") == "untitled"


@given(st.text(max_size=400).map(lambda text: text.encode(errors="ignore").decode()))
def test_every_name_is_one_name_of_bounded_length(name: str):
    short = unpackable(name)
    assert 0 < len(short.encode()) <= NAME_BYTES
    assert not {"/", "\\", "\0"} & set(short)
    assert short.strip(" .") == short
