"""What is known of the embedding models while the service that serves them is away."""

import pytest

from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import FootnoteError, unavailable
from services.knowledge.embedding_switch.served_models import KNOWN_FOR_S, ServedModels

MODEL = EmbeddingModelInfo(
    id="one", created=0, owned_by="footnote", dimension=8, max_tokens=16, space="one@1", default=True
)


class Embedding:
    def __init__(self) -> None:
        self.asked, self.away = 0, False

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:  # noqa: ARG002 - the port's
        self.asked += 1
        if self.away:
            raise unavailable("embedding")
        return [MODEL]


async def test_searches_wait_for_no_more_answers_while_embedding_is_away_than_while_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
):
    now = 100.0
    monkeypatch.setattr("services.knowledge.embedding_switch.served_models.time.monotonic", lambda: now)
    embedding = Embedding()
    models = ServedModels(embedding)  # pyright: ignore[reportArgumentType] - embeds nothing
    embedding.away = True
    with pytest.raises(FootnoteError):
        await models.known()
    embedding.away = False
    assert await models.of(MODEL.space) == MODEL
    embedding.asked, embedding.away = 0, True
    now += KNOWN_FOR_S + 1
    assert [await models.of(MODEL.space) for _ in range(10)] == [MODEL] * 10
    assert embedding.asked == 1
    now += KNOWN_FOR_S + 1
    await models.known()
    assert embedding.asked == 2
