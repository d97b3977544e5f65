"""A question's way to its answer: quota, retrieval, generation, grounding."""

import asyncio
from dataclasses import replace
from uuid import UUID

from libs.clients.context import current_context
from libs.clients.generation import GenerationClient
from libs.clients.knowledge import KnowledgeClient
from libs.config.settings import Settings
from libs.contracts.chat import ChatRequest, Outcome, SessionEvent, Source, SourcesEvent
from libs.contracts.completions import CompletionRequest
from libs.contracts.errors import deadline_exceeded
from libs.contracts.identity import Subject
from libs.contracts.knowledge import RetrievalRequest, RetrievalResponse
from libs.text.small_talk import small_talk
from libs.text.stems import reading_in
from services.chat import evidence
from services.chat.answer_cache.cache import AnswerCache
from services.chat.answerability.judge import Answerability
from services.chat.draft import Draft, Question
from services.chat.events import Publish, said_again
from services.chat.explanation import KEPT_ANSWER
from services.chat.generating import DEFAULT, EXTRACTIVE, Generation
from services.chat.generators import Generators
from services.chat.grounded import GroundedAnswer
from services.chat.grounding.entailment import Entailment
from services.chat.grounding.grounder import Grounder
from services.chat.grounding.repetition import LastAnswer, last_answer
from services.chat.names import unmentioned_names
from services.chat.ports import Embedder, EntailmentModel
from services.chat.preparation import Preparation
from services.chat.prompt import (
    answer_tokens,
    conversation_messages,
    documents,
    fitting,
    grounded_messages,
)
from services.chat.quota import Quota
from services.chat.replies import abstain, invite
from services.chat.safety.guard import Guard, refuse
from services.chat.safety.screening import shown_to_generator
from services.chat.understanding import LANGUAGE, Understanding, spoken_in
from services.chat.ungrounded import say_unchecked
from services.chat.wording import in_the_documents_words

# In `degraded`: a model was asked for, and the organisation has its answers written from the sources' words alone.
POLICY_MODE = "policy_mode"
# The allowance with which a generated answer goes out wherever it has support.
ANY_SUPPORTED = 1.0


class Answerer:
    """Makes answers. What it has said, and how, stands in the draft also when it is cancelled on the way."""

    def __init__(
        self,
        settings: Settings,
        quota: Quota,
        knowledge: KnowledgeClient,
        generation: GenerationClient,
        embedder: Embedder,
        guard: Guard,
        cache: AnswerCache,
        entailing: EntailmentModel | None = None,
    ) -> None:
        """`entailing` is there where the operator has configured such a model, loaded or not."""
        self._entailing = entailing
        self._settings = settings
        self._quota = quota
        self._knowledge = knowledge
        self._generation = generation
        self._embedder = embedder
        self._guard = guard
        self._generators = Generators(generation)
        self._understanding = Understanding(settings, generation, self._generators, guard.stand_ins)
        self._cache = cache

    async def check_model(self, request: ChatRequest) -> None:
        """Raises 404 MODEL_NOT_FOUND, and 422 NO_GENERATOR for a question that only a generator could answer."""
        await self._generators.check(request, self._quota)

    def prepare(self, subject: Subject, request: ChatRequest, reservation_id: UUID) -> Preparation:
        """What is needed of other services in any case; neither part needs the other, or the stored question."""
        return Preparation(
            reservation_id,
            asyncio.create_task(self._quota.reserve(subject, reservation_id, request.max_tokens)),
            # Read before anything is retrieved.
            asyncio.create_task(self._cache.standing(subject, request)),
        )

    async def answer(self, question: Question, draft: Draft, publish: Publish, prepared: Preparation) -> None:
        """Raises FootnoteError; 504 where the deadline passes before anything is said."""
        await self._guard.moderated(
            question, draft, publish, lambda let_out: self._in_time(question, draft, let_out, prepared)
        )

    async def _in_time(self, question: Question, draft: Draft, publish: Publish, prepared: Preparation) -> None:
        remaining = current_context().remaining_s()
        try:
            async with asyncio.timeout(remaining):
                await self._answer(question, draft, publish, prepared)
        except TimeoutError as error:
            if not draft.said.text:
                raise deadline_exceeded("chat") from error
            draft.finish_reason = "deadline"
            draft.degrade("deadline")
        finally:
            _tell_language(draft)

    async def _answer(self, question: Question, draft: Draft, publish: Publish, prepared: Preparation) -> None:
        request = question.request
        with draft.trace.step("reserve") as step:
            granted, standing = await prepared.ready()
            step["max_tokens"] = granted.max_tokens
        draft.plan = granted.plan
        draft.degrade(*granted.degraded)
        max_tokens = answer_tokens(granted.max_tokens, self._settings.generation.context_tokens)
        start = SessionEvent(session_id=question.session_id, message_id=question.answer_id)
        question = self._understanding.heard(question, draft)
        refusal = await self._guard.refusal(question, draft)
        if refusal is None and request.enable_rag and (language := small_talk(request.message)):
            invite(draft, publish, start, language)
            return
        if refusal is None:
            question = await self._understanding.understood(question, draft)
            refusal = self._guard.refusal_of_personal_data(question, draft)
        if refusal:
            publish(start)
            refuse(draft, publish, refusal)
            return
        if not request.enable_rag:
            publish(start)
            publish(SourcesEvent(sources=[]))
            await self._unchecked(question, draft, publish, max_tokens)
            return
        kept = await self._cache.find(question, standing, granted, draft)
        if kept:
            draft.take(kept)
            # Which answer that was, nobody else may know: it may be a colleague's.
            draft.trace.add(KEPT_ANSWER, made_at=kept.kept_at.isoformat(timespec="minutes"))
            for event in said_again(start, kept):
                publish(event)
            return
        with reading_in(question.asked_in):
            await self._from_documents(question, draft, publish, start, max_tokens)

    async def _from_documents(
        self, question: Question, draft: Draft, publish: Publish, start: SessionEvent, max_tokens: int
    ) -> None:
        retrieval = self._guard.screen(question, draft, await self._retrieve(question, draft))
        question = self._reworded(question, draft, retrieval)
        form = await self._understanding.form(question, draft, retrieval.passages)
        draft.sources = self._fit(question, draft, retrieval, max_tokens, form)
        publish(start)
        publish(SourcesEvent(sources=draft.sources))
        if draft.sources and self._evident(question, draft, retrieval):
            await self._grounded(replace(question, form=form), draft, publish, max_tokens)
        if not draft.said.text:
            abstain(draft, publish)

    async def _retrieve(self, question: Question, draft: Draft) -> RetrievalResponse:
        with draft.trace.step("retrieve") as step:
            retrieval = await self._knowledge.retrieve(
                RetrievalRequest(
                    query=question.text,
                    filters=question.request.filters,
                    unsaid=self._guard.unsaid(question),
                )
            )
            step["strategy"] = retrieval.strategy_used
            step["knowledge_version"] = retrieval.knowledge_version
            step["degraded"] = retrieval.degraded
        for found in retrieval.trace:
            draft.trace.add(
                f"retrieve.{found.get('step', 'search')}", **{key: found[key] for key in found if key != "step"}
            )
        draft.degrade(*retrieval.degraded)
        return retrieval

    def _reworded(self, question: Question, draft: Draft, retrieval: RetrievalResponse) -> Question:
        text = in_the_documents_words(question.text, retrieval.expansions, retrieval.passages)
        if text != question.text:
            draft.trace.add("glossary", understood_as=text)
        return replace(question, text=text)

    def _fit(
        self, question: Question, draft: Draft, retrieval: RetrievalResponse, max_tokens: int, form: str
    ) -> list[Source]:
        sources, left_out = fitting(
            retrieval.passages, question.text, max_tokens, self._settings.generation.context_tokens, form
        )
        numbers = {source.chunk_id: source.n for source in sources}
        draft.trace.add(
            "prompt",
            passages=[
                {
                    "n": numbers.get(passage.chunk_id),
                    "chunk_id": str(passage.chunk_id),
                    "document_id": str(passage.document_id),
                    "title": passage.title,
                    "score": passage.score,
                    "similarity": passage.similarity,
                    "tokens": passage.token_count,
                    **({"cut": "no room in the prompt"} if passage in left_out else {}),
                }
                for passage in retrieval.passages
            ],
        )
        return sources

    def _evident(self, question: Question, draft: Draft, retrieval: RetrievalResponse) -> bool:
        draft.evidence = evidence.evidence(question.text, retrieval.passages)
        unmentioned = unmentioned_names(question.text, retrieval.passages)
        enough = not unmentioned and not evidence.too_weak(draft.evidence, retrieval.passages)
        draft.trace.add("evidence", score=round(draft.evidence, 4), unmentioned_names=unmentioned, enough=enough)
        return enough

    async def _grounded(self, question: Question, draft: Draft, publish: Publish, max_tokens: int) -> None:
        chat = self._settings.chat
        mark = question.policy.unsupported == "mark"
        embedder, entailing = self._guard.hiding(question, self._embedder, self._entailing)
        entailment = Entailment(entailing, chat.entailment) if entailing else None
        last = _last_answer(question)
        grounder = Grounder(
            question.text, draft.material, embedder, chat.min_support, mark=mark, entailment=entailment, last=last
        )

        def generate(model: str) -> Generation:
            return self._generate(question, draft, model, max_tokens)

        least = chat.least_confidence.of(question.policy.caution)
        answerability = Answerability(question.text, draft.material, embedder, least)
        answer = GroundedAnswer(draft, grounder, answerability, publish, generate, self._allowance)
        await answer.speak(self._model(question, draft))

    async def _allowance(self, model: str) -> float:
        """What a model's answer may be worth less than the extractive one."""
        writer = await self._generators.generator(model)
        return ANY_SUPPORTED if writer and writer.upstream else self._settings.chat.floor_allowance

    def _model(self, question: Question, draft: Draft) -> str:
        asked = question.request.model or DEFAULT
        if question.policy.mode != "extractive":
            return asked
        if asked not in {DEFAULT, EXTRACTIVE}:
            draft.degrade(POLICY_MODE)
        return EXTRACTIVE

    def _generate(self, question: Question, draft: Draft, model: str, max_tokens: int) -> Generation:
        read = [shown_to_generator(source) for source in draft.material]
        return Generation(
            self._generation,
            CompletionRequest(
                model=model,
                messages=grounded_messages(question.text, read, question.form),
                documents=documents(read),
                max_sentences=question.wishes.sentences,
                language=question.asked_in,
                max_tokens=max_tokens,
                temperature=question.request.temperature,
            ),
            draft.plan,
            self._guard.stand_ins(question),
        )

    async def _unchecked(self, question: Question, draft: Draft, publish: Publish, max_tokens: int) -> None:
        draft.outcome = Outcome.UNGROUNDED
        generation = Generation(
            self._generation,
            CompletionRequest(
                model=question.request.model or DEFAULT,
                messages=conversation_messages(
                    question.request.message,
                    question.conversation,
                    self._settings.generation.context_tokens - max_tokens,
                    await self._understanding.form(question, draft),
                ),
                max_tokens=max_tokens,
                temperature=question.request.temperature,
            ),
            draft.plan,
            self._guard.stand_ins(question),
        )
        await say_unchecked(generation, draft, publish)


def _last_answer(question: Question) -> LastAnswer | None:
    if not question.leans_on:
        return None
    return last_answer(question.request.message, question.leans_on, question.conversation.last_answer)


def _tell_language(draft: Draft) -> None:
    """Whatever language the answer has come to be in, a reader learns where it isn't the one that was wanted."""
    cited = {citation.n for citation in draft.said.citations}
    draft.language = draft.language or spoken_in(draft.said.text, draft.sources, cited)
    if draft.language and draft.language_wanted and draft.language != draft.language_wanted:
        draft.degrade(LANGUAGE)
