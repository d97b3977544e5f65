"""generation, as chat calls it."""

from collections.abc import AsyncGenerator

from httpx_sse import EventSource

from libs.clients.base import ServiceClient
from libs.contracts.completions import CompletionChunk, CompletionRequest, StreamOptions
from libs.contracts.errors import unavailable
from libs.contracts.openai import ModelList
from libs.contracts.routing import RoutingReport, WriterList


class GenerationClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def models(self, *, plan: str | None = None) -> ModelList:
        """Those that the plan includes, "" being no plan; None is every plan's, which no user may be told."""
        headers = {} if plan is None else {"X-Plan": plan}
        return await self._service.call("GET", "/v1/models", ModelList, headers=headers, idempotent=True, timeout_s=3)

    async def writers(self) -> WriterList:
        """Every model and its languages; for our own use, not for a user's eyes."""
        return await self._service.call("GET", "/internal/models", WriterList, idempotent=True, timeout_s=3)

    async def routes(self) -> RoutingReport:
        """Models and routes in force; for the operator alone."""
        return await self._service.call("GET", "/internal/routes", RoutingReport, idempotent=True, timeout_s=3)

    async def stream(
        self, request: CompletionRequest, *, plan: str | None = None, timeout_s: float = 120
    ) -> AsyncGenerator[CompletionChunk]:
        """The completion's chunks, who serves it in the first, usage in the last. Closing the generator cancels it.

        Without a `plan` only models answer that are every plan's. Raises 503 also where the stream ends before its
        completion does.
        """
        streaming = request.model_copy(update={"stream": True, "stream_options": StreamOptions(include_usage=True)})
        headers = {"X-Plan": plan} if plan else {}
        async with self._service.stream(
            "POST", "/v1/chat/completions", body=streaming, headers=headers, timeout_s=timeout_s
        ) as response:
            async for event in EventSource(response).aiter_sse():
                if event.data == "[DONE]":
                    return
                if event.data.startswith('{"error"'):
                    raise unavailable("generation")
                yield CompletionChunk.model_validate_json(event.data)
        raise unavailable("generation")
