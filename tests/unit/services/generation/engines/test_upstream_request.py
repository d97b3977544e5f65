"""What is asked again, otherwise, where an upstream refuses it."""

import json
from typing import Any

import pytest

from services.generation.engines.upstream_request import UpstreamRequest
from services.generation.ports import GenerationRequest, Message, Sampling

LIMIT = "This model's maximum context length is 4096 tokens. "
SAMPLING = Sampling(max_tokens=512, temperature=0.2, top_p=0.9, stop=("END",), logprobs=3)


def asked(untaken: set[str]) -> UpstreamRequest:
    return UpstreamRequest("m", GenerationRequest((Message("user", "Why?"),), SAMPLING), untaken, takes_top_k=False)


def refused(message: str, **fields: Any) -> str:
    return json.dumps({"error": {"message": message, "param": None, "code": None, **fields}})


@pytest.mark.parametrize(
    ("message", "room"),
    [
        (f"'max_tokens' is too large: 512. {LIMIT}Your request has 4000 input tokens (512 > 4096 - 4000).", 96),
        (f"{LIMIT}However, you requested 4512 tokens (4000 in the messages, 512 in the completion).", 96),
        (f"{LIMIT}However, you requested 512 output tokens and your prompt contains at least 3585 input tokens.", None),
        ("max_tokens is too large: 512. This model supports at most 256 completion tokens.", 256),
    ],
)
def test_an_answer_is_fitted_into_the_room_once(message: str, room: int | None):
    request = asked(set())
    assert request.mended(400, refused(message))
    assert request.body.get("max_tokens") == room
    assert not request.mended(400, refused(message))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, refused(f"{LIMIT}However, your messages resulted in 4096 tokens.")),
        (400, refused(f"{LIMIT}However, your messages resulted in 10 tokens.")),
        (400, refused("Input is too long.", code="context_length_exceeded")),
        (
            400,
            refused(
                "Unsupported parameter: 'messages' is not supported.", param="messages", code="unsupported_parameter"
            ),
        ),
        (400, refused("Unrecognized request argument supplied: tools")),
        (400, refused("You wrote \"Unsupported parameter: 'stop'\".")),
        (400, "not json"),
        (500, refused("Unsupported parameter: 'stop' is not supported.", param="stop", code="unsupported_parameter")),
    ],
)
def test_what_no_other_body_cures_is_not_asked_again(status: int, said: str):
    untaken: set[str] = set()
    request = asked(untaken)
    before = dict(request.body)
    assert not request.mended(status, said)
    assert (request.body, untaken) == (before, set())


def test_what_is_not_taken_is_left_out_of_later_requests_too():
    untaken: set[str] = set()
    first, beside = asked(untaken), asked(untaken)
    for name in ("max_tokens", "top_p", "stop", "logprobs"):
        said = refused(f"Unsupported parameter: '{name}' is not supported with this model.", param=name)
        assert first.mended(400, said)
        assert beside.mended(400, said)
    later = asked(untaken)
    assert first.body == beside.body == later.body
    assert set(later.body) == {
        "model",
        "messages",
        "max_completion_tokens",
        "temperature",
        "stream",
        "stream_options",
    }
    assert later.unsent_stop == ("END",)
    assert asked(set()).unsent_stop == ()


def test_a_value_alone_that_is_not_taken_stays_that_requests_matter():
    untaken: set[str] = set()
    assert asked(untaken).mended(400, refused("Unsupported value: 'temperature' does not support 0.2 with this model."))
    assert untaken == set()
    only = "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
    assert asked(untaken).mended(400, refused(only, param="temperature", code="unsupported_value"))
    assert untaken == {"temperature"}
