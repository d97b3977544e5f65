"""Servers that speak OpenAI's protocol and fail: the model asked for says how."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

UPSTREAM_KEY = "sk-upstream-0123456789"
SMALL_CONTEXT = 512  # of a model called small-…, a word for a token
WORDS = ["The ", "sky ", "is ", "blue."]


def chunk(content: str | None = None, finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n"


class Upstreams:
    """`asked` are the requests by model; a model in `broken` answers 500 whatever its name says."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.add_api_route("/v1/chat/completions", self._complete, methods=["POST"])
        self.app.add_api_route("/v1/models", lambda: {"data": []}, methods=["GET"])
        self.url = ""
        self.asked: dict[str, list[tuple[dict[str, str], dict[str, Any]]]] = {}
        self.broken: set[str] = set()
        self.release = asyncio.Event()
        self.left = asyncio.Event()

    def count(self, model: str) -> int:
        return len(self.asked.get(model, []))

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        model = body["model"]
        self.asked.setdefault(model, []).append((dict(request.headers), body))
        if model in self.broken or model.startswith("error"):
            return PlainTextResponse("secret detail", 500)
        match model.partition("-")[0]:
            case "hang":
                await self.release.wait()
            case "busy":
                return JSONResponse({"error": {"message": "busy"}}, 429, headers={"Retry-After": "7"})
            case "small":
                words = sum(len(message["content"].split()) for message in body["messages"])
                if words > SMALL_CONTEXT:
                    said = f"maximum context length is {SMALL_CONTEXT} tokens. However, your messages resulted in {words} tokens."
                    error = {"message": f"This model's {said}", "code": "context_length_exceeded"}
                    return JSONResponse({"error": error}, 400)
            case "refuse":
                return JSONResponse({"error": {"message": "no"}}, 400)
            case "cut":
                return Response(b"x" * 10, headers={"Content-Length": "100", "Content-Type": "text/event-stream"})
        return StreamingResponse(self._stream(model), media_type="text/event-stream")

    async def _stream(self, model: str) -> AsyncIterator[str]:
        try:
            kind = model.partition("-")[0]
            if kind == "garbage":
                yield "data: {not json\n\n"
                return
            for position, word in enumerate(["\nHello", "\nUs", "er: and", "more"] if kind == "roles" else WORDS):
                yield chunk(word)
                if position == 1 and kind == "pause":
                    await self.release.wait()
                if position == 1 and kind == "break":
                    return
            yield chunk(finish_reason="stop")
            usage = {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}
            yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.left.set()
