"""What a generation engine is, whatever stands behind it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from libs.contracts.errors import ErrorCode, FootnoteError

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True)
class Document:
    """A numbered passage, in the request's order of relevance. Only the extractive composer reads it.

    `table_header` is the first row of the table in whose later rows the passage begins.
    """

    id: int
    title: str
    text: str
    table_header: str | None = None


@dataclass(frozen=True)
class Sampling:
    """`temperature` 0 always takes the likeliest token. `seed` repeats an answer on a best-effort basis.

    `top_k` None is every token; a `repetition_penalty` of 1 is none. `logprobs` asks for each token's logarithmic
    probability and that many alternatives; None asks for nothing, and an engine without them gives none (OpenVINO gives
    the probability and no alternatives).
    """

    max_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: int | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """`documents`, `max_sentences` and `language`, an ISO 639-1 code of the question's, are for the composer alone."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    documents: tuple[Document, ...] = ()
    max_sentences: int | None = None
    language: str | None = None


@dataclass(frozen=True)
class TokenLogprob:
    """A token's text and natural logarithm of its probability, with the likeliest tokens in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class TextDelta:
    """The next characters of the answer; never empty. `logprobs` are of the tokens that they complete."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The last event. `stop`: the model or a stop string ended the answer; `length`: max_tokens or the context did.

    `cached_tokens` of the prompt had been computed before, as far as the engine says.
    """

    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


Event = TextDelta | Finished


class Engine(Protocol):
    """Writes answers. Errors are raised before the first event wherever they can be known by then."""

    @property
    def model_id(self) -> str: ...

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together."""
        ...

    async def start(self) -> None:
        """Makes the engine ready. Raises EngineUnavailableError."""
        ...

    async def close(self) -> None: ...

    def generate(self, request: GenerationRequest) -> AsyncGenerator[Event]:
        """Text, then exactly one Finished. Closing the generator, or cancelling its task, stops decoding at the next
        step.

        Raises EngineBusyError, EngineUnavailableError, PromptTooLongError.
        """
        ...

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text. Raises EngineUnavailableError."""
        ...


@runtime_checkable
class PromptCounter(Protocol):
    """An engine that counts a whole prompt as it will see it, the chat template and control tokens included."""

    async def count_prompt(self, messages: Sequence[Message]) -> int:
        """Costs a pass of the tokenizer between two decoding steps. Raises EngineUnavailableError."""
        ...


class EngineBusyError(FootnoteError):
    """As many requests are waiting as may."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__(
            ErrorCode.OVERLOADED,
            f"Too many answers are being written. Try again in {retry_after_s} s.",
            429,
            headers={"Retry-After": str(retry_after_s)},
        )


class EngineUnavailableError(FootnoteError):
    """The engine can't answer. The reason is for logs: it may name addresses that callers must not learn."""

    def __init__(self, reason: str, retry_after_s: int = 2) -> None:
        super().__init__(
            ErrorCode.UPSTREAM_UNAVAILABLE,
            f"The language model can't answer right now. Try again in {retry_after_s} s.",
            503,
            headers={"Retry-After": str(retry_after_s)},
        )
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class EngineRefusedError(EngineUnavailableError):
    """The engine won't answer this request, and may well answer others: no sign that it is failing."""


class PromptTooLongError(FootnoteError):
    """`prompt_tokens` is None where an upstream doesn't tell, and "about " or "at least " so many where nobody counted
    them all.
    """

    def __init__(self, prompt_tokens: int | None, limit: int, *, roughly: str = "") -> None:
        counted = "too many" if prompt_tokens is None else f"{roughly}{prompt_tokens}"
        super().__init__(
            ErrorCode.VALIDATION_ERROR,
            f"The prompt has {counted} tokens, but the model takes {limit} of prompt and answer together. "
            "Shorten the messages or send fewer passages.",
            422,
            {"limit": limit} if prompt_tokens is None else {"prompt_tokens": prompt_tokens, "limit": limit},
        )
        self.prompt_tokens = prompt_tokens
        self.limit = limit
        self.roughly = roughly
