"""knowledge beside an embedding service that has two models, and an operator who changes which one counts.

A third one, on a server of its own, refuses some texts for good.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from libs.config import live
from libs.config.settings import RemoteModel, ServiceName, Settings
from libs.contracts.embedding import EmbeddingModelList
from libs.security.tokens import ServiceTokens
from services.billing.main import build as build_billing
from services.embedding.main import build as build_embedding
from tests.integration.services.knowledge.conftest import NOBODY, WAIT_S, People, until
from tests.loopback import serving
from tests.tiny_model import make_tiny_model

MINILM, TINY, FAR = "minilm", "tiny", "far"
MINILM_ID = "all-MiniLM-L6-v2"
LOOK_EVERY_S = 0.05
REFUSED = "FORBIDDEN"


@dataclass(frozen=True)
class TwoModels:
    """`settings` are knowledge's, `models_dir` has both models."""

    settings: Settings
    models_dir: Path
    overrides: Path

    async def configure(self, model: str, *also: str, loaded: Sequence[str] | None = None) -> None:
        """New passages are to be embedded with `model`; returns when `loaded`, else all of them, are served."""
        self.overrides.write_text(json.dumps({"embedding": {"model": model, "also": also}}))
        expected = [model, *also] if loaded is None else [*loaded]

        async def look() -> list[str]:
            async with httpx.AsyncClient(headers=self._headers(), timeout=WAIT_S) as http:
                answer = await http.get(f"{self.settings.url('embedding')}/v1/models")
            if not answer.is_success:
                return []
            found = EmbeddingModelList.model_validate_json(answer.content).data
            return [MINILM if one.id.endswith(MINILM_ID) else one.id for one in found]

        await until(look, found=lambda names: names == expected)

    def _headers(self) -> dict[str, str]:
        return {"X-Service-Token": ServiceTokens("knowledge", self.settings.secrets_dir).sign("embedding")}


def refusing_server() -> FastAPI:
    """OpenAI's `/embeddings` over vectors by arithmetic; answers 400 where a text holds REFUSED."""
    app = FastAPI()

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> JSONResponse:
        texts: list[str] = (await request.json())["input"]
        if any(REFUSED in text for text in texts):
            return JSONResponse({"error": {"message": "Your input was flagged.", "code": "content_filter"}}, 400)
        rows = [[1.0, float(len(text) % 7), float(text.count("a"))] for text in texts]
        data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return JSONResponse({"object": "list", "data": data, "model": "far", "usage": usage})

    return app


@asynccontextmanager
async def two_models(settings: Settings, people: People, folder: Path, minilm: Path) -> AsyncGenerator[TwoModels]:
    """As a service of its own, since another model's vectors are no other test's business. MiniLM counts at first."""
    models_dir, overrides = folder / "models", folder / "overrides.yaml"
    models_dir.mkdir()
    (models_dir / MINILM).symlink_to(minilm)
    make_tiny_model(models_dir / TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTNOTE_MODELS_DIR", str(models_dir))
        patch.setattr(live, "LOOK_EVERY_S", LOOK_EVERY_S)
        async with AsyncExitStack() as running:
            far = RemoteModel(
                url=f"{await running.enter_async_context(serving(refusing_server()))}/v1", max_tokens=256, revision="1"
            )
            options = settings.embedding.model_copy(update={"backend": "torch", "remotes": {FAR: far}})
            own = settings.model_copy(update={"embedding": options, "overrides_file": str(overrides)})
            billing = await running.enter_async_context(people.serve("billing", build_billing(settings), settings))
            embedding = await running.enter_async_context(people.serve("embedding", build_embedding(own), own))
            urls: dict[ServiceName, str] = {"auth": NOBODY, "billing": billing, "embedding": embedding}
            models = TwoModels(settings.model_copy(update={"service_urls": urls}), models_dir, overrides)
            await models.configure(MINILM)
            yield models
