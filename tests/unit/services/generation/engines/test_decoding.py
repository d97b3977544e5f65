from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.generation.engines.decoding import AnswerText, DecodedToken, Detokenizer, StopStrings
from services.generation.ports import TokenLogprob


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


def told(data: str) -> list[DecodedToken]:
    """A token a byte, each with a logprob of its own."""
    return [DecodedToken(byte, TokenLogprob(decode([byte]), -float(at))) for at, byte in enumerate(data.encode())]


def test_the_tokens_of_one_character_come_with_it():
    answer = AnswerText(decode, [])
    tokens = told("a你b")
    shown = [answer.push([token]) for token in tokens]
    assert [(part.text, len(part.logprobs)) for part in shown] == [("a", 1), ("", 0), ("", 0), ("你", 3), ("b", 1)]


def test_logprobs_wait_while_their_text_may_be_a_stop_string():
    answer = AnswerText(decode, ["END"])
    assert [answer.push([token]).text for token in told("aEN")] == ["a", "", ""]
    given_back = answer.push(told("x"))
    assert (given_back.text, len(given_back.logprobs)) == ("ENx", 3)


def test_logprobs_of_what_a_stop_string_cuts_off_never_come():
    answer = AnswerText(decode, ["END"])
    shown = answer.push(told("one END two"))
    assert answer.stopped
    assert (shown.text, "".join(entry.token for entry in shown.logprobs)) == ("one ", "one ")
    assert answer.close().text == ""


@given(st.text(), st.lists(st.text(min_size=1, max_size=3), max_size=2), st.integers(1, 4))
def test_logprobs_are_those_of_the_text_whatever_the_pieces(text: str, stop: list[str], size: int):
    answer = AnswerText(decode, stop)
    tokens = told(text.encode("utf-8", "replace").decode())
    shown = [answer.push(tokens[start : start + size]) for start in range(0, len(tokens), size)]
    shown.append(answer.close())
    whole = "".join(part.text for part in shown)
    logprobs = [entry for part in shown for entry in part.logprobs]
    assert logprobs == [token.logprob for token in tokens[: len(whole.encode())]]
    assert all(part.text for part in shown if part.logprobs)
    assert not any(string in whole for string in stop)
