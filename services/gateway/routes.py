"""The one public port: every public path passes through `proxied`, in the same order of checks."""

from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response

from libs.contracts.billing import ApiCall
from libs.contracts.errors import forbidden, not_found, unauthenticated
from libs.contracts.identity import Role
from libs.service.identity import GUESTS_READ_ALONE, authenticator_of
from services.gateway.addresses import client_address
from services.gateway.credentials import SHARE_LINK_PREFIX, shown_key
from services.gateway.gateway import Gateway
from services.gateway.limits import Allowance
from services.gateway.proxy import target_as_sent
from services.gateway.routing import (
    RouteClass,
    Target,
    deadline_s,
    max_body_bytes,
    open_to_guests,
    requests_per_minute,
    target_of,
)

router = APIRouter()

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


async def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDependency = Annotated[Gateway, Depends(gateway_of)]


@router.get("/openapi.json", include_in_schema=False)
async def openapi(gateway: GatewayDependency) -> dict[str, Any]:
    return await gateway.openapi.document()


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Footnote API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )


@router.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
async def proxied(request: Request, gateway: GatewayDependency) -> Response:
    """Who is asking, within which limits, then the service's own answer."""
    path = request.url.path
    target = target_of(path)
    if target is None:
        raise not_found("address", path)
    if request.scope["raw_path"].endswith(b"/"):
        # No address ends so, and clients add one to the address they were given.
        return RedirectResponse(target_as_sent(request, without_slash=True), 307)
    if target.route_class is RouteClass.ANONYMOUS:
        authorization = request.headers.get("authorization")
        allowance = await _admit_address(request, gateway, RouteClass.ANONYMOUS)
    else:
        authorization, allowance = await _admit_subject(request, gateway, target)
    response = await gateway.proxy.forward(
        request,
        target.service,
        authorization,
        deadline_s(target, gateway.settings),
        max_body_bytes(target, gateway.settings),
    )
    response.headers.update(allowance.headers())
    return response


async def _admit_address(request: Request, gateway: Gateway, route_class: RouteClass) -> Allowance:
    address = client_address(request, gateway.settings.trusted_proxies)
    per_minute = requests_per_minute(route_class, gateway.settings.rate_limits)
    return await gateway.limiter.admit(f"address:{address}", route_class, per_minute)


async def _admit_subject(request: Request, gateway: Gateway, target: Target) -> tuple[str | None, Allowance]:
    key = shown_key(request)
    if key and key.startswith(SHARE_LINK_PREFIX):
        return await _admit_guest(request, gateway, key)
    authorization = await gateway.keys.authorization(key) if key else request.headers.get("authorization")
    subject = await authenticator_of(request).subject(authorization)
    if subject.role is Role.GUEST:
        raise unauthenticated("Send the share link's own token.")
    per_minute = subject.requests_per_minute or requests_per_minute(target.route_class, gateway.settings.rate_limits)
    who = f"{subject.organization_id}:{subject.api_key_id or subject.user_id}"
    allowance = await gateway.limiter.admit(who, target.route_class, per_minute)
    if subject.api_key_id:
        call = ApiCall(call_id=uuid4(), organization_id=subject.organization_id, api_key_id=subject.api_key_id)
        await gateway.count_api_call(call)
    return authorization, allowance


async def _admit_guest(request: Request, gateway: Gateway, token: str) -> tuple[str, Allowance]:
    """Counted by address, before the link is looked at, and by link; costs its organisation no API call."""
    allowance = await _admit_address(request, gateway, RouteClass.GUEST)
    authorization = await gateway.keys.authorization(token)
    guest = await authenticator_of(request).subject(authorization)
    per_minute = guest.requests_per_minute or requests_per_minute(RouteClass.SHARE_LINK, gateway.settings.rate_limits)
    await gateway.limiter.admit(f"{guest.organization_id}:{guest.share_link_id}", RouteClass.SHARE_LINK, per_minute)
    # As the service will read it: `request.url` leaves line breaks out.
    if not open_to_guests(request.method, request.scope["path"]):
        raise forbidden(GUESTS_READ_ALONE)
    return authorization, allowance
