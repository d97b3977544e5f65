"""An answer as it is kept, and the place where one for a question is looked for."""

import hashlib
from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel, ConfigDict

from libs.contracts.chat import AnswerMetadata, Citation, Source


class KeptAnswer(BaseModel):
    """What another reader of the same access set may be given: no session, message or person is named."""

    model_config = ConfigDict(extra="forbid")

    answer: str
    citations: list[Citation]
    sources: list[Source]
    metadata: AnswerMetadata
    kept_at: AwareDatetime


@dataclass(frozen=True)
class Place:
    """Where the answer to `question` is kept: among those of one version of the knowledge.

    `scope` is a digest of whatever else the answer depends on: the reader's access set, the policy and instructions,
    the options, and how this installation answers.
    """

    knowledge_version: int
    scope: str
    question: str

    @property
    def field(self) -> str:
        return f"{self.scope}:{digest(self.question)}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
