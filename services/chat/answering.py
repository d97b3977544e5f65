"""A question's way to its answer: quota, retrieval, generation, grounding."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from libs.clients.context import current_context
from libs.clients.generation import GenerationClient
from libs.clients.knowledge import KnowledgeClient
from libs.config.settings import Settings
from libs.contracts.chat import ChatRequest, Outcome, SessionEvent, Source, SourcesEvent, TokenEvent
from libs.contracts.completions import CompletionRequest
from libs.contracts.errors import ErrorCode, FootnoteError, deadline_exceeded
from libs.contracts.knowledge import RetrievalRequest, RetrievalResponse
from libs.telemetry.logs import get_logger
from services.chat import evidence
from services.chat.answerability.judge import Answerability
from services.chat.draft import Draft, Question
from services.chat.events import Event
from services.chat.generating import DEFAULT, EXTRACTIVE, Generation
from services.chat.grounding.grounder import Checked, Grounder, checked_sentences
from services.chat.names import unmentioned_names
from services.chat.ports import Embedder
from services.chat.prompt import (
    answer_tokens,
    conversation_messages,
    documents,
    fitting,
    grounded_messages,
)
from services.chat.quota import Quota
from services.chat.ungrounded import unchecked_text
from services.chat.wording import in_the_documents_words

log = get_logger(__name__)

ABSTENTION = "I don't know. I found no answer to this in those documents of your organization that you can read."
NEAREST = " The nearest passages are listed as sources."
# Kept back from a generator's time, for the extractive answer in its place.
EXTRACTIVE_RESERVE_S = 5.0

Publish = Callable[[Event], None]


class Answerer:
    """Makes answers. What it has said, and how, stands in the draft also when it is cancelled on the way."""

    def __init__(
        self,
        settings: Settings,
        quota: Quota,
        knowledge: KnowledgeClient,
        generation: GenerationClient,
        embedder: Embedder,
    ) -> None:
        self._settings = settings
        self._quota = quota
        self._knowledge = knowledge
        self._generation = generation
        self._embedder = embedder

    async def check_model(self, request: ChatRequest) -> None:
        """Raises 404 MODEL_NOT_FOUND, and 422 NO_GENERATOR for a question that only a generator could answer."""
        if request.model is None and request.enable_rag:
            return
        models = [model.id for model in (await self._generation.models()).data]
        if request.model not in (None, DEFAULT):
            open_to_plan = [model.id for model in (await self._generation.models(plan=await self._quota.plan())).data]
            if request.model not in open_to_plan:
                raise FootnoteError(
                    ErrorCode.MODEL_NOT_FOUND,
                    f"There is no model {request.model!r}, or your plan doesn't include it. "
                    f"Use one of: {', '.join(open_to_plan)}.",
                    404,
                    {"param": "model", "models": open_to_plan},
                )
        if not request.enable_rag and (request.model == EXTRACTIVE or set(models) <= {EXTRACTIVE}):
            raise FootnoteError(
                ErrorCode.NO_GENERATOR,
                "Without documents a generator must answer, and none is installed. "
                "Set enable_rag to true, or install one: footnote models install qwen",
                422,
                {"param": "enable_rag"},
            )

    async def answer(self, question: Question, draft: Draft, publish: Publish) -> None:
        """Raises FootnoteError; 504 where the deadline passes before anything is said."""
        remaining = current_context().remaining_s()
        try:
            async with asyncio.timeout(remaining):
                await self._answer(question, draft, publish)
        except TimeoutError as error:
            if not draft.said.text:
                raise deadline_exceeded("chat") from error
            draft.finish_reason = "deadline"
            draft.degrade("deadline")

    async def _answer(self, question: Question, draft: Draft, publish: Publish) -> None:
        request = question.request
        with draft.trace.step("reserve") as step:
            granted = await self._quota.reserve(question.subject, question.reservation_id, request.max_tokens)
            step["max_tokens"] = granted.max_tokens
        draft.plan = granted.plan
        draft.degrade(*granted.degraded)
        max_tokens = answer_tokens(granted.max_tokens, self._settings.generation.context_tokens)
        start = SessionEvent(session_id=question.session_id, message_id=question.answer_id)
        if not request.enable_rag:
            publish(start)
            publish(SourcesEvent(sources=[]))
            await self._unchecked(question, draft, publish, max_tokens)
            return
        retrieval = await self._retrieve(question, draft)
        question = self._reworded(question, draft, retrieval)
        draft.sources = self._fit(question, draft, retrieval, max_tokens)
        publish(start)
        publish(SourcesEvent(sources=draft.sources))
        if draft.sources and self._evident(question, draft, retrieval):
            await self._grounded(question, draft, publish, max_tokens)
        if not draft.said.text:
            self._abstain(draft, publish)

    async def _retrieve(self, question: Question, draft: Draft) -> RetrievalResponse:
        if question.text != question.request.message:
            draft.trace.add("follow_up", searched_for=question.text)
        with draft.trace.step("retrieve") as step:
            retrieval = await self._knowledge.retrieve(
                RetrievalRequest(query=question.text, filters=question.request.filters)
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

    def _fit(self, question: Question, draft: Draft, retrieval: RetrievalResponse, max_tokens: int) -> list[Source]:
        sources, left_out = fitting(
            retrieval.passages, question.text, max_tokens, self._settings.generation.context_tokens
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
        """The generator's answer; the extractive one where nothing of it is supported, or it can't be made."""
        grounder = Grounder(question.text, draft.sources, self._embedder, self._settings.chat.min_support)
        least = self._settings.chat.least_confidence.of(question.policy.caution)
        answerability = Answerability(question.text, draft.sources, self._embedder, least)
        model = question.request.model or DEFAULT
        remaining = current_context().remaining_s()
        allowed = None if remaining is None else remaining - min(EXTRACTIVE_RESERVE_S, remaining / 4)
        generation = self._generate(question, draft, model, max_tokens)
        try:
            async with asyncio.timeout(allowed):
                await self._speak(generation, draft, grounder, answerability, publish)
        except TimeoutError:
            draft.degrade("deadline")
            draft.finish_reason = "deadline"
        except FootnoteError as error:
            # Below the extractive composer there is nothing that could answer in its place.
            floor_failed = generation.model == EXTRACTIVE and not draft.said.text
            if error.code == ErrorCode.MODEL_NOT_FOUND or floor_failed:
                raise
            log.warning("generation ended early", model=generation.model, reason=error.message)
            draft.degrade("generation")
            draft.finish_reason = "error"
        if not draft.said.text and generation.model != EXTRACTIVE:
            draft.finish_reason = "stop"
            floor = self._generate(question, draft, EXTRACTIVE, max_tokens)
            await self._speak(floor, draft, grounder, answerability, publish)
        if grounder.embedding_failed:
            draft.degrade("embedding")

    def _generate(self, question: Question, draft: Draft, model: str, max_tokens: int) -> Generation:
        return Generation(
            self._generation,
            CompletionRequest(
                model=model,
                messages=grounded_messages(question.text, draft.sources),
                documents=documents(draft.sources),
                max_tokens=max_tokens,
                temperature=question.request.temperature,
            ),
            draft.plan,
        )

    async def _speak(
        self,
        generation: Generation,
        draft: Draft,
        grounder: Grounder,
        answerability: Answerability,
        publish: Publish,
    ) -> None:
        sentences: list[dict[str, Any]] = []
        with draft.trace.step("generate") as step:
            try:
                async with aclosing(answerability.passed(checked_sentences(generation, grounder))) as stream:
                    async for checked in stream:
                        sentences.append(_judged(checked))
                        if checked.support.cited:
                            draft.answers = answerability.confidence
                            self._say(checked, generation, draft, publish)
            finally:
                usage = generation.usage
                draft.usages.append(usage)
                step.update(
                    model=generation.model,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                    finish_reason=generation.finish_reason,
                    sentences=sentences,
                    answers=round(answerability.confidence, 3),
                    least=answerability.least,
                    **generation.routing(),
                )
                if generation.replaced():
                    draft.degrade("generation")
        draft.finish_reason = generation.finish_reason or draft.finish_reason

    def _say(self, checked: Checked, generation: Generation, draft: Draft, publish: Publish) -> None:
        draft.outcome = Outcome.ANSWERED
        draft.model = generation.model
        piece, citations = draft.said.add(checked.text, checked.support.cited, checked.gap)
        publish(TokenEvent(text=piece))
        for citation in citations:
            publish(citation)

    async def _unchecked(self, question: Question, draft: Draft, publish: Publish, max_tokens: int) -> None:
        draft.outcome = Outcome.UNGROUNDED
        generation = Generation(
            self._generation,
            CompletionRequest(
                model=question.request.model or DEFAULT,
                messages=conversation_messages(
                    question.request.message,
                    question.history,
                    self._settings.generation.context_tokens - max_tokens,
                ),
                max_tokens=max_tokens,
                temperature=question.request.temperature,
            ),
            draft.plan,
        )
        with draft.trace.step("generate") as step:
            try:
                async with aclosing(unchecked_text(generation.deltas())) as stream:
                    async for text in stream:
                        if text:
                            draft.said.append(text)
                            draft.model = generation.model
                            publish(TokenEvent(text=text))
            finally:
                draft.usages.append(generation.usage)
                step.update(model=generation.model, finish_reason=generation.finish_reason, **generation.routing())
                if generation.replaced():
                    draft.degrade("generation")
        draft.finish_reason = generation.finish_reason or draft.finish_reason

    def _abstain(self, draft: Draft, publish: Publish) -> None:
        draft.outcome = Outcome.ABSTAINED
        text = ABSTENTION + NEAREST if draft.sources else ABSTENTION
        draft.said.append(text)
        publish(TokenEvent(text=text))


def _judged(checked: Checked) -> dict[str, Any]:
    """A sentence in the trace: what became of it and why; its words only where the answer doesn't have them."""
    support = checked.support
    judged: dict[str, Any] = {"kept": bool(support.cited), "support": round(support.score, 3)}
    if support.cited:
        return judged | {"sources": [cited.n for cited in support.cited]}
    return judged | {"nearest": support.nearest, "text": checked.text, "cut": support.reason}
