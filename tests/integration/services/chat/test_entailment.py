"""Answers whose sentences a real entailment model reads too, and what is left where it is away."""

import httpx
import pytest
from httpx_sse import EventSource

from libs.config.settings import Settings
from services.embedding.main import build as build_embedding
from tests.integration.services.chat.conftest import NOBODY, PATIENCE_S, knowing_users
from tests.integration.services.chat.neighbours import passage
from tests.stack import until

RULES = passage(
    "Receipts are always checked within 30 days by the finance team. Nobody else checks receipts.", "Travel policy"
)
QUESTION = "Within how many days does the finance team check receipts?"
ENTAILED = "The finance team always checks receipts within 30 days."
CONTRADICTING = "The finance team sometimes checks receipts within 30 days."
VERBATIM = "Nobody else checks receipts."
CONFIGURED = {"entailment": "nli"}


@pytest.fixture(scope="module")
async def entailing_url(settings: Settings, signer, models_with_entailment):
    """embedding with MiniLM and a classifier trained on "always" and "sometimes"."""
    embedding = settings.embedding.model_copy(update=CONFIGURED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTNOTE_MODELS_DIR", str(models_with_entailment))
        app = build_embedding(settings.model_copy(update={"embedding": embedding}))
        async with (
            knowing_users("embedding", app, settings, signer) as url,
            httpx.AsyncClient(timeout=PATIENCE_S) as http,
        ):

            async def ready() -> bool | None:
                checks = (await http.get(f"{url}/health/detailed")).json()["checks"]
                return all(check["ok"] for check in checks.values()) or None

            await until(ready)
            yield url


async def ask(chat, someone):
    body = {"message": QUESTION, "stream": True}
    async with chat.stream("POST", "/chat", json=body, headers=someone.headers) as response:
        events = [(event.event, event.json()) async for event in EventSource(response).aiter_sse()]
    answer = events[-1][1]
    trace = await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=someone.headers)
    return answer, trace.json(), events


@pytest.fixture
def asked(knowledge, generation):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{ENTAILED} ", f"{CONTRADICTING} ", VERBATIM], "extractive": []}


async def test_a_sentence_that_the_model_reads_the_contrary_of_is_cut(
    serve_chat, entailing_url, chat_settings: Settings, asked, person
):
    bounds = chat_settings.chat.entailment.model_copy(update={"timeout_s": PATIENCE_S})
    async with serve_chat(embedding_url=entailing_url, embedding=CONFIGURED, entailment=bounds) as chat:
        answer, trace, events = await ask(chat, person())
    assert answer["answer"] == f"{ENTAILED} [1] {VERBATIM} [1]"
    assert answer["metadata"]["degraded"] == []
    assert [name for name, _ in events].count("token") == 2
    first, second, third = trace["explanation"]
    assert (first["verdict"], second["verdict"], third["verdict"]) == ("supported", "contradicted", "supported")
    assert first["sources"][0]["entailment"] > 0.5
    assert "entailment 0." in first["why"]
    assert "an entailment model reads the contrary there" in second["why"]
    assert third["sources"][0]["entailment"] is None


async def test_without_one_configured_rules_alone_decide(chat, asked, person):
    answer, trace, _ = await ask(chat, person())
    assert CONTRADICTING in answer["answer"]
    assert answer["metadata"]["degraded"] == []
    assert [one["sources"][0]["entailment"] for one in trace["explanation"]] == [None] * 3


@pytest.mark.parametrize("how", ["not there", "away", "late"])
async def test_where_it_fails_rules_alone_decide_and_the_answer_says_so(
    serve_chat, entailing_url, embedding_url, chat_settings: Settings, asked, person, how: str
):
    url = {"not there": embedding_url, "away": NOBODY, "late": entailing_url}[how]
    bounds = chat_settings.chat.entailment
    if how == "late":
        bounds = bounds.model_copy(update={"timeout_s": 1e-6})
    async with serve_chat(embedding_url=url, embedding=CONFIGURED, entailment=bounds) as chat:
        answer, trace, _ = await ask(chat, person())
    expected = ["embedding", "entailment"] if how == "away" else ["entailment"]
    assert answer["metadata"]["degraded"] == expected
    assert trace["steps"][-1]["degraded"] == expected
    if how != "away":
        assert answer["answer"] == f"{ENTAILED} [1] {CONTRADICTING} [1] {VERBATIM} [1]"
