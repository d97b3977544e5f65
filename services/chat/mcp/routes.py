"""`/mcp`: streamable HTTP, under the same identity and limits as the rest."""

from fastapi import APIRouter, Request
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from libs.service.identity import CurrentSubject

router = APIRouter(tags=["mcp"])


class _HandedOver(Response):
    """Lets the protocol's own library answer."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        super().__init__()
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


@router.api_route("/mcp", methods=["POST", "GET", "DELETE"], response_class=Response, include_in_schema=False)
async def mcp(request: Request, subject: CurrentSubject) -> Response:
    """The Model Context Protocol: tools `search`, `ask` and `get_passage`."""
    request.state.subject = subject
    return _HandedOver(request.app.state.mcp)
