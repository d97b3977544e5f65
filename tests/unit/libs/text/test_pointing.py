import pytest

from libs.text.pointing import points_back
from libs.text.stems import reading_in


@pytest.mark.parametrize(
    ("language", "sentence", "expected"),
    [
        ("de", "Dieser Betrag ist zurückzuzahlen.", True),
        ("de", "Er verfällt danach.", True),
        ("de", "Erstattet wird alles.", False),
        ("de", "Sie müssen Belege einreichen.", False),
        ("fr", "Cette indemnité est versée.", True),
        ("fr", "Les repas sont remboursés.", False),
        ("es", "Este importe se devuelve.", True),
        ("it", "Questo importo va reso.", True),
        ("nl", "Dit bedrag wordt terugbetaald.", True),
        ("pt", "Esse valor é devolvido.", True),
        ("en", "Er is Dutch.", False),
    ],
)
def test_sentences_that_open_with_what_was_said_before(language: str, sentence: str, expected: bool):
    with reading_in(language):
        assert points_back(sentence) is expected
