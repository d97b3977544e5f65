"""What an OpenAI-compatible server's refusal means for our caller."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from services.generation.ports import EngineRefusedError, EngineUnavailableError, PromptTooLongError

# Of an error body; it is for our log only.
REASON_CHARS = 300
# A wrong key or model is put right by an operator, not by a moment's waiting.
_MISCONFIGURED_RETRY_S = 30
_CONTEXT_EXCEEDED = "context_length_exceeded"
# Of an account that is used up, which OpenAI tells with a 429 all the same.
_OUT_OF_CREDIT = "insufficient_quota"
# OpenAI and vLLM say it in words only; a Footnote says it in ours.
_LIMIT = re.compile(r"(?:maximum context length (?:is|of)|the model takes) (\d+)")
# The most telling first: what was "requested" holds the answer's tokens too. vLLM counts no further than it must: "at
# least".
_PROMPT = (
    re.compile(r"\((?P<tokens>\d+) in the messages"),
    re.compile(r"(?:resulted in|has|contains) (?P<roughly>about |at least )?(?P<tokens>\d+) (?:input )?tokens"),
    re.compile(r"(?P<roughly>at least )(?P<tokens>\d+) (?:input )?tokens"),
    re.compile(r"requested (?P<roughly>about )?(?P<tokens>\d+) tokens"),
)
_LONGEST_ANSWER = re.compile(r"supports at most (\d+) completion tokens")
_UNTAKEN = "unsupported_parameter"
# Where there is no code. What doesn't begin the message may be quoted from a prompt.
_UNTAKEN_PARAMETER = re.compile(r"(?:Unsupported parameter: '|Unrecognized request argument supplied: )(\w+)")
_UNTAKEN_VALUE = re.compile(r"Unsupported value: '(temperature|top_p)'")
_ONLY_VALUE = "Only the default"


@dataclass(frozen=True)
class Untaken:
    """A parameter that a request does better without; `always` where no value of it is taken."""

    name: str
    always: bool


@dataclass(frozen=True)
class Room:
    """Tokens of the longest answer that is taken; None where the upstream alone knows how many are left."""

    tokens: int | None


class _Error(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: str = ""
    code: str | int | None = None
    type: Any = None
    param: Any = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    error: _Error | None = None
    # vLLM before 0.10 puts both beside each other.
    message: str = ""


def out_of_credit(body: str) -> bool:
    error = _parsed(body)
    return error is not None and _OUT_OF_CREDIT in [error.code, error.type]


def refusal(
    status: int, body: str, *, model: str, context_tokens: int, retry_after_s: int
) -> EngineUnavailableError | PromptTooLongError:
    """The error for an answer that is no success; `body` is its beginning, `retry_after_s` for what may pass."""
    said = body[:REASON_CHARS]
    if too_long := _too_long(status, body, context_tokens):
        return too_long
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            reason = f"The upstream refused our key ({status}): {said}"
        case HTTPStatus.TOO_MANY_REQUESTS:
            reason = f"The upstream's account is used up (429): {said}"
        case HTTPStatus.NOT_FOUND:
            reason = f"The upstream has no model {model!r}, or its address is wrong (404): {said}"
        case HTTPStatus.BAD_REQUEST | HTTPStatus.REQUEST_ENTITY_TOO_LARGE | HTTPStatus.UNPROCESSABLE_ENTITY:
            return EngineRefusedError(f"The upstream answered {status}: {said}")
        case _:
            return EngineUnavailableError(f"The upstream answered {status}: {said}", retry_after_s)
    return EngineUnavailableError(reason, _MISCONFIGURED_RETRY_S)


def untaken_parameter(status: int, body: str) -> Untaken | None:
    """The parameter that the model doesn't take, where the refusal names one."""
    error = _error(status, body)
    if error is None:
        return None
    if found := _UNTAKEN_VALUE.match(error.message):
        return Untaken(found[1], _ONLY_VALUE in error.message)
    if error.code == _UNTAKEN and isinstance(error.param, str):
        return Untaken(error.param, always=True)
    found = _UNTAKEN_PARAMETER.match(error.message)
    return Untaken(found[1], always=True) if found else None


def room_for_answer(status: int, body: str) -> Room | None:
    """None where it isn't the answer that is too long."""
    error = _error(status, body)
    if error is None:
        return None
    if longest := _LONGEST_ANSWER.search(error.message):
        return Room(int(longest[1]))
    limit, prompt = _LIMIT.search(error.message), _prompt(error)
    if limit is None or prompt is None:
        return None
    room = int(limit[1]) - int(prompt["tokens"])
    if room < 1:
        return None
    return Room(None if prompt.groupdict().get("roughly") else room)


def _too_long(status: int, body: str, context_tokens: int) -> PromptTooLongError | None:
    error = _error(status, body)
    if error is None:
        return None
    limit, prompt = _LIMIT.search(error.message), _prompt(error)
    if error.code != _CONTEXT_EXCEEDED and not limit:
        return None
    roughly = (prompt.groupdict().get("roughly") or "") if prompt else ""
    return PromptTooLongError(
        int(prompt["tokens"]) if prompt else None, int(limit[1]) if limit else context_tokens, roughly=roughly
    )


def _error(status: int, body: str) -> _Error | None:
    """What a 400 says, where it says it as OpenAI does."""
    return _parsed(body) if status == HTTPStatus.BAD_REQUEST else None


def _parsed(body: str) -> _Error | None:
    try:
        parsed = _Body.model_validate_json(body)
    except ValidationError:
        return None
    return parsed.error or _Error(message=parsed.message)


def _prompt(error: _Error) -> re.Match[str] | None:
    return next((found for pattern in _PROMPT if (found := pattern.search(error.message))), None)
