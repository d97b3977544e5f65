"""knowledge beside an embedding service that has two models, and an operator who changes which one counts."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from libs.config import live
from libs.config.settings import ServiceName, Settings
from libs.contracts.embedding import EmbeddingModelList
from libs.security.tokens import ServiceTokens
from services.billing.main import build as build_billing
from services.embedding.main import build as build_embedding
from tests.integration.services.knowledge.conftest import NOBODY, WAIT_S, People, until
from tests.tiny_model import make_tiny_model

MINILM, TINY = "minilm", "tiny"
MINILM_ID = "all-MiniLM-L6-v2"
LOOK_EVERY_S = 0.05


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


@asynccontextmanager
async def two_models(settings: Settings, people: People, folder: Path, minilm: Path) -> AsyncGenerator[TwoModels]:
    """As a service of its own, since another model's vectors are no other test's business. MiniLM counts at first."""
    models_dir, overrides = folder / "models", folder / "overrides.yaml"
    models_dir.mkdir()
    (models_dir / MINILM).symlink_to(minilm)
    make_tiny_model(models_dir / TINY)
    options = settings.embedding.model_copy(update={"backend": "torch"})
    own = settings.model_copy(update={"embedding": options, "overrides_file": str(overrides)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTNOTE_MODELS_DIR", str(models_dir))
        patch.setattr(live, "LOOK_EVERY_S", LOOK_EVERY_S)
        async with (
            people.serve("billing", build_billing(settings), settings) as billing,
            people.serve("embedding", build_embedding(own), own) as embedding,
        ):
            urls: dict[ServiceName, str] = {"auth": NOBODY, "billing": billing, "embedding": embedding}
            running = TwoModels(settings.model_copy(update={"service_urls": urls}), models_dir, overrides)
            await running.configure(MINILM)
            yield running
