"""A moderation service, as chat's operator may have one elsewhere."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from libs.config.settings import ModerationService


class Moderator:
    """The far side: flags what has one of its words, and remembers what it was asked."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.post("/v1/moderations")(self._moderate)
        self.words: list[str] = []
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.broken = False

    async def _moderate(self, request: Request) -> JSONResponse:
        said = (await request.json())["input"]
        self.seen.append(said)
        self.headers.append(dict(request.headers))
        if self.broken:
            return JSONResponse({"error": "no"}, 500)
        flagged = any(word in said for word in self.words)
        return JSONResponse({"id": "1", "results": [{"flagged": flagged, "categories": {"violence": flagged}}]})


def moderation(url: str, when_away: str = "closed") -> ModerationService:
    fields = {"url": url, "model": "m", "api_key": SecretStr("its-key"), "timeout_s": 5, "when_away": when_away}
    return ModerationService.model_validate(fields)
