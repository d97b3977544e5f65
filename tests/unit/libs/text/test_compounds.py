import pytest

from libs.text.compounds import found_among
from libs.text.stems import reading_in
from libs.text.words import content_stems


@pytest.mark.parametrize(
    ("language", "asked", "text", "found"),
    [
        ("de", "Hotel Rechnung", "Hotelkosten sind zu belegen.", "Hotel"),
        ("de", "Frist", "Die Kündigungsfrist gilt.", "Frist"),
        ("de", "Urlaubstage", "Dreißig Arbeitstage Erholungsurlaub im Jahr.", "Urlaubstage"),
        ("de", "Urlaubstage", "Der Urlaub ist kurz.", ""),
        ("de", "Betriebskindergarten", "Dringende betriebliche Gründe.", ""),
        ("de", "krankmelden", "Wer krank ist, meldet sich.", "krankmelden"),
        ("de", "Rat", "Der Monat beginnt.", ""),
        ("nl", "opzegtermijn", "De termijn van het opzeggen is kort.", "opzegtermijn"),
        ("en", "broad", "Broadcasts are long.", ""),
    ],
)
def test_what_is_found_of_the_asked_words(language: str, asked: str, text: str, found: str):
    with reading_in(language):
        assert found_among(content_stems(asked), content_stems(text)) == content_stems(found)


@pytest.mark.parametrize("asked", ["abcdefghij" * 3_200, " ".join(f"abcdef{place}ghijk" for place in range(2_000))])
def test_a_hostile_question_costs_no_more_than_its_length(asked: str):
    with reading_in("de"):
        stems = content_stems(" ".join(f"wort{place}teil" for place in range(400)) + " wortteil" * 20)
        for _ in range(20):
            assert found_among(asked.split(), stems) == frozenset()
