"""A conversation as the next question finds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from libs.contracts.chat import Outcome
from services.chat.memory.summary import Summary, folded

# Of a conversation, as far back as its words themselves are looked at; what was before is in the summary.
RECENT_MESSAGES = 12
# Of a conversation that comes whole with its question, as far back as its summary goes.
SUMMARISED_AT_MOST = 400


@dataclass(frozen=True)
class Turn:
    """A message as a conversation goes on from it; `outcome` is a finished answer's."""

    role: str
    content: str
    outcome: str | None = None

    @property
    def own_words(self) -> bool:
        """Whether nothing of it comes from documents, which its reader may no longer be allowed to see."""
        return self.role == "user" or self.outcome == Outcome.UNGROUNDED


@dataclass(frozen=True)
class Conversation:
    """The last turns, oldest first, and a summary of the person's questions before them."""

    turns: Sequence[Turn] = ()
    summary: Summary = field(default_factory=Summary)

    def reaches_behind(self, added: int) -> bool:
        """Whether with so many messages more some are older than those that are looked at themselves."""
        return len(self.turns) + added > RECENT_MESSAGES

    @property
    def questions(self) -> list[str]:
        return [turn.content for turn in self.turns if turn.role == "user"]

    @property
    def last_answer(self) -> str:
        """As it was given, also in words that its reader may no longer see."""
        return next((turn.content for turn in reversed(self.turns) if turn.role == "assistant"), "")


def conversation_of(messages: Sequence[Turn]) -> Conversation:
    """All messages of a conversation, oldest first, as the next question finds them."""
    earlier, recent = messages[-SUMMARISED_AT_MOST:-RECENT_MESSAGES], messages[-RECENT_MESSAGES:]
    return Conversation(recent, folded(Summary(), [turn.content for turn in earlier if turn.role == "user"]))


def asked_before(steps: Sequence[Mapping[str, Any]]) -> Conversation:
    """The questions that a follow-up was made from, as the steps of its trace name them."""
    made_from = [text for step in steps if step.get("step") == "follow_up" for text in step.get("made_from", ())]
    return Conversation([Turn("user", text) for text in made_from])
