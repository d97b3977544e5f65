"""Answers of whichever model the routes choose, with the next one in the place of one that can't."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from libs.clients.context import current_context
from libs.config.generation import GenerationRoute
from libs.contracts.completions import CompletionRequest, Served, SkipReason
from libs.contracts.errors import deadline_exceeded
from libs.telemetry.logs import get_logger
from services.generation.ports import (
    Document,
    EngineBusyError,
    EngineRefusedError,
    EngineUnavailableError,
    Event,
    GenerationRequest,
    Message,
    PromptTooLongError,
    Role,
)
from services.generation.routing.candidates import Refusals, in_order, refusal
from services.generation.routing.catalogue import NAMED
from services.generation.routing.limits import limited, unsent_markers
from services.generation.routing.live_models import LiveModels
from services.generation.routing.outcome import nobody_answered
from services.generation.routing.prompt_size import ABOUT, PromptSize
from services.generation.routing.served_model import CircuitOpenError, ServedModel
from services.generation.routing.watched import watched

log = get_logger(__name__)

# Of the caller's time, kept for saying in time that nobody answered.
RESERVE_S = 0.25
# An upstream that is silent for this long isn't merely asked by somebody in a hurry.
SILENCE_S = 2.0

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


@dataclass(frozen=True)
class Chosen:
    """The first thing an answer says: who gives it. `fingerprint` and `latency` are the model's."""

    served: Served
    fingerprint: str
    latency: str


class GenerationService:
    def __init__(self, models: LiveModels) -> None:
        self.models = models

    async def answer(self, request: CompletionRequest, plan: str | None) -> AsyncGenerator[Chosen | Event]:
        """Who answers, once its first words are there; then its events.

        Another model answers only while nothing was said. Raises what the last one failed with, or what kept each
        from being asked: 404, 422, 429, 503; 504 where the deadline passes in the middle of an answer.
        """
        with self.models.held() as table:
            messages = tuple(Message(ROLES[message.role], message.content) for message in request.messages)
            size = PromptSize(messages)
            route = await table.route(request, plan, size)
            candidates = in_order(table, route, request)
            loading = [model for model in candidates if model.state == "loading"]
            refusals = Refusals()
            for model in loading:
                refusals.add(model, SkipReason.LOADING, 1)
            # Where no other can answer, the first that loads is waited for.
            attempts = [model for model in candidates if model not in loading] + loading[:1]
            for position, model in enumerate(attempts):
                last = position == len(attempts) - 1
                refusals.reconsider(model)
                if await refusal(model, route, request, plan, size, refusals):
                    continue
                events = _events(model, _request(messages, request, model, route))
                first = await _first(events, model, size, refusals, others=not last)
                if first is None:
                    continue
                async with aclosing(events):
                    yield _chosen(route, model, refusals)
                    yield first
                    async for event in _until_deadline(events, model):
                        yield event
                return
            raise nobody_answered(request, table, plan, refusals)


def _request(
    messages: tuple[Message, ...], request: CompletionRequest, model: ServedModel, route: GenerationRoute
) -> GenerationRequest:
    documents = tuple(
        Document(document.id, document.title, document.text, document.table_header) for document in request.documents
    )
    return GenerationRequest(
        messages, limited(request, model.settings, route), documents, request.max_sentences, request.language
    )


def _events(model: ServedModel, request: GenerationRequest) -> AsyncGenerator[Event]:
    events = model.generate(request)
    markers = unsent_markers(request.sampling, model.settings)
    return watched(events, markers, request, model) if markers else events


async def _first(
    events: AsyncGenerator[Event], model: ServedModel, size: PromptSize, refusals: Refusals, *, others: bool
) -> Event | None:
    """The model's first event; None where it has none to give, which `refusals` then tells.

    With `others` to come it gets at most half of what is left of the caller's time.
    """
    remaining = current_context().remaining_s()
    allowed = None if remaining is None else max(remaining - min(RESERVE_S, remaining / 10), 0)
    if others:
        limits = [allowed / 2 if allowed is not None else math.inf, model.settings.first_token_s or math.inf]
        allowed = None if min(limits) == math.inf else min(limits)
    try:
        async with asyncio.timeout(allowed):
            return await anext(events)
    except TimeoutError:
        await events.aclose()
        if model.settings.engine == "upstream" and allowed is not None and allowed >= SILENCE_S:
            model.breaker.failed()
        refusals.add(model, SkipReason.TOO_SLOW, 1)
    except PromptTooLongError as error:
        if error.prompt_tokens is None:
            refusals.too_long(model, size.estimate, error.limit, roughly=ABOUT)
        else:
            refusals.too_long(model, error.prompt_tokens, error.limit, roughly=error.roughly)
    except EngineBusyError as error:
        refusals.add(model, SkipReason.BUSY, int(error.headers["Retry-After"]))
    except CircuitOpenError as error:
        refusals.add(model, SkipReason.CIRCUIT_OPEN, int(error.headers["Retry-After"]))
    except EngineUnavailableError as error:
        refusals.add(model, SkipReason.UNAVAILABLE, int(error.headers["Retry-After"]))
        refusals.engine_refused = refusals.engine_refused or isinstance(error, EngineRefusedError)
        log.warning("a model can't answer", model=model.name, reason=error.reason)
    except BaseException:
        await events.aclose()
        raise
    return None


async def _until_deadline(events: AsyncGenerator[Event], model: ServedModel) -> AsyncGenerator[Event]:
    """An upstream that is silent as the deadline passes has failed, one that still speaks is only slow."""
    loop = asyncio.get_running_loop()
    remaining = current_context().remaining_s()
    ends_at = None if remaining is None else loop.time() + remaining
    while True:
        waiting_since = loop.time()
        try:
            # Not around the yield: the reader takes its own time.
            async with asyncio.timeout_at(ends_at):
                event = await anext(events, None)
        except TimeoutError as error:
            if model.settings.engine == "upstream" and loop.time() - waiting_since >= SILENCE_S:
                model.breaker.failed()
            raise deadline_exceeded("generation") from error
        if event is None:
            return
        yield event


def _chosen(route: GenerationRoute, model: ServedModel, refusals: Refusals) -> Chosen:
    if route.name == NAMED:
        why = "asked for by name"
    elif refusals.skipped:
        passed = ", ".join(f"{skipped.model} ({skipped.reason})" for skipped in refusals.skipped)
        why = f"next in the route {route.name!r} after {passed}"
    else:
        why = f"first in the route {route.name!r}"
    served = Served(route=route.name, served_by=model.name, why=why, skipped=refusals.skipped)
    return Chosen(served, model.fingerprint, model.settings.latency)
