"""The operator's moderation service: any server that speaks OpenAI's `/moderations`."""

import httpx
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.config.settings import ModerationService
from libs.contracts.errors import FootnoteError, unavailable
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

AWAY = "moderation"


class _Lenient(BaseModel):
    """Servers add fields of their own."""

    model_config = ConfigDict(extra="ignore")


class _Result(_Lenient):
    flagged: bool
    categories: dict[str, bool] = Field(default_factory=dict[str, bool])


class _Results(_Lenient):
    results: list[_Result] = Field(min_length=1)


class Moderation:
    """Asks the service; where it can't say, `when_away` decides whether the text passes."""

    def __init__(self, service: ModerationService) -> None:
        self._service = service
        # Nothing of ours goes along: no token, no request id, no proxy's environment.
        self._http = httpx.AsyncClient(timeout=service.timeout_s, trust_env=False)

    @property
    def configured(self) -> bool:
        return bool(self._service.url)

    async def close(self) -> None:
        await self._http.aclose()

    async def flagged(self, text: str) -> list[str] | None:
        """The categories that the text is flagged for, in order; none where it may pass; None where nobody could say.

        Raises 503 in that last case where `when_away` is `closed`.
        """
        try:
            results = await self._results(text)
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            log.warning("moderation service is away", reason=type(error).__name__)
            if self._service.when_away == "closed":
                raise _away() from error
            return None
        categories = {name for one in results if one.flagged for name, found in one.categories.items() if found}
        if any(one.flagged for one in results):
            return sorted(categories) or ["flagged"]
        return []

    async def _results(self, text: str) -> list[_Result]:
        if not self.configured:
            raise ValueError("no moderation service is configured")
        key = self._service.api_key.get_secret_value()
        body = {"input": text} | ({"model": self._service.model} if self._service.model else {})
        with suppress_http_instrumentation():
            response = await self._http.post(
                f"{self._service.url.rstrip('/')}/moderations",
                json=body,
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )
        response.raise_for_status()
        return _Results.model_validate_json(response.content).results


def _away() -> FootnoteError:
    return unavailable(AWAY)
