import numpy as np
import pytest

from libs.text.stems import reading_in
from services.generation.engines.lexical import content_terms
from services.generation.engines.passages import Sentence, read_sentences
from services.generation.engines.selection import Scored, select
from services.generation.ports import Document

QUESTION = "How does fusion join two lists?"
FUSION = Document(
    1, "Fusion", "Fusion uses only the ranks. Each list gives a passage its share. Scores have other scales."
)
# Like the vectors of sentences below one heading, which is half of what is embedded.
ALIKE = np.array([1.0, 0.0], dtype=np.float32)


def scored(sentences: list[Sentence], *supports: float, vector: np.ndarray | None = ALIKE) -> list[Scored]:
    return [
        Scored(place, support, support, content_terms(sentences[place].text), vector)
        for place, support in enumerate(supports)
    ]


def test_sentences_below_one_heading_are_told_apart_by_their_words():
    sentences = read_sentences([FUSION])
    assert select(QUESTION, sentences, scored(sentences, 0.60, 0.58, 0.57), None) == [0, 1, 2]


def test_alike_in_another_document_is_said_once():
    sentences = read_sentences([Document(1, "Fusion", "It uses ranks."), Document(2, "Ranks", "Only places count.")])
    assert select(QUESTION, sentences, scored(sentences, 0.60, 0.58), None) == [0]


def test_the_same_words_below_one_heading_are_said_once():
    sentences = read_sentences([Document(1, "Fusion", "Fusion uses ranks. A list. Fusion uses ranks.")])
    assert select(QUESTION, sentences, scored(sentences, 0.60, 0.1, 0.58), None) == [0]


def test_of_two_near_ties_the_one_beside_what_is_said_is_said_next():
    elsewhere = Document(2, "Search", "A search joins its lists at the end.")
    sentences = read_sentences([FUSION, elsewhere])
    candidates = scored(sentences, 0.60, 0.58, 0.1, 0.59, vector=None)
    assert select(QUESTION, sentences, candidates, 2) == [0, 1]
    further = scored(sentences, 0.60, 0.54, 0.1, 0.59, vector=None)
    assert select(QUESTION, sentences, further, 2) == [0, 3]


@pytest.mark.parametrize(
    ("language", "question", "most"),
    [
        ("de", "Wie lang ist die Probezeit?", 2),
        ("de", "Bis wann sind Belege einzureichen?", 2),
        ("de", "Warum gibt es eine Probezeit?", 3),
        ("fr", "Jusqu’à quand dure la période d'essai ?", 2),
        ("es", "¿Cuánto dura el período de prueba?", 2),
        ("en", "How does fusion join two lists?", 3),
        ("en", "When does fusion join two lists?", 2),
    ],
)
def test_what_is_looked_up_is_told_in_two_sentences(language: str, question: str, most: int):
    sentences = read_sentences([FUSION])
    with reading_in(language):
        assert len(select(question, sentences, scored(sentences, 0.60, 0.58, 0.57), None)) == most
