"""How an organisation wants its questions answered, and what each person asks of the answers."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from libs.contracts.values import StoredText

INSTRUCTIONS_MAX_CHARS = 1_000


def _tidy(value: str) -> str:
    return value.strip()


# Tone, language, length; what an answer may say is never theirs to decide.
Wishes = Annotated[StoredText, Field(max_length=INSTRUCTIONS_MAX_CHARS), AfterValidator(_tidy)]

# What each stands for is the operator's setting chat.least_confidence.
Caution = Literal["low", "normal", "high"]


class AnswerPolicy(BaseModel):
    """What an organisation's admins decide for all of its answers.

    `mode`: `extractive` says the sources' own sentences alone, whatever generators there are. `unsupported`: a sentence
    without support is cut, or shown and marked. `injected`: a passage that gives instructions is only marked, or also
    lowered, or dropped. `personal_data` in a question: allowed, masked wherever it is kept, or refused.
    `moderate_questions` and `moderate_answers` ask the operator's moderation service. `cache_answers`: an answer may be
    given again to the same or nearly the same question. `caution`: how sure an answer must be to be given.
    """

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "extractive"] = "auto"
    unsupported: Literal["cut", "mark"] = "cut"
    injected: Literal["mark", "lower", "drop"] = "drop"
    personal_data: Literal["allow", "mask", "refuse"] = "allow"
    moderate_questions: bool = False
    moderate_answers: bool = False
    cache_answers: bool = True
    caution: Caution = "normal"
    instructions: Wishes = ""


class AnswerPolicyChange(BaseModel):
    """What is absent stays."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["auto", "extractive"] | None = None
    unsupported: Literal["cut", "mark"] | None = None
    injected: Literal["mark", "lower", "drop"] | None = None
    personal_data: Literal["allow", "mask", "refuse"] | None = None
    moderate_questions: bool | None = None
    moderate_answers: bool | None = None
    cache_answers: bool | None = None
    caution: Caution | None = None
    instructions: Wishes | None = None


class PersonalInstructions(BaseModel):
    """What one person asks of the answers to their own questions: tone, language, length."""

    model_config = ConfigDict(extra="forbid")

    instructions: Wishes = ""


class AnswerCacheReport(BaseModel):
    """What an organisation's cache of answers has given and holds. `saved_tokens` weren't read or written again.

    Counts go on until 90 days pass without a question; `entries` and `size_bytes` are what is kept now.
    """

    exact_hits: int
    semantic_hits: int
    misses: int
    saved_tokens: int
    entries: int
    size_bytes: int


class AnswerCacheWarming(BaseModel):
    """How many of the most asked questions to ask again."""

    model_config = ConfigDict(extra="forbid")

    questions: int = Field(default=20, ge=1, le=50)


class AnswerCacheWarmed(BaseModel):
    """`questions` are asked in the background, one after the other."""

    questions: int
