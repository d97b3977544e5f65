"""Answers given before, for the same or nearly the same question of a reader who may read the same."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prometheus_client import Counter
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.clients.embedding import EmbeddedQuery
from libs.clients.knowledge import KnowledgeClient
from libs.config.settings import Settings
from libs.contracts.answering import AnswerCacheReport
from libs.contracts.chat import ChatRequest, ChatResponse, Outcome, Source
from libs.contracts.errors import FootnoteError, unavailable
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.chat.answer_cache.expected import ExpectedSources, Stood
from services.chat.answer_cache.keeping import may_be_kept, may_be_looked_for, one_spaced, place_of, worth_keeping
from services.chat.answer_cache.kept import KeptAnswer, Place
from services.chat.answer_cache.near import NearQuestion, NearQuestions, nearest
from services.chat.answer_cache.ports import QueryEmbedder
from services.chat.answer_cache.revision import Revision
from services.chat.answer_cache.store import AnswerStore, LookedUp
from services.chat.draft import Draft, Question
from services.chat.history import still_readable
from services.chat.quota import Granted

log = get_logger(__name__)

LOOKUPS = Counter("footnote_chat_answer_cache_total", "Questions by what the cache of answers had.", ["found"])

LARGEST_BYTES = 500_000
EXPECTED_AT_MOST = 100
# Whoever asks waits no longer for the cache than this: without it the question is answered as ever.
STANDING_TIMEOUT_S = 1.0
EMBED_TIMEOUT_S = 1.0
EXACT, SEMANTIC, MISS = "exact", "semantic", "miss"


@dataclass(frozen=True)
class Hit:
    kept: KeptAnswer
    how: str


class AnswerCache:
    """Nothing here fails a question: whatever is away, the answer is made anew.

    An answer is found for the knowledge version that was read before; one that is made while documents change is kept
    for the older version, which nobody asks for again.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        knowledge: KnowledgeClient,
        embedder: QueryEmbedder,
        revision: Revision,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        chat = settings.chat
        self._life = timedelta(seconds=chat.answer_cache_s)
        self._store = AnswerStore(redis, chat.answer_cache_s, chat.answer_cache_entries)
        self._phone_regions = chat.phone_regions
        self._near = NearQuestions()
        self._expected = ExpectedSources()
        self._knowledge = knowledge
        self._embedder = embedder
        self._revision = revision
        self._clock = clock

    async def standing(self, subject: Subject, request: ChatRequest) -> Stood | None:
        """To be asked before anything is retrieved; None where no answer is to be kept, or knowledge is away.

        The organisation's policy isn't known yet: `find` keeps to it.
        """
        if not self._life or not may_be_looked_for(request):
            return None
        expected = self._expected.of(subject.organization_id, one_spaced(request.message))
        asked_at = time.monotonic()
        try:
            return Stood(await self._knowledge.standing(expected, timeout_s=STANDING_TIMEOUT_S), asked_at)
        except FootnoteError as error:
            log.warning("no answer is looked for in the cache", reason=error.message)
            return None

    async def find(
        self, question: Question, standing: Stood | None, granted: Granted, draft: Draft
    ) -> KeptAnswer | None:
        """The kept answer that serves this question; the draft then says where it, or the new one, belongs."""
        # Made to stand alone, it may have taken over words that are nobody else's to be found by.
        if standing is None or not may_be_kept(question, self._phone_regions):
            return None
        revision = await self._revision.now()
        if revision is None:
            return None
        place = place_of(question, standing.told, granted.max_tokens, granted.plan, revision)
        draft.place = place
        if question.again:
            return None
        with draft.trace.step("answer_cache") as step:
            hit = await self._hit(question.subject, place, standing, step)
            found = hit.how if hit else MISS
            step["found"] = found
        draft.looked_up = found
        if hit:
            self._expect(question.subject, one_spaced(question.request.message), hit.kept.sources)
        LOOKUPS.labels(found).inc()
        return hit.kept if hit else None

    async def keep(self, subject: Subject, place: Place | None, response: ChatResponse) -> None:
        if place is None or not worth_keeping(response):
            return
        kept = KeptAnswer(
            answer=response.answer,
            citations=response.citations,
            sources=response.sources,
            metadata=response.metadata,
            kept_at=self._clock(),
        )
        value = kept.model_dump_json().encode()
        if len(value) > LARGEST_BYTES:
            return
        near = b""
        # That nothing was found for one question says little about another.
        if response.metadata.outcome is Outcome.ANSWERED:
            embedded = await self._embed(place.question)
            if embedded is not None:
                near = NearQuestion(place.field, embedded.space, place.question, embedded.vector).packed()
        try:
            await self._store.put(subject.organization_id, place.knowledge_version, place.field, value, near)
        except RedisError as error:
            log.warning("answer not kept", error=str(error))
        self._expect(subject, place.question, kept.sources)

    async def count(self, subject: Subject, draft: Draft) -> None:
        """Notes for the organisation's report what was found, and what that saved."""
        if draft.looked_up is None:
            return
        saved = draft.kept.metadata.tokens_used if draft.kept else 0
        try:
            await self._store.count(subject.organization_id, draft.looked_up, saved)
        except RedisError as error:
            log.warning("not counted", error=str(error))

    async def report(self, organization_id: UUID) -> AnswerCacheReport:
        """Raises 503 while Redis is away."""
        try:
            return await self._store.report(organization_id)
        except RedisError as error:
            raise unavailable("redis") from error

    async def empty(self, organization_id: UUID) -> None:
        """Raises 503 while Redis is away."""
        try:
            await self._store.empty(organization_id)
        except RedisError as error:
            raise unavailable("redis") from error

    def _expect(self, subject: Subject, question: str, sources: Sequence[Source]) -> None:
        if len(sources) <= EXPECTED_AT_MOST:
            self._expected.note(subject.organization_id, question, (source.chunk_id for source in sources))

    async def _hit(self, subject: Subject, place: Place, standing: Stood, step: dict[str, object]) -> Hit | None:
        organization_id = subject.organization_id
        try:
            looked_up = await self._look_up(organization_id, place, place.field)
            if looked_up is None:
                return None
            if looked_up.kept is not None:
                kept = await self._served(looked_up.kept, standing)
                return Hit(kept, EXACT) if kept else None
            self._near.learn(organization_id, looked_up)
            field = await self._near_field(organization_id, place, step)
            found = field and await self._look_up(organization_id, place, field)
            kept = await self._served(found.kept, standing) if found and found.kept is not None else None
        except (RedisError, ValueError) as error:
            log.warning("cache of answers not read", error=str(error))
            return None
        return Hit(kept, SEMANTIC) if kept else None

    async def _look_up(self, organization_id: UUID, place: Place, field: str) -> LookedUp | None:
        epoch, known = self._near.read_so_far(organization_id)
        return await self._store.look_up(organization_id, place.knowledge_version, field, epoch, known)

    async def _near_field(self, organization_id: UUID, place: Place, step: dict[str, object]) -> str | None:
        if not self._near.any(organization_id):
            return None
        started = time.perf_counter()
        embedded = await self._embed(place.question)
        step["embed_ms"] = round((time.perf_counter() - started) * 1000, 2)
        if embedded is None:
            return None
        candidates = self._near.of(organization_id, place.scope, embedded.space)
        near = nearest(place.question, embedded.vector, candidates)
        if near is None:
            return None
        step["similarity"] = near.similarity
        if near.difference:
            step["too_different"] = True
            return None
        return near.field

    async def _served(self, value: bytes, standing: Stood) -> KeptAnswer | None:
        """The answer, while it is young enough and the reader may see every source of it now."""
        try:
            kept = KeptAnswer.model_validate_json(value)
        except ValidationError as error:
            log.warning("a kept answer can't be read", errors=error.error_count())
            return None
        if self._clock() - kept.kept_at > self._life:
            return None
        chunks = {source.chunk_id for source in kept.sources}
        if chunks.issubset(standing.readable()):
            return kept
        return kept if chunks <= await still_readable(self._knowledge, chunks) else None

    async def _embed(self, question: str) -> EmbeddedQuery | None:
        try:
            return await self._embedder.embed_query(question, timeout_s=EMBED_TIMEOUT_S)
        except FootnoteError as error:
            log.warning("no near question is looked for", reason=error.message)
            return None
