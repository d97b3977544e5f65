"""Answers that go out as they are made, and stop being made when nobody reads them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ClosingStreamingResponse(StreamingResponse):
    """A streaming response whose generator is closed at once when the client goes away, wherever it stands then.

    Starlette notices a client that is gone only at the next piece it sends, and leaves a generator that waits at a
    `yield` to the garbage collector; an answer may be seconds away from its next piece.
    """

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        sending = asyncio.ensure_future(self.stream_response(send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            client_left = leaving.done() and not sending.done()
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._content.aclose()
        if not client_left and not sending.cancelled():
            error = sending.exception()
            if error is not None and not isinstance(error, OSError):
                raise error


def event_stream(content: AsyncGenerator[bytes]) -> ClosingStreamingResponse:
    """Server-sent events that no proxy on the way may hold back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ClosingStreamingResponse(content, headers=headers, media_type="text/event-stream")
