"""OpenAI's embeddings, token vectors for Footnote's own services, and two calls of text-embeddings-inference's.

Those are reranking and the classification of pairs.
"""

import base64
from typing import Annotated, cast

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from numpy.typing import NDArray

from libs.clients.context import current_context
from libs.contracts.embedding import (
    EmbeddingModelList,
    Pair,
    Prediction,
    PredictRequest,
    Rank,
    RerankRequest,
    TokenVectorsItem,
    TokenVectorsRequest,
    TokenVectorsResponse,
)
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.openai import (
    EmbeddingData,
    EmbeddingRequest,
    EmbeddingResponse,
    EmbeddingUsage,
)
from libs.inference.late_interaction import stored_form
from libs.service.disconnect import while_connected
from libs.service.identity import CallingService
from services.embedding.entailment import EntailmentService
from services.embedding.service import EmbeddingService

router = APIRouter(tags=["embedding"])

# What people's programs send is a query up to so many texts. More would hold up the searches of everybody, which wait
# seconds at most: one request may have as many texts as may wait.
QUERY_TEXTS = 4
PUBLIC = "gateway"


async def service_of(request: Request) -> EmbeddingService:
    """Not in a thread, as a plain function would be: a busy machine is slow to give one its turn."""
    service: EmbeddingService = request.app.state.embedding
    return service


async def entailment_of(request: Request) -> EntailmentService:
    service: EntailmentService = request.app.state.entailment
    return service


Service = Annotated[EmbeddingService, Depends(service_of)]
Entailment = Annotated[EntailmentService, Depends(entailment_of)]


@router.post("/v1/embeddings")
async def embeddings(
    body: EmbeddingRequest, request: Request, service: Service, caller: CallingService
) -> EmbeddingResponse:
    texts = _texts(body)
    lane = "ingest" if caller == PUBLIC and len(texts) > QUERY_TEXTS else current_context().lane
    embedding = service.embed(texts, body.model, body.dimensions, lane, truncate=body.truncate)
    encoder, embedded = await while_connected(request, "embedding", embedding)
    data = [
        EmbeddingData(index=index, embedding=_base64(row) if body.encoding_format == "base64" else row.tolist())
        for index, row in enumerate(embedded.vectors)
    ]
    usage = EmbeddingUsage(prompt_tokens=embedded.tokens, total_tokens=embedded.tokens)
    return EmbeddingResponse(data=data, model=encoder.id, usage=usage)


@router.get("/v1/models")
async def models(service: Service) -> EmbeddingModelList:
    return EmbeddingModelList(data=service.models())


@router.post("/embed_tokens")
async def embed_tokens(body: TokenVectorsRequest, request: Request, service: Service) -> TokenVectorsResponse:
    embedding = service.embed_tokens(body.texts, body.role, body.model, current_context().lane)
    encoder, embedded = await while_connected(request, "embedding", embedding)
    return TokenVectorsResponse(
        data=[
            TokenVectorsItem(vector=_base64(row.vector), tokens=base64.b64encode(row.tokens).decode())
            for row in embedded.texts
        ],
        model=encoder.id,
        revision=f"{encoder.revision}/{stored_form(encoder.token_dimension)}",
        space=encoder.space,
        token_dimension=encoder.token_dimension,
        usage=EmbeddingUsage(prompt_tokens=embedded.tokens, total_tokens=embedded.tokens),
    )


@router.post("/rerank", response_model_exclude_none=True)
async def rerank(body: RerankRequest, request: Request, response: Response, service: Service) -> list[Rank]:
    """The texts, best first. The shape has no room for the token count: it is in X-Total-Tokens."""
    reranking = service.rerank(body.query, body.texts, body.model, current_context().lane, truncate=body.truncate)
    reranked = await while_connected(request, "embedding", reranking)
    response.headers["X-Total-Tokens"] = str(reranked.tokens)
    scores = reranked.scores if body.raw_scores else (reranked.scores + 1) / 2
    best_first: list[int] = np.argsort(-scores, kind="stable").tolist()
    return [
        Rank(index=index, score=float(scores[index]), text=body.texts[index] if body.return_text else None)
        for index in best_first
    ]


@router.post("/predict")
async def predict(
    body: PredictRequest, request: Request, response: Response, service: Entailment
) -> list[Prediction] | list[list[Prediction]]:
    """Of a pair, or of each of a batch: every label, the likeliest first; X-Total-Tokens as for /rerank."""
    single = isinstance(body.inputs, tuple)
    pairs: list[Pair] = [body.inputs] if isinstance(body.inputs, tuple) else body.inputs
    predicting = service.predict(pairs, body.model, current_context().lane, truncate=body.truncate)
    classified = await while_connected(request, "embedding", predicting)
    response.headers["X-Total-Tokens"] = str(classified.tokens)
    rows: list[list[float]] = classified.probabilities.tolist()
    named = [
        sorted(
            (Prediction(score=score, label=label) for label, score in zip(classified.labels, row, strict=True)),
            key=lambda one: -one.score,
        )
        for row in rows
    ]
    return named[0] if single else named


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
