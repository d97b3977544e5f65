"""A small server that speaks text-embeddings-inference's and OpenAI's shapes, and fails as it is told to."""

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

DIMENSION = 6
LIMIT_WORDS = 20


class Tei:
    """`answers` are given instead of vectors, one a call; what isn't a response is a vector's rows."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Response | list[list[float]]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.app = FastAPI()
        self.app.post("/embed")(self._embed)
        self.app.post("/v1/embeddings")(self._openai)
        self.app.post("/rerank")(self._rerank)
        self.app.post("/predict")(self._predict)

    async def _taken(self, request: Request) -> tuple[dict[str, Any], Response | list[list[float]] | None]:
        body: dict[str, Any] = await request.json()
        self.calls.append((request.url.path, body))
        self.headers.append(dict(request.headers))
        await self.hold.wait()
        return body, self.answers.pop(0) if self.answers else None

    async def _embed(self, request: Request) -> Response:
        body, instead = await self._taken(request)
        if isinstance(instead, Response):
            return instead
        words = [text.split() for text in body["inputs"]]
        if not body["truncate"] and any(len(one) > LIMIT_WORDS for one in words):
            longest = max(map(len, words))
            error = f"Input validation error: `inputs` must have less than {LIMIT_WORDS} tokens. Given: {longest}"
            return JSONResponse({"error": error, "error_type": "Validation"}, 422)
        read = sum(min(len(one), LIMIT_WORDS) for one in words)
        rows = instead or [row(text) for text in body["inputs"]]
        return _json(rows, {"x-compute-tokens": str(read)})

    async def _openai(self, request: Request) -> Response:
        body, instead = await self._taken(request)
        if isinstance(instead, Response):
            return instead
        longest = max(len(text.split()) for text in body["input"])
        if longest > LIMIT_WORDS:
            message = (
                f"This model's maximum context length is {LIMIT_WORDS} tokens. However, you requested {longest} tokens "
                "in the input for embedding generation. Please reduce the length of the input."
            )
            return JSONResponse({"error": {"message": message, "type": "BadRequestError", "code": 400}}, 400)
        rows = instead or [row(text) for text in body["input"]]
        data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(rows)]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        return JSONResponse({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def _rerank(self, request: Request) -> Response:
        body, instead = await self._taken(request)
        if isinstance(instead, Response):
            return instead
        scores = [0.9 if body["query"] in text else 0.2 for text in body["texts"]]
        ranks = [{"index": index, "score": score} for index, score in enumerate(scores)]
        return JSONResponse(sorted(ranks, key=lambda rank: -rank["score"]))

    async def _predict(self, request: Request) -> Response:
        body, instead = await self._taken(request)
        if isinstance(instead, Response):
            return instead
        same = [premise == hypothesis for premise, hypothesis in body["inputs"]]
        scores = [{"entailment": 0.9, "neutral": 0.05, "contradiction": 0.05} if one else _OTHER for one in same]
        rows = [[{"label": label, "score": score} for label, score in one.items()] for one in scores]
        return JSONResponse([sorted(one, key=lambda item: -item["score"]) for one in rows])


_OTHER = {"entailment": 0.1, "neutral": 0.2, "contradiction": 0.7}


def row(text: str) -> list[float]:
    """Not of unit length, as servers are free to answer."""
    return [float(1 + sum(map(ord, text)) % (7 + place)) for place in range(DIMENSION)]


def _json(rows: list[list[float]], headers: dict[str, str]) -> Response:
    return Response(str(rows).replace("nan", "NaN"), media_type="application/json", headers=headers)
