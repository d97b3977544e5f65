"""What stands between a question and its answer: personal data, moderation, and passages that give orders."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from libs.contracts.chat import Outcome, SessionEvent, SourcesEvent, TokenEvent
from libs.contracts.knowledge import RetrievalResponse
from libs.contracts.safety import SecurityEventKind
from services.chat.draft import Draft, Question
from services.chat.events import Event, Publish
from services.chat.explanation import WITHHELD
from services.chat.grounding.citations import AnswerBuilder
from services.chat.ports import Embedder, EntailmentModel
from services.chat.safety.events import Noted
from services.chat.safety.moderation import AWAY, Moderation
from services.chat.safety.personal.finding import found_in
from services.chat.safety.personal.hiding import HidingEmbedder, HidingEntailmentModel
from services.chat.safety.personal.masking import StandIns, masked
from services.chat.safety.screening import screened
from services.chat.texts import texts

# In a trace, the sentences of a generation without their words.
_WITHHELD_SENTENCES = "withheld_sentences"


class Guard:
    """`regions` (ISO 3166) are whose phone numbers are known without a country code.

    `elsewhere`: some of the models that texts are compared by are on other servers.
    """

    def __init__(self, moderation: Moderation, regions: Sequence[str], *, elsewhere: bool = False) -> None:
        self._moderation = moderation
        self._regions = regions
        self._elsewhere = elsewhere

    async def refusal(self, question: Question, draft: Draft) -> str | None:
        """Why a question isn't answered, in words for its asker; None where it is. Raises 503 as moderation does."""
        refusal = self.refusal_of_personal_data(question, draft)
        if refusal is None and question.policy.moderate_questions:
            categories = await self._flagged(question, draft, "moderate_question", question.request.message)
            if categories:
                draft.noted.append(Noted(SecurityEventKind.QUESTION_FLAGGED, {"categories": categories}))
                return texts(draft.language_wanted).flagged_question
        return refusal

    def refusal_of_personal_data(self, question: Question, draft: Draft) -> str | None:
        """As `refusal`, also of a follow-up that stands alone by now.

        It has taken over words of what a program says was asked before, which nobody has looked at.
        """
        if question.policy.personal_data != "refuse":
            return None
        kinds = list(dict.fromkeys(one.kind for one in found_in(question.text, self._regions)))
        if not kinds:
            return None
        draft.trace.add("personal_data", kinds=kinds, refused=True)
        draft.noted.append(Noted(SecurityEventKind.PERSONAL_DATA_REFUSED, {"kinds": kinds}))
        return texts(draft.language_wanted).holding(kinds)

    def screen(self, question: Question, draft: Draft, retrieval: RetrievalResponse) -> RetrievalResponse:
        """What was found, without or with those passages last that give instructions, as the policy says."""
        treatment = question.policy.injected
        result = screened(retrieval.passages, treatment)
        if not result.suspects:
            return retrieval
        draft.suspects = result.suspects
        found = [suspect.said(treatment) for suspect in result.suspects.values()]
        draft.trace.add("instructions_found", passages=found)
        for suspect in result.suspects.values():
            details = {"rules": list(suspect.rules), "score": suspect.score, "treatment": treatment}
            kind = SecurityEventKind.INJECTED_INSTRUCTIONS
            draft.noted.append(Noted(kind, details, suspect.document_id, suspect.chunk_id))
        return retrieval.model_copy(update={"passages": result.passages})

    def stand_ins(self, question: Question) -> StandIns | None:
        """Names for personal data where a generator mustn't see it."""
        return None if question.policy.personal_data == "allow" else StandIns(self._regions)

    def unsaid(self, question: Question) -> list[str]:
        """The personal data in a question that an embedding model elsewhere mustn't read."""
        if question.policy.personal_data == "allow" or not self._elsewhere:
            return []
        text = question.text
        return list(dict.fromkeys(text[one.start : one.end] for one in found_in(text, self._regions)))

    def hiding(
        self, question: Question, embedder: Embedder, entailing: EntailmentModel | None
    ) -> tuple[Embedder, EntailmentModel | None]:
        """What sentences are compared by; where it may be elsewhere, it reads names in place of personal data."""
        stand_ins = self.stand_ins(question) if self._elsewhere else None
        if stand_ins is None:
            return embedder, entailing
        return HidingEmbedder(embedder, stand_ins), entailing and HidingEntailmentModel(entailing, stand_ins)

    async def moderated(
        self, question: Question, draft: Draft, publish: Publish, answering: Callable[[Publish], Awaitable[None]]
    ) -> None:
        """Answers, and lets nothing of it out before all of it has passed.

        Whatever ends it early leaves nothing said: nobody has looked at it.
        """
        if not question.policy.moderate_answers:
            await answering(publish)
            return
        held: list[Event] = []
        try:
            await answering(lambda event: publish(event) if isinstance(event, SessionEvent) else held.append(event))
            categories: list[str] = []
            if draft.outcome in {Outcome.ANSWERED, Outcome.UNGROUNDED}:
                categories = await self._flagged(question, draft, "moderate_answer", draft.said.text)
        except BaseException:
            _withhold(draft, because="not looked at")
            raise
        if categories:
            _withhold(draft, because="flagged", categories=categories)
            draft.noted.append(Noted(SecurityEventKind.ANSWER_FLAGGED, {"categories": categories}))
            refuse(draft, publish, texts(draft.language_wanted).flagged_answer)
            return
        for event in held:
            publish(event)

    async def _flagged(self, question: Question, draft: Draft, step_name: str, text: str) -> list[str]:
        if question.policy.personal_data == "mask":
            text = masked(text, self._regions)
        with draft.trace.step(step_name) as step:
            categories = await self._moderation.flagged(text)
            step["flagged"] = categories
        if categories is None:
            draft.degrade(AWAY)
        return categories or []


def refuse(draft: Draft, publish: Publish, why: str) -> None:
    """The refusal as the answer, without sources."""
    draft.outcome = Outcome.REFUSED
    draft.said.append(why)
    publish(SourcesEvent(sources=[]))
    publish(TokenEvent(text=why))


def _withhold(draft: Draft, **why: Any) -> None:
    """Forgets what was said and what it was said from; how it was made stays in the trace, without words."""
    if draft.said.text:
        draft.trace.add(
            WITHHELD,
            rule="moderate_answers",
            **why,
            otherwise=draft.outcome,
            characters=len(draft.said.text),
            citations=len(draft.said.citations),
            sources=len(draft.sources),
        )
    draft.said = AnswerBuilder()
    draft.sources = []
    draft.answers = 0.0
    draft.disagreements = []
    draft.kept = draft.place = None
    for step in draft.trace.steps:
        sentences = cast("list[dict[str, Any]]", step.pop("sentences", []))
        if sentences:
            step[_WITHHELD_SENTENCES] = [_without_words(one) for one in sentences]
        for words in ("preferred_has", "other_has"):
            step.pop(words, None)


def _without_words(judged: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a sentence; neither it, nor why it was cut, nor the places behind it, which say the same."""
    supported_by = [cited["n"] for cited in judged["sources"]]
    return {name: judged[name] for name in ("kept", "verdict", "support")} | {"supported_by": supported_by}
