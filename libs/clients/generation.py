"""generation, as chat calls it."""

from collections.abc import AsyncGenerator

from httpx_sse import EventSource

from libs.clients.base import ServiceClient
from libs.contracts.errors import unavailable
from libs.contracts.openai import CompletionChunk, CompletionRequest, ModelList, StreamOptions


class GenerationClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def models(self) -> ModelList:
        return await self._service.call("GET", "/v1/models", ModelList, idempotent=True, timeout_s=3)

    async def stream(self, request: CompletionRequest, *, timeout_s: float = 120) -> AsyncGenerator[CompletionChunk]:
        """The completion's chunks, usage in the last. Closing the generator cancels the generation.

        Raises 503 also where the stream ends before its completion does.
        """
        streaming = request.model_copy(update={"stream": True, "stream_options": StreamOptions(include_usage=True)})
        async with self._service.stream(
            "POST", "/v1/chat/completions", body=streaming, timeout_s=timeout_s
        ) as response:
            async for event in EventSource(response).aiter_sse():
                if event.data == "[DONE]":
                    return
                if event.data.startswith('{"error"'):
                    raise unavailable("generation")
                yield CompletionChunk.model_validate_json(event.data)
        raise unavailable("generation")
