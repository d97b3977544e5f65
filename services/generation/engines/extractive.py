"""The extractive composer: the sources' own sentences, chosen for the question, each with its citation.

It needs no weights, answers at once and can't invent anything, which makes it the floor under every other engine.
"""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from libs.text.compounds import found_among
from libs.text.names import Mentions, names_in
from libs.text.stems import reading_in
from services.generation.engines.answer_kinds import Offers
from services.generation.engines.decoding import StopStrings
from services.generation.engines.definitions import defined_terms, names_what_is_defined
from services.generation.engines.lexical import QuestionTerms, content_terms
from services.generation.engines.passages import Sentence, read_sentences
from services.generation.engines.quantities import asks_for_quantity, tells_quantity
from services.generation.engines.selection import Scored, select, unit
from services.generation.ports import Document, Event, Finished, GenerationRequest, PromptTooLongError, TextDelta

# Rows are unit length, (n, dim) float32.
Embed = Callable[[list[str]], Awaitable[NDArray[np.float32]]]

# What a sentence loses whose passage mentions none of the names in the question; some of them, its share.
ABSENT_NAMES_COST = 0.2
# What a sentence gains that tells a name, a date, a place, a sum or a number where the question asks for one.
OFFER = 0.1
# What the first passage's sentences gain over the last's: retrieval's order breaks near ties and no more.
RANK_PRIOR = 0.05
# A shorter question may well stand in its own answer.
SHORTEST_QUOTED_QUESTION = 12
# Embedded at most, picked by their words: eight passages of 200 tokens have about as many.
MAX_EMBEDDED = 48
# What can be read in a few tenths of a second, in which nobody else is answered: words and marks of the passages,
# characters of them and of the question. Chat asks in at most 2,000, with passages of a few thousand words.
CONTEXT_TOKENS = 32_768
CHARACTERS_PER_TOKEN = 4
MOST_CHARACTERS = 2 * CHARACTERS_PER_TOKEN * CONTEXT_TOKENS
QUESTION_CHARACTERS = 8_000

_TOKEN = re.compile(r"\w+|[^\w\s]")
_log = logging.getLogger(__name__)


class ExtractiveEngine:
    """Ignores temperature, seed and every message but the last of the user's, of which it reads the beginning.

    An empty answer means: no support.
    """

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    @property
    def model_id(self) -> str:
        return "extractive"

    @property
    def context_length(self) -> int:
        return CONTEXT_TOKENS

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        question = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
        question = question[:QUESTION_CHARACTERS]
        prompt_tokens = _prompt_tokens(question, request.documents)
        sentences = read_sentences(request.documents)
        budget, stop, reason = request.sampling.max_tokens, StopStrings(request.sampling.stop), "stop"
        written = 0
        with reading_in(request.language):
            chosen = await self._choose(question, sentences, request.max_sentences)
        for text in _composed(sentences, chosen):
            if written + _count(text) > budget:
                reason = "length"
                break
            written += _count(text)
            if shown := stop.push(text):
                yield TextDelta(shown)
            if stop.met:
                break
        if held := stop.close():
            yield TextDelta(held)
        yield Finished("length" if reason == "length" else "stop", prompt_tokens, written)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and punctuation marks."""
        return [_count(text) for text in texts]

    async def _choose(self, question: str, sentences: list[Sentence], most: int | None) -> list[int]:
        """The places of the sentences to say, in the order in which to say them."""
        lists = {sentence.lead_in for sentence in sentences}
        statements = [
            place
            for place, sentence in enumerate(sentences)
            if sentence.statement
            and (not sentence.introduces_list or place in lists)
            and not _repeats(question, sentence.text)
        ]
        asked = content_terms(question)
        # They have no grammar that would tell what they are about: they must name all that was asked.
        others = [
            place
            for place, sentence in enumerate(sentences)
            if sentence.data
            and asked <= found_among(asked, content_terms(f"{_around(sentences, place)} {sentence.text}"))
        ]
        for places in (statements, others):  # rows and links only where nothing is said in sentences
            scored = await self._score(question, sentences, places)
            chosen = select(question, sentences, scored, most)
            if chosen:
                return chosen
        return []

    async def _score(self, question: str, sentences: list[Sentence], places: list[int]) -> list[Scored]:
        if asks_for_quantity(question):
            places = [place for place in places if tells_quantity(question, _said_with(sentences, place))]
        if not places or not question.strip():
            return []
        terms = {place: content_terms(sentences[place].text) for place in places}
        around = {place: content_terms(_around(sentences, place)) for place in places}
        weighted = QuestionTerms(question, list(terms.values()))
        documents = 1 + max(sentences[place].document for place in places)
        defined = defined_terms(question)
        places = [place for place in places if names_what_is_defined(defined, terms[place], around[place])]
        coverage = {place: weighted.coverage(terms[place], around[place]) for place in places}
        prior = {place: RANK_PRIOR * (1 - sentences[place].document / documents) for place in places}
        places = sorted(places, key=lambda place: coverage[place] + prior[place], reverse=True)[:MAX_EMBEDDED]
        vectors = await self._vectors(question, sentences, places)
        absent = _absent_names(question, sentences, places)
        offers = Offers(question)
        scored: list[Scored] = []
        for row, place in enumerate(places, start=1):
            vector = None if vectors is None else vectors[row]
            support = coverage[place]
            if vectors is not None and vector is not None:
                support = (support + max(float(vectors[0] @ vector), 0.0)) / 2
            support -= ABSENT_NAMES_COST * absent[sentences[place].document]
            offered = OFFER * offers.by(_said_with(sentences, place))
            scored.append(Scored(place, support, support + prior[place] + offered, terms[place], vector))
        return scored

    async def _vectors(self, question: str, sentences: list[Sentence], places: list[int]) -> NDArray[np.float32] | None:
        """The question's vector, then a row for each place; None where embedding fails."""
        texts = [f"{_around(sentences, place)}: {sentences[place].text}" for place in places]
        try:
            return await self._embed([question, *texts])
        except Exception:  # noqa: BLE001 - whatever is wrong there, words still answer
            _log.warning("embedding failed; the extractive answer rests on words alone", exc_info=True)
            return None


def _absent_names(question: str, sentences: list[Sentence], places: list[int]) -> dict[int, float]:
    """By document, the share of the question's names that its passage, title and headings don't mention."""
    named = {sentences[place].document for place in places}
    names = names_in(question)
    if not names:
        return dict.fromkeys(named, 0.0)
    absent: dict[int, float] = {}
    for document in named:
        of_document = (one for one in sentences if one.document == document)
        mentioned = Mentions(" ".join(f"{one.context} {one.text}" for one in of_document))
        absent[document] = sum(name not in mentioned for name in names) / len(names)
    return absent


def _repeats(question: str, text: str) -> bool:
    """Whether the text quotes the question: an example of asking it isn't an answer to it."""
    asked = question.strip().casefold()
    return len(asked) > SHORTEST_QUOTED_QUESTION and asked in text.casefold()


def _around(sentences: list[Sentence], place: int) -> str:
    """What a reader of the sentence has read just before: title, heading, what opens its list or heads its table."""
    sentence = sentences[place]
    lead_in = "" if sentence.lead_in is None else f" {sentences[sentence.lead_in].text}"
    return sentence.context + lead_in


def _said_with(sentences: list[Sentence], place: int) -> str:
    return " ".join(sentences[other].text for other in unit(sentences, place))


def _composed(sentences: list[Sentence], places: list[int]) -> Iterator[str]:
    """The answer in pieces: each a sentence with its marker, and before it what keeps it apart from the last.

    A reader of the answer must find the same sentences in it again, so one without a full stop ends with its line.
    """
    previous: Sentence | None = None
    for place in places:
        sentence = sentences[place]
        listed = sentence.lead_in is not None and sentence.lead_in in places
        if previous is None:
            apart = ""
        elif listed and sentence.row:
            apart = "\n"
        elif listed:
            apart = "\n- "
        elif previous.terminated and not previous.item and not previous.introduces_list:
            apart = " "
        else:
            apart = "\n\n"
        yield f"{apart}{sentence.text} [{sentence.document_id}]"
        previous = sentence


def _prompt_tokens(question: str, documents: Sequence[Document]) -> int:
    """Raises PromptTooLongError."""
    texts = [text for document in documents for text in (document.title, document.text, document.table_header or "")]
    characters = sum(map(len, texts))
    if characters > MOST_CHARACTERS:
        raise PromptTooLongError(characters // CHARACTERS_PER_TOKEN, CONTEXT_TOKENS, roughly="about ")
    tokens = sum(map(_count, [question, *(document.text for document in documents)]))
    if tokens > CONTEXT_TOKENS:
        raise PromptTooLongError(tokens, CONTEXT_TOKENS)
    return tokens


def _count(text: str) -> int:
    return len(_TOKEN.findall(text))
