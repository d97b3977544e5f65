"""Liveness, readiness, startup, and what each part of a service says of itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

CHECK_TIMEOUT_S = 2.0

Check = Callable[[], Awaitable[None]]


class CheckResult(BaseModel):
    ok: bool
    ms: float
    error: str | None = None


class HealthReport(BaseModel):
    """`status` is ready, starting or unready."""

    service: str
    status: str
    uptime_s: float
    checks: dict[str, CheckResult]


class Health:
    """A service's checks: each returns when its part works and raises otherwise."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, Check] = {}
        self._needed: set[str] = set()
        self._born = time.monotonic()
        self.started = False

    def add(self, name: str, check: Check, *, needed: bool = True) -> None:
        """A check that isn't `needed` is told when it fails, and leaves the service ready."""
        self._checks[name] = check
        if needed:
            self._needed.add(name)

    async def report(self, *, everything: bool = True) -> HealthReport:
        """Without `everything` only what is needed is checked: a probe mustn't wait for what it leaves aside."""
        asked = {name: check for name, check in self._checks.items() if everything or name in self._needed}
        results = await asyncio.gather(*map(self._run, asked.values()))
        checks = dict(zip(asked, results, strict=True))
        works = all(result.ok for name, result in checks.items() if name in self._needed)
        status = "starting" if not self.started else "ready" if works else "unready"
        return HealthReport(
            service=self._service, status=status, uptime_s=round(time.monotonic() - self._born, 1), checks=checks
        )

    async def _run(self, check: Check) -> CheckResult:
        started = time.perf_counter()
        error = None
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await check()
        except TimeoutError:
            error = f"no answer within {CHECK_TIMEOUT_S:g} s"
        except Exception as failure:  # noqa: BLE001 - whatever a part raises is its report
            error = f"{type(failure).__name__}: {failure}"[:300]
        return CheckResult(ok=error is None, ms=round((time.perf_counter() - started) * 1000, 2), error=error)


def health_router(health: Health) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - the router holds it
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> HealthReport:  # pyright: ignore[reportUnusedFunction] - a route
        report = await health.report(everything=False)
        response.status_code = 200 if report.status == "ready" else 503
        return report.model_copy(update={"checks": {}})

    @router.get("/health/startup")
    async def startup(response: Response) -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - a route
        response.status_code = 200 if health.started else 503
        return {"status": "started" if health.started else "starting"}

    @router.get("/health/detailed")
    async def detailed() -> HealthReport:  # pyright: ignore[reportUnusedFunction] - a route
        return await health.report()

    return router


def metrics_router() -> APIRouter:
    """Prometheus' metrics, for addresses on the inside only."""
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
