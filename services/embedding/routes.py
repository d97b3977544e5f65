"""OpenAI's embeddings protocol."""

import base64
import time
from typing import Annotated, cast

import numpy as np
from fastapi import APIRouter, Depends, Request
from numpy.typing import NDArray

from libs.clients.context import current_context
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.openai import (
    EmbeddingData,
    EmbeddingRequest,
    EmbeddingResponse,
    EmbeddingUsage,
    Model,
    ModelList,
)
from libs.service.disconnect import while_connected
from services.embedding.service import EmbeddingService

router = APIRouter(prefix="/v1", tags=["embedding"])

STARTED_AT = int(time.time())


def service_of(request: Request) -> EmbeddingService:
    service: EmbeddingService = request.app.state.embedding
    return service


Service = Annotated[EmbeddingService, Depends(service_of)]


@router.post("/embeddings")
async def embeddings(body: EmbeddingRequest, request: Request, service: Service) -> EmbeddingResponse:
    texts = _texts(body)
    embedding = service.embed(texts, body.model, body.dimensions, current_context().lane)
    embedded = await while_connected(request, "embedding", embedding)
    data = [
        EmbeddingData(index=index, embedding=_base64(row) if body.encoding_format == "base64" else row.tolist())
        for index, row in enumerate(embedded.vectors)
    ]
    usage = EmbeddingUsage(prompt_tokens=embedded.tokens, total_tokens=embedded.tokens)
    return EmbeddingResponse(data=data, model=service.model_id, usage=usage)


@router.get("/models")
async def models(service: Service) -> ModelList:
    return ModelList(data=[Model(id=service.model_id, created=STARTED_AT, owned_by="footnote")])


def _texts(body: EmbeddingRequest) -> list[str]:
    if isinstance(body.input, str):
        return [body.input]
    if all(isinstance(item, str) for item in body.input):
        return cast("list[str]", body.input)
    raise FootnoteError(
        ErrorCode.VALIDATION_ERROR,
        "Token ids aren't taken, because they belong to one model's tokenizer. Send the text.",
        422,
        {"param": "input"},
    )


def _base64(row: NDArray[np.float32]) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode()
