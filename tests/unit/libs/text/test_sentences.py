import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.text.sentences import MAX_SENTENCE, SentenceStream, split_sentences

FRAGMENTS = [
    "The cat sat", "it ran", "Dr", "e.g", "U.S", "No", "etc", "J", "v1.2.3", "3.14", "https://a.b/c?x=1", "README.md",
    ".", "!", "?", "...", "。", "？", "\n", "\n\n", "\r\n", " ", "  ", "\t", "[1]", " [2][3]", "[", "]", "[12", "(", ")",
    '"', "”", "**", "# ", "- ", "1. ", "| a ", "```", "---", "世界", "é", "a" * 70, " " * 90, "." * 90,
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=40).map("".join)


def sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Kosten, z. B. Hotelkosten, u. a. Miete, gelten i. d. R. Stets.",
            ["Kosten, z. B. Hotelkosten, u. a. Miete, gelten i. d. R. Stets."],
        ),
        ("Er kommt im 3. Quartal. Sie wohnt im 2. Stock.", ["Er kommt im 3. Quartal.", "Sie wohnt im 2. Stock."]),
        ("Es endet am 3. Der Antrag folgt.", ["Es endet am 3.", "Der Antrag folgt."]),
        ("It is about Noah and Mio. Players like it.", ["It is about Noah and Mio.", "Players like it."]),
        ("Il libro è mio. Anna lo sa.", ["Il libro è mio.", "Anna lo sa."]),
        ("It binds to SRA. SHARP does too.", ["It binds to SRA.", "SHARP does too."]),
        ("I am 12. Bob is 13.", ["I am 12.", "Bob is 13."]),
        ("Es sind zwei Mio. Euro. Mehr nicht.", ["Es sind zwei Mio. Euro.", "Mehr nicht."]),
        ("Z.B. Anna kommt. Bob nicht.", ["Z.B. Anna kommt.", "Bob nicht."]),
        ("Es sind 1,5 Mio. Euro nach Abs. 2. Mehr nicht.", ["Es sind 1,5 Mio. Euro nach Abs. 2.", "Mehr nicht."]),
        (
            "Choose plan b. It works in group 3. The rest waits.",
            ["Choose plan b.", "It works in group 3.", "The rest waits."],
        ),
        ("Resturlaub verfällt am 31. März. Danach nicht.", ["Resturlaub verfällt am 31. März.", "Danach nicht."]),
        ("It rains. It pours.", ["It rains.", "It pours."]),
        ("Really? Yes! Good…", ["Really?", "Yes!", "Good…"]),
        ("Dr. Smith met Mrs. Jones. They talked.", ["Dr. Smith met Mrs. Jones.", "They talked."]),
        ("Use a cache, e.g. Redis. It helps.", ["Use a cache, e.g. Redis.", "It helps."]),
        ("The U.S. Senate met in the U.S. The law passed.", ["The U.S. Senate met in the U.S.", "The law passed."]),
        ("Call at 5 p.m. Tuesday, etc. Nobody came.", ["Call at 5 p.m. Tuesday, etc. Nobody came."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("See No. 5 and Fig. 3. I said no. 5 came.", ["See No. 5 and Fig. 3.", "I said no. 5 came."]),
        ("It costs $3.50 in v1.2.3. Upgrade now.", ["It costs $3.50 in v1.2.3.", "Upgrade now."]),
        ("Open https://a.b/c?x=1.2. Read README.md. Done.", ["Open https://a.b/c?x=1.2.", "Read README.md.", "Done."]),
        ("Run main.py or Node.js first.", ["Run main.py or Node.js first."]),
        ('"Stop!" he said. "Why?" She left.', ['"Stop!" he said.', '"Why?"', "She left."]),
        ("今天天气很好。你呢？我很好！", ["今天天气很好。", "你呢？", "我很好！"]),
        ("「はい。」と言った。次。", ["「はい。」", "と言った。", "次。"]),
    ],
)
def test_prose(text: str, expected: list[str]):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Setup. Part 1\nRun it.", ["# Setup. Part 1", "Run it."]),
        ("To do:\n- one\n- two. Then rest.\n* three", ["To do:", "- one", "- two.", "Then rest.", "* three"]),
        ("1. First step\n2. Second step", ["1. First step", "2. Second step"]),
        ("| a. B | c |\n| --- | --- |\n| d | e |", ["| a. B | c |", "| --- | --- |", "| d | e |"]),
        ("Name: Ada\nPhone: 12", ["Name: Ada", "Phone: 12"]),
        ("One paragraph\n\nand another", ["One paragraph", "and another"]),
        ("Title\n=====\nText", ["Title", "=====", "Text"]),
        ("A line that ends.\nkubectl starts this one.", ["A line that ends.", "kubectl starts this one."]),
        ("hard  \nbreak", ["hard", "break"]),
        ("windows\r\n\r\nline ends", ["windows", "line ends"]),
    ],
)
def test_blocks_and_line_breaks_are_boundaries(text: str, expected: list[str]):
    assert sentences(text) == expected


def test_wrapped_paragraph_stays_together():
    text = "A sentence that somebody's editor has wrapped at seventy columns, as\nKubernetes pages do, goes on\nhere. Next."
    assert sentences(text) == [text.removesuffix(" Next."), "Next."]
    assert sentences("These groups are\n[off by default](/docs).") == ["These groups are\n[off by default](/docs)."]
    assert sentences("- Follow the\n  [Security guide](/s)\n- Rest") == [
        "- Follow the\n  [Security guide](/s)",
        "- Rest",
    ]


@pytest.mark.parametrize(
    "marked", ["It rains. [1][2]", "It rains [1].", "It rains.[1, 2]", "It rains! [3]", "下雨了。[1]"]
)
def test_citation_markers_stay_with_their_sentence(marked: str):
    assert sentences(f"{marked} Then sun. [4]") == [marked, "Then sun. [4]"]


def test_stream_releases_a_sentence_once_its_end_is_certain():
    stream = SentenceStream()
    assert stream.feed("It rains.") == []  # a marker or a digit may follow
    assert stream.feed(" [1") == []
    assert stream.feed("]") == []
    assert stream.feed(" T") == ["It rains. [1]"]
    assert stream.feed("he U.S") == []
    assert stream.feed(". Sen") == []
    assert stream.feed("ate met.\n\n") == [" The U.S. Senate met."]
    assert stream.close() == ["\n\n"]


def test_stream_can_be_used_again_after_close():
    stream = SentenceStream()
    stream.feed("One. Two")
    stream.close()
    assert stream.feed("Three. Four") == ["Three."]


@given(texts)
def test_spans_are_ordered_and_leave_only_whitespace_out(text: str):
    position = 0
    for span in split_sentences(text):
        assert position <= span.start < span.end <= len(text)
        assert not text[position : span.start].strip()
        sentence = text[span.start : span.end]
        assert sentence == sentence.strip()
        assert len(sentence) <= MAX_SENTENCE + 200
        position = span.end
    assert not text[position:].strip()


@given(texts, st.data())
def test_stream_output_is_the_input_and_does_not_depend_on_chopping(text: str, data: st.DataObject):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    stream = SentenceStream()
    pieces: list[str] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        pieces += stream.feed(text[start:end])
    pieces += stream.close()
    assert "".join(pieces) == text
    assert [piece.strip() for piece in pieces if piece.strip()] == sentences(text)


@given(texts)
def test_one_character_at_a_time(text: str):
    stream = SentenceStream()
    pieces = [piece for character in text for piece in stream.feed(character)] + stream.close()
    assert "".join(pieces) == text
    assert [piece.strip() for piece in pieces if piece.strip()] == sentences(text)


@pytest.mark.parametrize("unit", ["word ", "a", "。a", "e.g. ", "x\n"])
def test_text_without_end_is_cut_in_bounded_pieces(unit: str):
    text = unit * (20_000 // len(unit))
    stream = SentenceStream()
    pieces = [piece for start in range(0, len(text), 7) for piece in stream.feed(text[start : start + 7])]
    pieces += stream.close()
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= MAX_SENTENCE + 200
