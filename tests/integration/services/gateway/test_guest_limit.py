"""An address that tries share links is limited before any of them is looked at."""

import httpx

from libs.config.settings import Settings
from services.gateway.main import build
from tests.loopback import serving
from tests.stack import base_port


async def test_guessing_links_is_limited_by_address(settings: Settings) -> None:
    limits = settings.rate_limits.model_copy(update={"guest": 3})
    # Without Redis the process counts by itself.
    nowhere = {"service_urls": {"auth": "http://127.0.0.1:9"}, "redis_url": "redis://127.0.0.1:9"}
    own = settings.model_copy(update={"rate_limits": limits, "base_port": base_port(), **nowhere})
    async with serving(build(own)) as url, httpx.AsyncClient(base_url=url) as http:
        statuses = [
            (await http.get("/documents", headers={"Authorization": f"Bearer fs_{number}"})).status_code
            for number in range(5)
        ]
    assert statuses == [503, 503, 503, 429, 429]
