"""What the gateway's routes work with."""

from dataclasses import dataclass

from libs.clients.billing import BillingClient
from libs.config.settings import Settings
from libs.contracts.billing import ApiCall
from libs.contracts.errors import FootnoteError
from libs.telemetry.logs import get_logger
from services.gateway.credentials import Keys
from services.gateway.limits import RateLimiter
from services.gateway.openapi import OpenApi
from services.gateway.proxy import Proxy

log = get_logger(__name__)

BILLING_IS_AWAY = 500


@dataclass(frozen=True)
class Gateway:
    settings: Settings
    keys: Keys
    billing: BillingClient
    limiter: RateLimiter
    openapi: OpenApi
    proxy: Proxy

    async def count_api_call(self, call: ApiCall) -> None:
        """Raises 429 QUOTA_EXCEEDED past the plan's calls; while billing is away it goes through uncounted, logged."""
        try:
            await self.billing.count_api_call(call)
        except FootnoteError as error:
            if error.status < BILLING_IS_AWAY:
                raise
            log.warning("api call not counted", organization_id=str(call.organization_id), reason=error.message)
