"""A question as it is meant: what it leans on in its conversation, its language, and what is wished of the answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from libs.clients.generation import GenerationClient
from libs.config.settings import Settings
from libs.contracts.chat import Source
from libs.contracts.knowledge import RetrievedPassage
from libs.text.language import NAMES, language_of_words
from services.chat.draft import Draft, Question
from services.chat.generating import DEFAULT
from services.chat.generators import Generators
from services.chat.memory.followup import Standalone, may_lean, standalone
from services.chat.memory.rewriting import Rewriter
from services.chat.prompt import form_of
from services.chat.safety.personal.masking import StandIns
from services.chat.wishes import wishes

# What `degraded` says of an answer in another language than its question's, or than the one wished for.
LANGUAGE = "language"
REWRITING = "rewriting"


class Understanding:
    """`stand_ins` gives names for personal data that a generator mustn't see of a question and its conversation."""

    def __init__(
        self,
        settings: Settings,
        generation: GenerationClient,
        generators: Generators,
        stand_ins: Callable[[Question], StandIns | None],
    ) -> None:
        self._settings = settings
        self._stand_ins = stand_ins
        self._generators = generators
        self._rewriter = Rewriter(generation, settings.chat.rewrite_s)

    def heard(self, question: Question, draft: Draft) -> Question:
        """The question with its wishes and its language, so that also a refusal can be in it."""
        wished = wishes(question.policy.instructions, question.instructions, self._settings.generation.context_tokens)
        asked_in = language_of_words(question.request.message)
        draft.language_wanted = wished.language or asked_in
        return replace(question, wishes=wished, asked_in=asked_in)

    async def understood(self, question: Question, draft: Draft) -> Question:
        """The question, as it was heard, made to stand alone; what was done is in the trace."""
        alone = Standalone(question.request.message)
        if question.request.enable_rag and question.conversation.questions:
            alone = await self._standing_alone(question, draft)
        if question.wishes.organization or question.wishes.person:
            draft.trace.add("instructions", **question.wishes.traced())
        # A follow-up of a few words tells its language only with what it leans on.
        asked_in = question.asked_in or language_of_words(alone.text)
        draft.language_wanted = question.wishes.language or asked_in
        return replace(question, text=alone.text, leans_on=alone.made_from, asked_in=asked_in)

    async def form(self, question: Question, draft: Draft, passages: Sequence[RetrievedPassage] = ()) -> str:
        """What a prompt says of the answer's form.

        Its language is named where the model writes it and, if passages are to support the answer, some of them are in
        it: a translation shares no words with them, so no sentence of it would pass its check.
        """
        language = draft.language_wanted
        if language is not None:
            generator = await self._generators.generator(question.request.model or DEFAULT)
            written = generator is not None and (not generator.languages or language in generator.languages)
            if not written or not _some_are_in(language, passages):
                language = None
        return form_of(question.wishes.organization, question.wishes.person, language and NAMES.get(language))

    async def _standing_alone(self, question: Question, draft: Draft) -> Standalone:
        message, conversation = question.request.message, question.conversation
        by_rule = standalone(message, conversation.questions, conversation.summary.topic)
        model = question.request.model or DEFAULT
        asks_generator = (
            may_lean(message)
            and self._settings.chat.rewrite_s > 0
            and question.policy.mode != "extractive"
            and await self._generators.generator(model) is not None
        )
        if not asks_generator:
            if by_rule.made_from:
                draft.trace.add("follow_up", by="rule", searched_for=by_rule.text, made_from=list(by_rule.made_from))
            return by_rule
        return await self._by_generator(question, draft, by_rule, model)

    async def _by_generator(self, question: Question, draft: Draft, by_rule: Standalone, model: str) -> Standalone:
        with draft.trace.step("follow_up") as step:
            rewritten = await self._rewriter.rewritten(
                question.request.message, question.conversation, model, draft.plan, self._stand_ins(question)
            )
            if rewritten.usage is not None:
                draft.usages.append(rewritten.usage)
            step["model"] = rewritten.model
            if rewritten.text is None and rewritten.asked:
                draft.degrade(REWRITING)
                step.update(refused=rewritten.said, why=rewritten.problem)
            text = rewritten.text or by_rule.text
            made_from = [turn.content for turn in question.conversation.turns if turn.own_words]
            step.update(by="generator" if rewritten.text else "rule", searched_for=text, made_from=made_from)
        if rewritten.text in {None, question.request.message}:
            return by_rule
        return Standalone(text, tuple(question.conversation.questions))


def _some_are_in(language: str, passages: Sequence[RetrievedPassage]) -> bool:
    return not passages or any(language_of_words(one.content) == language for one in passages)


def spoken_in(text: str, sources: Sequence[Source], cited: set[int]) -> str | None:
    """The language of an answer: as its words tell, or those of the passages it cites; None where neither does."""
    if not text:
        return None
    return language_of_words(text) or language_of_words(
        "\n".join(source.excerpt for source in sources if source.n in cited)
    )
