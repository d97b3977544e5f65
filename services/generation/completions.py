"""An answer's events in OpenAI's shape: one completion, or its chunks."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import orjson

from libs.contracts.completions import (
    ChoiceLogprobs,
    ChunkChoice,
    Completion,
    CompletionChoice,
    CompletionChunk,
    CompletionMessage,
    CompletionRequest,
    CompletionUsage,
    ContentLogprob,
    Delta,
    PromptTokensDetails,
    Served,
    TopLogprob,
)
from libs.contracts.errors import FootnoteError
from libs.contracts.openai import error_envelope, openai_status
from services.generation.ports import Event, Finished, TextDelta, TokenLogprob
from services.generation.service import Chosen

DONE = b"data: [DONE]\n\n"

Events = AsyncGenerator[Chosen | Event]


class Shape:
    """What every piece of one completion says of it."""

    def __init__(self, completion_id: str, created: int, request: CompletionRequest) -> None:
        self._id = completion_id
        self._created = created
        self._tier_asked = request.service_tier is not None
        self._logprobs = bool(request.logprobs)
        self._with_usage = request.stream_options is not None and request.stream_options.include_usage

    async def completion(self, events: Events) -> Completion:
        async with aclosing(events):
            chosen = await first_of(events)
            pieces: list[str] = []
            tokens: list[TokenLogprob] = []
            async for event in events:
                if isinstance(event, TextDelta):
                    pieces.append(event.text)
                    tokens += event.logprobs
                elif isinstance(event, Finished):
                    choice = CompletionChoice(
                        message=CompletionMessage(content="".join(pieces)),
                        logprobs=self._probabilities(tokens),
                        finish_reason=event.finish_reason,
                    )
                    completion = Completion(
                        id=self._id,
                        created=self._created,
                        model=chosen.served.served_by,
                        choices=[choice],
                        usage=_usage(event),
                        system_fingerprint=chosen.fingerprint,
                        footnote=chosen.served,
                    )
                    if self._tier_asked:  # OpenAI says which tier served only where one was asked for
                        completion.service_tier = chosen.latency
                    return completion
        raise AssertionError("an engine ends with Finished")

    async def chunks(self, chosen: Chosen, events: Events) -> AsyncGenerator[bytes]:
        """Server-sent events; an error in the middle is the last of them, without the usual end."""
        async with aclosing(events):
            opening = ChunkChoice(delta=Delta(role="assistant", content="", refusal=None))
            yield self._chunk(chosen, [opening], served=chosen.served)
            finished = None
            try:
                async for event in events:
                    if isinstance(event, TextDelta):
                        logprobs = self._probabilities(event.logprobs)
                        yield self._chunk(chosen, [ChunkChoice(delta=Delta(content=event.text), logprobs=logprobs)])
                    elif isinstance(event, Finished):
                        finished = event
            except FootnoteError as error:
                body = error_envelope(openai_status(error.status), error.code, error.message)
                yield b"data: " + orjson.dumps(body) + b"\n\n"
                return
            if finished is None:
                raise AssertionError("an engine ends with Finished")
            yield self._chunk(chosen, [ChunkChoice(delta=Delta(), finish_reason=finished.finish_reason)])
            if self._with_usage:
                yield self._chunk(chosen, [], usage=_usage(finished))
            yield DONE

    def _chunk(
        self,
        chosen: Chosen,
        choices: list[ChunkChoice],
        *,
        usage: CompletionUsage | None = None,
        served: Served | None = None,
    ) -> bytes:
        chunk = CompletionChunk(
            id=self._id,
            created=self._created,
            model=chosen.served.served_by,
            choices=choices,
            system_fingerprint=chosen.fingerprint,
        )
        if self._with_usage:
            chunk.usage = usage
        if self._tier_asked:
            chunk.service_tier = chosen.latency
        if served:
            chunk.footnote = served
        return b"data: " + chunk.model_dump_json().encode() + b"\n\n"

    def _probabilities(self, tokens: Sequence[TokenLogprob]) -> ChoiceLogprobs | None:
        """None also where the model has none to give."""
        if not self._logprobs or not tokens:
            return None
        return ChoiceLogprobs(
            content=[
                ContentLogprob(
                    token=token.token,
                    logprob=token.logprob,
                    bytes=_bytes(token.token),
                    top_logprobs=[
                        TopLogprob(token=text, logprob=logprob, bytes=_bytes(text)) for text, logprob in token.top
                    ],
                )
                for token in tokens
            ]
        )


async def first_of(events: Events) -> Chosen:
    """Who answers; a wait for it that is cancelled ends the answer."""
    try:
        chosen = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    if not isinstance(chosen, Chosen):
        raise AssertionError("an answer begins with who gives it")  # noqa: TRY004 - no caller's mistake
    return chosen


def _bytes(text: str) -> list[int]:
    return list(text.encode("utf-8", "replace"))


def _usage(finished: Finished) -> CompletionUsage:
    return CompletionUsage(
        prompt_tokens=finished.prompt_tokens,
        completion_tokens=finished.completion_tokens,
        total_tokens=finished.prompt_tokens + finished.completion_tokens,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=finished.cached_tokens),
    )
