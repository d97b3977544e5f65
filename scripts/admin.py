"""`footnote admin`: what an operator sets for one organisation, with the operator's own key."""

from urllib.parse import quote

import httpx

from libs.clients.base import ServiceClient, service_http
from libs.config.settings import ServiceName, Settings
from libs.contracts.billing import PlanChange
from libs.contracts.errors import FootnoteError
from libs.contracts.identity import OrganizationLimits, OrganizationRef
from libs.security.keys import OPERATOR
from libs.security.tokens import ServiceTokens
from scripts.api import ApiError


async def set_plan(settings: Settings, organization: str, plan: str) -> OrganizationRef:
    """Moves the organisation (id, name or a member's address) to the plan from now on."""
    found, body = await _find(settings, organization), PlanChange(plan=plan)
    await _send(settings, "billing", f"/internal/organizations/{found.organization_id}/plan", body)
    return found


async def set_limits(settings: Settings, organization: str, requests_per_minute: int | None) -> OrganizationRef:
    """Gives the organisation's subjects their own requests a minute; None goes back to the default."""
    found, body = await _find(settings, organization), OrganizationLimits(requests_per_minute=requests_per_minute)
    await _send(settings, "auth", f"/internal/organizations/{found.organization_id}/limits", body)
    return found


async def _find(settings: Settings, organization: str) -> OrganizationRef:
    async with service_http() as http:
        try:
            return await operator_client(settings, "auth", http).call(
                "GET", f"/internal/organizations?q={quote(organization, safe='')}", OrganizationRef
            )
        except FootnoteError as error:
            raise ApiError(error.message, error.code, error.status) from error


async def _send(settings: Settings, service: ServiceName, path: str, body: PlanChange | OrganizationLimits) -> None:
    async with service_http() as http:
        try:
            await operator_client(settings, service, http).send("PUT", path, body=body)
        except FootnoteError as error:
            raise ApiError(error.message, error.code, error.status) from error


def operator_client(settings: Settings, service: ServiceName, http: httpx.AsyncClient) -> ServiceClient:
    """A client with the operator's own key. Raises ApiError where it isn't on this machine."""
    try:
        tokens = ServiceTokens(OPERATOR, settings.secrets_dir)
    except OSError as error:
        raise ApiError(
            f"The operator's key isn't in {str(settings.secrets_dir)!r}. Run this where Footnote runs, as its user."
        ) from error
    return ServiceClient(service, settings.url(service), tokens, http)
