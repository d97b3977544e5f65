"""`/mcp`: streamable HTTP, under the same identity and limits as the rest."""

import asyncio

from fastapi import APIRouter, Request
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from libs.service.identity import CurrentSubject
from services.chat.serving import ClientLeftError, unless_left

router = APIRouter(tags=["mcp"])


class _HandedOver(Response):
    """Lets the protocol's own library answer a request whose body has been read, until its client leaves."""

    def __init__(self, manager: StreamableHTTPSessionManager, request_body: bytes) -> None:
        super().__init__()
        self._manager = manager
        self._unread: list[Message] = [{"type": "http.request", "body": request_body}]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await unless_left(Request(scope, receive), self._manager.handle_request(scope, self._again, send))
        except ClientLeftError:
            return

    async def _again(self) -> Message:
        if not self._unread:
            await asyncio.Event().wait()  # who leaves is noticed outside
        return self._unread.pop()


# No GET: it would hold a stream open that nothing is ever sent on.
@router.post("/mcp", response_class=Response, include_in_schema=False)
async def mcp(request: Request, subject: CurrentSubject) -> Response:
    """The Model Context Protocol: tools `search`, `ask` and `get_passage`."""
    request.state.subject = subject
    return _HandedOver(request.app.state.mcp, await request.body())
