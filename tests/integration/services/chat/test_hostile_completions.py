"""What nobody should ask of `/v1/chat/completions`: refused by its field, or read over as the handbook says."""

import json
from typing import Any

import pytest

ASKED: Any = [{"role": "user", "content": "How long is the lease?"}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "footnote", "messages": ASKED, **fields}).encode()


async def ask(chat, someone, content: bytes):
    headers = {**someone.headers, "Content-Type": "application/json"}
    return await chat.post("/v1/chat/completions", content=content, headers=headers)


@pytest.mark.parametrize(
    ("content", "status", "param"),
    [
        (body(temperature=float("nan")), 400, "temperature"),
        (body(temperature=10**400), 400, "temperature"),
        (body(temperature=-1), 400, "temperature"),
        (body(messages=[]), 400, "messages"),
        (body(messages=None), 400, "messages"),
        (body(messages=[*ASKED, {"role": "assistant", "content": "Ten years."}]), 400, "messages"),
        (body(messages=[{"role": "user", "content": [PICTURE]}]), 400, "messages"),
        (body(messages=[{"role": "user", "content": [{"text": "no type"}]}]), 400, "messages[0].content[0].type"),
        (body(messages=[{"role": "user", "content": {"text": "Hi"}}]), 400, "messages[0].content"),
        (body(messages=ASKED * 10_000), 400, "messages"),
        (body(messages=[{"role": "user", "content": "\ud83d"}]), 400, "messages[0].content"),
        (body(n=1000), 400, "n"),
        (body(n=0), 400, "n"),
        (body(max_tokens=0), 400, "max_tokens"),
        (body(max_completion_tokens=-1), 400, "max_completion_tokens"),
        (body(model="a\x00b"), 404, "model"),
        (body(model="\ud800"), 400, "model"),
        (body(model="m" * 10_000), 400, "model"),
        (b'{"a":' * 5000, 400, None),
        (b"\xff", 400, None),
        (b"[]", 400, None),
    ],
    ids=lambda value: repr(value)[:70],
)
async def test_a_hostile_request_is_refused_by_its_field(chat, person, content, status, param):
    answer = await ask(chat, person(), content)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param
    assert "Value error" not in answer.text


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"role": "system", "content": "Be brief."}, "the last message must be the user's, with a text"),
        ({"role": "user", "content": [PICTURE]}, "the last message must be the user's, with a text"),
        ({"role": "user", "content": "x" * 32_001}, "the question has 32,001 characters; at most 32,000 are taken"),
    ],
    ids=["system", "picture", "long"],
)
async def test_messages_without_a_question_are_refused_in_words_that_say_so(chat, person, last, said):
    answer = await ask(chat, person(), body(messages=[*ASKED, last]))
    assert answer.json()["error"]["message"] == f"Invalid 'messages': {said}."


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": ["x"] * 10_000},
        {"seed": -(2**63)},
        {"logit_bias": {"50256": -100}},
        {"max_tokens": 10**400},
        {"max_completion_tokens": 5},
        {
            "messages": [
                {"role": "user", "content": [*[PICTURE] * 3, {"type": "text", "text": "How long is the lease?"}]}
            ]
        },
        {"messages": [{"role": "tool", "content": "\x00"}, {"role": "system", "content": None}, *ASKED]},
        {"top_p": float("nan"), "tools": [{"type": "function"}], "response_format": {"type": "json_object"}},
        {"stream_options": {"include_usage": True}},
    ],
    ids=lambda value: repr(value)[:70],
)
async def test_what_is_read_over_changes_nothing(chat, person, fields):
    answer = await ask(chat, person(), body(**fields))
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["finish_reason"] == "stop"
