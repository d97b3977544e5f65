import pytest

from libs.contracts.errors import FootnoteError
from services.knowledge.glossary.forms import entries_of_csv


def test_a_spreadsheets_csv():
    body = '\ufeffTerm,Means,Note\r\nPTO,"paid time off; annual leave",\r\n"R&D",research,"said ""are and dee"""\r\n'
    assert entries_of_csv(body.encode()) == [
        {"term": "PTO", "means": ["paid time off", "annual leave"]},
        {"term": "R&D", "means": ["research"], "note": 'said "are and dee"'},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"term\nPTO\n",
        b"term,means,colour\nPTO,leave,red\n",
        b"term,term,means\nPTO,PTO,leave\n",
        b"term,means\nPTO\n",
        b"term,means\nPTO,leave,more\n",
        b'term,means\n"PTO,leave\n',
        b"term,means\n\xff\xfe,leave\n",
    ],
)
def test_what_is_no_glossary(body: bytes):
    with pytest.raises(FootnoteError) as error:
        entries_of_csv(body)
    assert error.value.status == 422
