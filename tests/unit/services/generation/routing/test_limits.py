import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.config.generation import GenerationModel, GenerationRoute
from libs.contracts.completions import ChatMessageParam, CompletionRequest
from services.generation.routing.limits import ROLE_MARKERS, limited, unsent_markers

LOCAL = GenerationModel(engine="openvino", weights="smollm2")
UPSTREAM = GenerationModel(engine="upstream", url="http://upstream/v1")
EXTRACTIVE = GenerationModel(engine="extractive")
ROUTE = GenerationRoute(name="all", models=["one"])
MESSAGES = [ChatMessageParam(role="user", content="Why?")]


def request(**fields) -> CompletionRequest:
    return CompletionRequest(model="default", messages=MESSAGES, **fields)


@given(
    st.floats(0, 2),
    st.floats(0, 1),
    st.integers(-1, 10**9),
    st.floats(0, 2, exclude_min=True),
    st.integers(1, 10**30),
)
def test_nothing_asked_for_passes_the_limits(temperature, top_p, top_k, penalty, tokens):
    asked = request(temperature=temperature, top_p=top_p, top_k=top_k, repetition_penalty=penalty, max_tokens=tokens)
    for model in (LOCAL, UPSTREAM, EXTRACTIVE):
        sampling = limited(asked, model, ROUTE)
        assert 0 <= sampling.temperature <= 1
        assert 0.1 <= sampling.top_p <= 1
        assert sampling.top_k is None or 1 <= sampling.top_k <= 100
        assert 1 <= sampling.repetition_penalty <= 1.5
        assert 1 <= sampling.max_tokens <= 8192


def test_a_temperature_too_small_to_divide_by_is_none():
    for asked, used in [(1e-300, 0), (9e-4, 0), (1e-3, 1e-3), (0.7, 0.7)]:
        assert limited(request(temperature=asked), LOCAL, ROUTE).temperature == used


def test_the_smallest_token_budget_wins():
    model = LOCAL.model_copy(update={"max_tokens": 300})
    route = ROUTE.model_copy(update={"max_tokens": 200})
    assert limited(request(max_tokens=1000), LOCAL, ROUTE).max_tokens == 1000
    assert limited(request(max_tokens=1000), model, ROUTE).max_tokens == 300
    assert limited(request(max_tokens=1000), model, route).max_tokens == 200
    assert limited(request(max_tokens=100), model, route).max_tokens == 100
    assert limited(request(max_tokens=100, max_completion_tokens=50), model, route).max_tokens == 50
    assert limited(request(), LOCAL, ROUTE).max_tokens == 512


def test_role_markers_are_always_stopped_at():
    sampling = limited(request(stop=["END"]), LOCAL, ROUTE)
    assert sampling.stop == ("END", *ROLE_MARKERS)
    assert unsent_markers(sampling, LOCAL) == ()


@pytest.mark.parametrize("stop", [[], ["END"], ["a", "b", "c", "d"]])
def test_an_upstream_is_asked_for_four_and_watched_for_the_rest(stop):
    sampling = limited(request(stop=stop), UPSTREAM, ROUTE)
    assert len(sampling.stop) == 4
    assert list(sampling.stop[: len(stop)]) == stop
    assert {*sampling.stop, *unsent_markers(sampling, UPSTREAM)} == {*stop, *ROLE_MARKERS}


def test_quoted_sentences_are_not_cut_at_markers():
    sampling = limited(request(), EXTRACTIVE, ROUTE)
    assert sampling.stop == ()
    assert unsent_markers(sampling, EXTRACTIVE) == ()


def test_probabilities_are_asked_for_only_when_wanted():
    assert limited(request(), LOCAL, ROUTE).logprobs is None
    assert limited(request(logprobs=True), LOCAL, ROUTE).logprobs == 0
    assert limited(request(logprobs=True, top_logprobs=3), LOCAL, ROUTE).logprobs == 3
