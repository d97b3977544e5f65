"""What an upstream is asked, and asked otherwise where it says that it doesn't take it so."""

from typing import Any

from services.generation.engines.upstream_errors import room_for_answer, untaken_parameter
from services.generation.ports import GenerationRequest

_MAX_TOKENS, _MAX_COMPLETION_TOKENS = "max_tokens", "max_completion_tokens"
# An answer without them is still the one that was asked for, or as near as the model comes.
_DISPENSABLE = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "repetition_penalty",
        "seed",
        "stop",
        "logprobs",
        "top_logprobs",
        "stream_options",
    }
)


class UpstreamRequest:
    """The `body` of one request to the model `model_id`, without the parameters in `untaken`, which it adds to.

    Reasoning models of OpenAI's take no `max_tokens`, `temperature`, `top_p` or `stop`.
    """

    def __init__(self, model_id: str, request: GenerationRequest, untaken: set[str], *, takes_top_k: bool) -> None:
        self._untaken = untaken
        self._stop = request.sampling.stop
        self._fitted = False
        self.body = _body(model_id, request, takes_top_k=takes_top_k)
        for parameter in untaken:
            self._leave_out(parameter)

    @property
    def unsent_stop(self) -> tuple[str, ...]:
        """The stop strings that the upstream doesn't know of."""
        return () if "stop" in self.body else self._stop

    def mended(self, status: int, said: str) -> bool:
        """Whether the body is now another one, which the refusal `said` doesn't speak of."""
        untaken = untaken_parameter(status, said)
        if untaken and self._leave_out(untaken.name):
            if untaken.always:
                self._untaken.add(untaken.name)
            return True
        return self._fit(status, said)

    def _leave_out(self, parameter: str) -> bool:
        """Whether it was there, and the request does without."""
        if parameter not in self.body:
            return False
        if parameter == _MAX_TOKENS:
            self.body[_MAX_COMPLETION_TOKENS] = self.body.pop(_MAX_TOKENS)
            return True
        if parameter not in _DISPENSABLE:
            return False
        del self.body[parameter]
        if parameter == "logprobs":
            self.body.pop("top_logprobs", None)
        return True

    def _fit(self, status: int, said: str) -> bool:
        """Once: an answer no longer than there is room for. Without a number an upstream writes into what is left,
        which is less than was asked for.
        """
        name = _MAX_TOKENS if _MAX_TOKENS in self.body else _MAX_COMPLETION_TOKENS
        room = room_for_answer(status, said)
        if self._fitted or room is None or (room.tokens is not None and room.tokens >= self.body[name]):
            return False
        self._fitted = True
        del self.body[name]
        if room.tokens is not None:
            self.body[name] = room.tokens
        return True


def _body(model_id: str, request: GenerationRequest, *, takes_top_k: bool) -> dict[str, Any]:
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model_id,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        _MAX_TOKENS: sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.logprobs is not None:
        body["logprobs"] = True
        if sampling.logprobs:
            body["top_logprobs"] = sampling.logprobs
    if takes_top_k:
        if sampling.top_k is not None:
            body["top_k"] = sampling.top_k
        if sampling.repetition_penalty != 1:
            body["repetition_penalty"] = sampling.repetition_penalty
    return body
