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

# What OpenAI's reasoning models say, of one parameter at a time.
REASONING_REFUSALS = {
    "max_tokens": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
        "instead.",
        "code": "unsupported_parameter",
    },
    "temperature": {
        "message": "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is "
        "supported.",
        "code": "unsupported_value",
    },
    "top_p": {
        "message": "Unsupported parameter: 'top_p' is not supported with this model.",
        "code": "unsupported_parameter",
    },
    "stop": {
        "message": "Unsupported parameter: 'stop' is not supported with this model.",
        "code": "unsupported_parameter",
    },
}


def chunk(content: str | None = None, finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n"


def refusal(kind: str, body: dict[str, Any]) -> dict[str, Any] | None:
    match kind:
        case "small":
            words = sum(len(message["content"].split()) for message in body["messages"])
            if words + body["max_tokens"] > SMALL_CONTEXT:
                said = f"maximum context length is {SMALL_CONTEXT} tokens. However, your messages resulted in {words} tokens."
                return {"message": f"This model's {said}", "code": "context_length_exceeded"}
        case "reasons":
            if refused := next(filter(body.__contains__, REASONING_REFUSALS), None):
                return {"type": "invalid_request_error", "param": refused, **REASONING_REFUSALS[refused]}
        case "refuse":
            return {"message": "no"}
    return None


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
        if error := refusal(model.partition("-")[0], body):
            return JSONResponse({"error": error}, 400)
        match model.partition("-")[0]:
            case "hang":
                await self.release.wait()
            case "busy":
                return JSONResponse({"error": {"message": "busy"}}, 429, headers={"Retry-After": "7"})
            case "cut":
                return Response(b"x" * 10, headers={"Content-Length": "100", "Content-Type": "text/event-stream"})
        return StreamingResponse(self._stream(model), media_type="text/event-stream")

    async def _stream(self, model: str) -> AsyncIterator[str]:
        try:
            kind = model.partition("-")[0]
            while kind == "ping" and not self.release.is_set():
                yield ": ping\n\n"
                await asyncio.sleep(0.02)
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
