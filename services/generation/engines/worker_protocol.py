"""What a local engine and its worker process say to each other: one JSON object a line."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from services.generation.ports import FinishReason, Role


class ChatMessage(BaseModel):
    role: Role
    content: str


class Generate(BaseModel):
    op: Literal["generate"] = "generate"
    id: int
    messages: list[ChatMessage]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int | None
    repetition_penalty: float
    stop: list[str]
    seed: int
    logprobs: int | None


class Cancel(BaseModel):
    op: Literal["cancel"] = "cancel"
    id: int


class Count(BaseModel):
    op: Literal["count"] = "count"
    id: int
    texts: list[str]


class CountPrompt(BaseModel):
    """Of these messages after the chat template, as `Generate` would have them."""

    op: Literal["count_prompt"] = "count_prompt"
    id: int
    messages: list[ChatMessage]


class ReadLoad(BaseModel):
    op: Literal["read_load"] = "read_load"
    id: int


Question = Count | CountPrompt | ReadLoad
Command = Annotated[Generate | Cancel | Question, Field(discriminator="op")]
commands: TypeAdapter[Command] = TypeAdapter(Command)


class Ready(BaseModel):
    """The first line: the model is loaded. A `Failed` of the same id stands for one that can't be."""

    op: Literal["ready"] = "ready"
    id: int = 0
    context_tokens: int


class Logprob(BaseModel):
    token: str
    logprob: float
    top: list[tuple[str, float]]


class Text(BaseModel):
    op: Literal["text"] = "text"
    id: int
    text: str
    logprobs: list[Logprob] = []


class Done(BaseModel):
    op: Literal["done"] = "done"
    id: int
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


class TooLong(BaseModel):
    """`at_least`: of a text too long to be counted to its end."""

    op: Literal["too_long"] = "too_long"
    id: int
    prompt_tokens: int
    limit: int
    at_least: bool = False


class Refused(BaseModel):
    """The request's own values or messages are at fault; others may well be answered."""

    op: Literal["refused"] = "refused"
    id: int
    reason: str


class Failed(BaseModel):
    op: Literal["failed"] = "failed"
    id: int
    reason: str


class Counts(BaseModel):
    op: Literal["counts"] = "counts"
    id: int
    counts: list[int]


class Load(BaseModel):
    """`active`: requests not finished. `decoded_tokens`: all since the worker started."""

    op: Literal["load"] = "load"
    id: int
    active: int
    decoded_tokens: int


Reply = Annotated[Ready | Text | Done | TooLong | Refused | Failed | Counts | Load, Field(discriminator="op")]
replies: TypeAdapter[Reply] = TypeAdapter(Reply)
