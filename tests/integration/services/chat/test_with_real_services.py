"""From an uploaded document to a cited answer: every service that chat asks is the real one."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from libs.config.settings import REPOSITORY, ServiceName, Settings
from libs.security.tokens import ServiceTokens, UserTokenSigner
from scripts.stage import free_base_port
from services.chat.main import build as build_chat
from services.generation.main import build as build_generation
from services.knowledge.main import build as build_knowledge
from tests.integration.services.chat.conftest import knowing_users
from tests.integration.services.chat.waiting import until

PAGES = ("citations", "plans", "rate-limits", "sessions", "streaming")


@pytest.fixture(scope="module")
async def services(
    settings: Settings, signer: UserTokenSigner, billing_url: str, embedding_url: str
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of knowledge and of chat."""
    urls = {"billing": billing_url, "embedding": embedding_url}
    engine = settings.generation.model_copy(update={"engine": "extractive"})
    wired = settings.model_copy(update={"service_urls": urls, "generation": engine})
    async with (
        knowing_users("generation", build_generation(wired), wired, signer) as generation_url,
        knowing_users("knowledge", build_knowledge(wired), wired, signer) as knowledge_url,
    ):
        wired = wired.model_copy(
            update={"service_urls": urls | {"generation": generation_url, "knowledge": knowledge_url}}
        )
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.knowledge.worker",
            cwd=REPOSITORY,
            env=os.environ
            | {
                "FOOTNOTE_SERVICE_URLS": json.dumps(wired.service_urls),
                "FOOTNOTE_BASE_PORT": str(free_base_port()),  # other tests' workers have ports too
            },
        )
        async with (
            knowing_users("chat", build_chat(wired), wired, signer) as chat_url,
            httpx.AsyncClient(base_url=knowledge_url, timeout=30) as knowledge,
            httpx.AsyncClient(base_url=chat_url, timeout=30) as chat,
        ):
            yield knowledge, chat
        worker.terminate()
        await worker.wait()


def signed(settings: Settings, someone, service: ServiceName) -> dict[str, str]:
    """With a service token of now: what a busy machine indexes may take longer than one lives."""
    return someone.headers | {"X-Service-Token": ServiceTokens("gateway", settings.secrets_dir).sign(service)}


async def upload(knowledge: httpx.AsyncClient, settings: Settings, someone, title: str, text: str) -> str:
    body = {"title": title, "text": text, "external_id": title}
    accepted = await knowledge.post("/documents", json=body, headers=signed(settings, someone, "knowledge"))
    assert accepted.status_code == 202, accepted.text
    path = f"/documents/{accepted.json()['document_id']}"

    async def completed() -> bool:
        shown = await knowledge.get(path, headers=signed(settings, someone, "knowledge"))
        return shown.json()["status"] == "completed"

    # The first waits for the worker to start, too.
    await until(completed, longest_s=120)
    return path


async def test_questions_about_the_handbook(services, settings, person):
    knowledge, chat = services
    someone, stranger = person(), person()
    for page in PAGES:
        await upload(knowledge, settings, someone, page, (REPOSITORY / "docs" / "handbook" / f"{page}.md").read_text())

    async def ask(message: str, who=someone) -> dict:
        response = await chat.post("/chat", json={"message": message}, headers=signed(settings, who, "chat"))
        assert response.status_code == 200, response.text
        return response.json()

    answer = await ask("How many messages a month does the free plan have?")
    assert answer["metadata"]["outcome"] == "answered"
    assert answer["metadata"]["degraded"] == []
    assert "100" in answer["answer"]
    assert answer["sources"][answer["citations"][0]["n"] - 1]["external_id"] == "plans"
    for citation in answer["citations"]:
        excerpt = answer["sources"][citation["n"] - 1]["excerpt"]
        assert answer["answer"][citation["start"] : citation["end"]].strip("- ")[:20] in " ".join(excerpt.split())
        assert all(excerpt[span["start"] : span["end"]].strip() for span in citation["spans"])

    far = await ask("Which glacier feeds the longest river of Patagonia?")
    assert (far["metadata"]["outcome"], far["citations"]) == ("abstained", [])

    theirs = await ask("How many messages a month does the free plan have?", stranger)
    assert (theirs["metadata"]["outcome"], theirs["sources"]) == ("abstained", [])


async def test_a_deleted_document_is_gone_from_answers_and_history(services, settings, person):
    knowledge, chat = services
    someone = person()
    path = await upload(
        knowledge, settings, someone, "Lunch", "The canteen serves lunch from 11:45 to 13:30 every day."
    )
    question = {"message": "When does the canteen serve lunch?"}
    headers = signed(settings, someone, "chat")
    answer = (await chat.post("/chat", json=question, headers=headers)).json()
    assert "11:45" in answer["answer"]
    deleted = await knowledge.delete(path, headers=signed(settings, someone, "knowledge"))
    assert deleted.status_code == 204
    again = (await chat.post("/chat", json=question, headers=headers)).json()
    assert again["metadata"]["outcome"] == "abstained"
    history = await chat.get(f"/chat/sessions/{answer['session_id']}/messages", headers=headers)
    assert "11:45" not in history.text
    trace = await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=headers)
    assert "Lunch" not in trace.text


async def test_what_is_kept_goes_with_each_change_of_documents_and_access(services, settings, person):
    """An answer is shared by those who may read the same, until anything changes."""
    knowledge, chat = services
    owner = person()
    colleague = person(owner.organization_id)
    path = await upload(knowledge, settings, owner, "Lunch", "The canteen serves lunch from 11:45 to 13:30 every day.")
    headers = signed(settings, owner, "knowledge")

    async def ask(who, message: str = "When does the canteen serve lunch?") -> dict:
        response = await chat.post("/chat", json={"message": message}, headers=signed(settings, who, "chat"))
        return response.json()

    def told(answer: dict) -> tuple[bool, bool]:
        return answer["metadata"]["cached"], "11:45" in answer["answer"]

    assert told(await ask(owner)) == (False, True)
    assert told(await ask(colleague)) == (True, True)
    assert told(await ask(colleague, "At what time does the canteen serve lunch?")) == (True, True)
    assert (await knowledge.patch(path, json={"access": "private"}, headers=headers)).status_code == 200
    assert told(await ask(colleague)) == (False, False)
    assert told(await ask(owner)) == (False, True)
    assert told(await ask(owner)) == (True, True)
    assert told(await ask(colleague)) == (True, False)
    assert (await knowledge.delete(path, headers=headers)).status_code == 204
    assert told(await ask(owner)) == (False, False)
