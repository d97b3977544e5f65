"""OpenAI's own Python package, unchanged, against a real service with a small language model."""

import json
from typing import Any

import httpx
import openai
import pytest

SKY: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]
DOCUMENTS = [{"id": 1, "title": "Colours", "text": "The sky is blue because air scatters blue light most."}]


async def test_chat(client: openai.AsyncOpenAI):
    answer = await client.chat.completions.create(model="default", messages=SKY, max_tokens=12, temperature=0)
    assert answer.id.startswith("chatcmpl-")
    assert answer.object == "chat.completion"
    assert answer.model == "smollm2"
    assert answer.system_fingerprint
    assert answer.service_tier is None
    [choice] = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert (choice.finish_reason, choice.logprobs, choice.message.refusal) == ("length", None, None)
    assert answer.usage
    assert answer.usage.completion_tokens == 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 12
    extra: Any = answer.model_extra
    assert extra["footnote"] == {
        "route": "built-in",
        "served_by": "smollm2",
        "why": "first in the route 'built-in'",
        "skipped": [],
    }


async def test_stream_with_usage_in_the_last_chunk(client: openai.AsyncOpenAI):
    whole = await client.chat.completions.create(model="smollm2", messages=SKY, max_tokens=12, temperature=0)
    stream = await client.chat.completions.create(
        model="smollm2",
        messages=SKY,
        max_tokens=12,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
        service_tier="flex",
    )
    first, *middle, ending, last = [chunk async for chunk in stream]
    assert first.choices[0].delta.role == "assistant"
    assert {(chunk.id, chunk.model, chunk.object) for chunk in (first, *middle, ending, last)} == {
        (first.id, "smollm2", "chat.completion.chunk")
    }
    said = "".join(chunk.choices[0].delta.content or "" for chunk in (first, *middle))
    assert said == whole.choices[0].message.content
    assert ending.choices[0].delta.model_fields_set == set()
    assert ending.choices[0].finish_reason == "length"
    assert all(chunk.usage is None for chunk in (first, *middle, ending))
    assert last.choices == []
    assert last.usage == whole.usage
    # The tier that served, not the one that was asked for.
    assert last.service_tier == "default"
    extra: Any = first.model_extra
    assert extra["footnote"]["why"] == "asked for by name"


@pytest.mark.parametrize("with_usage", [False, True])
async def test_chunks_have_openais_keys_and_no_others(model: httpx.AsyncClient, with_usage: bool):
    body = {"model": "smollm2", "messages": SKY, "max_tokens": 3, "stream": True}
    if with_usage:
        body["stream_options"] = {"include_usage": True}
    lines = (await model.post("/v1/chat/completions", json=body)).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    first, *middle, last = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    keys = {"id", "object", "created", "model", "choices", "system_fingerprint"} | ({"usage"} if with_usage else set())
    assert set(first) == keys | {"footnote"}
    assert all(set(chunk) == keys for chunk in (*middle, last))
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "", "refusal": None},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    *words, ending = [*middle, last] if not with_usage else middle
    assert all(set(chunk["choices"][0]["delta"]) == {"content"} for chunk in words)
    assert ending["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
    assert last["choices"] == ([] if with_usage else ending["choices"])


@pytest.mark.parametrize("stop", [" is", ["nonsense", " is", "zzz", "yyy"]])
async def test_stop(client: openai.AsyncOpenAI, stop: str | list[str]):
    asked: Any = [{"role": "user", "content": "Repeat: The sky is blue"}]
    answer = await client.chat.completions.create(
        model="default", messages=asked, max_tokens=60, temperature=0, stop=stop
    )
    assert " is" not in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"


async def test_a_seed_repeats_an_answer(client: openai.AsyncOpenAI):
    async def ask(seed: int) -> str | None:
        answer = await client.chat.completions.create(
            model="default", messages=SKY, max_completion_tokens=12, temperature=1, seed=seed
        )
        return answer.choices[0].message.content

    assert await ask(7) == await ask(7)


async def test_what_clients_send_without_asking_for_anything(client: openai.AsyncOpenAI):
    """Text in parts, an earlier answer as this package gives it back, and fields at their defaults."""
    first = await client.chat.completions.create(model="default", messages=SKY, max_tokens=3)
    again: Any = [
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        first.choices[0].message.model_dump(),
        {"role": "user", "content": "And red?", "name": "Ada"},
    ]
    answer = await client.chat.completions.create(
        model="default",
        messages=again,
        max_tokens=3,
        n=1,
        tools=[],
        tool_choice="none",
        response_format={"type": "text"},
        frequency_penalty=0,
        presence_penalty=0.0,
        logit_bias={},
        modalities=["text"],
        store=False,
        user="u-1",
        metadata={"session": "1"},
        parallel_tool_calls=True,
        prompt_cache_key="k",
    )
    assert answer.choices[0].message.content


async def test_probabilities_have_openais_shape_where_the_engine_has_them(client: openai.AsyncOpenAI):
    answer = await client.chat.completions.create(
        model="smollm2", messages=SKY, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    if logprobs is None or logprobs.content is None:
        pytest.skip("the engine gives no probabilities")
    assert "".join(token.token for token in logprobs.content) == answer.choices[0].message.content
    for token in logprobs.content:
        assert token.logprob <= 0
        assert bytes(token.bytes or []) == token.token.encode()
        assert len(token.top_logprobs) <= 2


async def test_the_extractive_composer_answers_from_documents(client: openai.AsyncOpenAI):
    answer = await client.chat.completions.create(model="extractive", messages=SKY, extra_body={"documents": DOCUMENTS})
    assert answer.choices[0].message.content == "The sky is blue because air scatters blue light most. [1]"
    nothing = await client.chat.completions.create(model="extractive", messages=SKY)
    assert (nothing.choices[0].message.content, nothing.choices[0].finish_reason) == ("", "stop")


async def test_models(client: openai.AsyncOpenAI, model: httpx.AsyncClient):
    found = [one async for one in await client.models.list()]
    assert [one.id for one in found] == ["smollm2", "extractive"]
    assert {(one.object, one.owned_by) for one in found} == {("model", "footnote")}
    assert (await client.models.retrieve("extractive")).id == "extractive"
    raw = (await model.get("/v1/models")).json()
    assert set(raw) == {"object", "data"}
    assert set(raw["data"][0]) == {"id", "object", "created", "owned_by"}
