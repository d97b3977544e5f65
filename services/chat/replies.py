"""What a reader is told where no answer comes from the documents."""

from libs.contracts.chat import Outcome, SessionEvent, SourcesEvent, TokenEvent
from services.chat.draft import Draft
from services.chat.events import Publish
from services.chat.explanation import SMALL_TALK
from services.chat.texts import Texts, texts


def abstain(draft: Draft, publish: Publish) -> None:
    said = texts(draft.language_wanted)
    _say(draft, publish, said, f"{said.unknown} {said.nearest}" if draft.sources else said.unknown)


def invite(draft: Draft, publish: Publish, start: SessionEvent, language: str) -> None:
    """Nothing was asked: "Thanks!" must not bring the answer before once more."""
    publish(start)
    publish(SourcesEvent(sources=[]))
    draft.trace.add(SMALL_TALK, language=language)
    said = texts(draft.language_wanted or language)
    _say(draft, publish, said, said.ask)


def _say(draft: Draft, publish: Publish, said: Texts, text: str) -> None:
    draft.outcome = Outcome.ABSTAINED
    draft.language = said.language
    draft.said.append(text)
    publish(TokenEvent(text=text))
