"""What OpenAI answers to bad requests, recorded with where it was seen, asked of a real service.

`status`, `type` and `param` are OpenAI's; in `code` stands Footnote's own, as everywhere under `/v1/`.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.integration.services.generation.upstreams import UPSTREAM_KEY

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("openai_errors.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_recorded_error_is_answered_alike(with_model: str, case: dict[str, Any]):
    content = case["raw"] if "raw" in case else json.dumps(case["body"])
    key = case.get("key", UPSTREAM_KEY)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    async with httpx.AsyncClient(base_url=with_model, headers=headers, timeout=30) as http:
        answer = await http.post("/v1/chat/completions", content=content)
    error, expected = answer.json()["error"], case["openai"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"message", "type", "param", "code"}
    assert (answer.status_code, error["type"], error["param"]) == (
        expected["status"],
        expected["type"],
        expected["param"],
    )
    assert error["code"] == case["code"]
    assert case["source"]


async def test_the_client_raises_what_it_raises_for_openai(client: openai.AsyncOpenAI):
    messages: Any = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="default", messages=messages, temperature=3)
    assert refused.value.param == "temperature"
    with pytest.raises(openai.NotFoundError, match="smollm2"):
        await client.chat.completions.create(model="gpt-nonesuch", messages=messages)
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-nonesuch")
    stranger = client.with_options(api_key="sk-wrong")
    with pytest.raises(openai.AuthenticationError):
        await stranger.chat.completions.create(model="default", messages=messages)
    with pytest.raises(openai.BadRequestError, match=r"maximum context length is 1024 tokens.*resulted in 15\d\d"):
        await client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": "word " * 1500}], stream=True
        )
