"""OpenAI's chat completions and models, over whatever models the routes choose."""

import time
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from libs.contracts.completions import Completion, CompletionRequest
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.openai import Model, ModelList
from libs.contracts.routing import RoutingReport, Writer, WriterList
from libs.service.disconnect import while_connected
from libs.service.identity import Operator
from libs.service.streaming import event_stream
from services.generation.completions import Shape, first_of
from services.generation.service import GenerationService

router = APIRouter()

OWNER = "footnote"
# When the models were made isn't known; OpenAI's clients want a number.
CREATED = 0


async def service_of(request: Request) -> GenerationService:
    service: GenerationService = request.app.state.generation
    return service


TheService = Annotated[GenerationService, Depends(service_of)]
# Said by our own services alone; the gateway takes it off what comes from outside.
PlanOf = Annotated[str | None, Header(alias="X-Plan", max_length=100)]


@router.get("/v1/models")
async def models(service: TheService, plan: PlanOf = None) -> ModelList:
    """The built-in route's first model first; with a plan, what it includes."""
    return ModelList(data=[_model(name) for name in service.models.table.names(plan)])


@router.get("/v1/models/{name:path}")
async def model(name: str, service: TheService, plan: PlanOf = None) -> Model:
    if name not in service.models.table.names(plan):
        raise FootnoteError(ErrorCode.MODEL_NOT_FOUND, f"The model {name!r} does not exist.", 404, {"param": "model"})
    return _model(name)


@router.post("/v1/chat/completions", response_model=Completion)
async def chat_completions(
    request: Request, body: CompletionRequest, service: TheService, plan: PlanOf = None
) -> Response | Completion:
    """A completion, or with `stream` its chunks as server-sent events. Leaving the stream stops the engine."""
    events = service.answer(body, plan)
    shape = Shape(f"chatcmpl-{uuid4().hex}", int(time.time()), body)
    if not body.stream:
        return await while_connected(request, "generation", shape.completion(events))
    # Errors that are known before the first words still get their own status.
    chosen = await while_connected(request, "generation", first_of(events))
    return event_stream(shape.chunks(chosen, events))


@router.get("/internal/models")
async def writers(service: TheService) -> WriterList:
    """Every model with the languages that it writes well, the built-in route's first model first."""
    table = service.models.table
    models = [table.models[name] for name in table.names(None) if name in table.models]
    return WriterList(
        models=[
            Writer(id=model.name, languages=model.settings.written, upstream=model.settings.engine == "upstream")
            for model in models
        ]
    )


@router.get("/internal/routes")
async def routing(service: TheService, _: Operator) -> RoutingReport:
    """The models and routes in force, for the operator."""
    return service.models.report()


def _model(name: str) -> Model:
    return Model(id=name, created=CREATED, owned_by=OWNER)
