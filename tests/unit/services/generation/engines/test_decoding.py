from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.generation.engines.decoding import Detokenizer, StopStrings


def decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


@given(st.text(), st.integers(1, 5))
def test_pieces_are_whole_characters_and_join_to_the_text(text: str, size: int):
    ids = list(text.encode("utf-8", "replace"))
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.push(ids[start : start + size]) for start in range(0, len(ids), size)]
    pieces.append(detokenizer.close())
    assert "".join(pieces) == decode(ids)
    assert not any("\ufffd" in piece for piece in pieces if "\ufffd" not in text)


def test_bytes_that_never_become_a_character_are_not_held_back_for_ever():
    detokenizer = Detokenizer(decode)
    assert any(detokenizer.push([0x80]) for _ in range(20))


def test_an_unfinished_character_comes_out_at_the_end():
    detokenizer = Detokenizer(decode)
    assert detokenizer.push([0xF0, 0x9F]) == ""
    assert detokenizer.close() == "\ufffd"


def test_text_ends_before_the_first_stop_string():
    stop = StopStrings(["END", "\n\n"])
    assert stop.push("one E") == "one "
    assert stop.push("AR\n") == "EAR"
    assert stop.push("\nrest") == ""
    assert stop.met


def test_what_only_looked_like_a_stop_string_is_given_back():
    stop = StopStrings(["STOP"])
    assert stop.push("the ST") == "the "
    assert stop.close() == "ST"
    assert not stop.met


@given(
    st.text(alphabet="abc", max_size=40), st.lists(st.text(alphabet="abc", max_size=3), max_size=3), st.integers(1, 5)
)
def test_stop_strings_do_not_depend_on_chopping(text: str, stops: list[str], size: int):
    ends = [at for at in (text.find(string) for string in stops if string) if at >= 0]
    stop, shown = StopStrings(stops), ""
    for start in range(0, len(text), size):
        shown += stop.push(text[start : start + size])
        if stop.met:
            break
    shown += "" if stop.met else stop.close()
    if not ends:
        assert shown == text
    else:
        assert stop.met
        assert text.startswith(shown)
        assert not any(string in shown for string in stops if string)
