"""What an OpenAI-compatible server's refusal means for our caller."""

import re
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, ValidationError

from services.generation.ports import EngineRefusedError, EngineUnavailableError, PromptTooLongError

# Of an error body; it is for our log only.
REASON_CHARS = 300
# A wrong key or model is put right by an operator, not by a moment's waiting.
_MISCONFIGURED_RETRY_S = 30
_CONTEXT_EXCEEDED = "context_length_exceeded"
# OpenAI and vLLM say it in words only; a Footnote says it in ours.
_LIMIT = re.compile(r"(?:maximum context length (?:is|of)|the model takes) (\d+)")
# The most telling first: what was "requested" holds the answer's tokens too.
_PROMPT = (
    re.compile(r"\((\d+) in the messages"),
    re.compile(r"resulted in (\d+) tokens"),
    re.compile(r"(?:has|contains|at least) (\d+) (?:input )?tokens"),
    re.compile(r"requested (?:about )?(\d+) tokens"),
)


class _Error(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: str = ""
    code: str | int | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    error: _Error | None = None
    # vLLM before 0.10 puts both beside each other.
    message: str = ""


def refusal(status: int, body: str, *, model: str, context_tokens: int) -> EngineUnavailableError | PromptTooLongError:
    """The error for an answer that is no success; `body` is its beginning."""
    said = body[:REASON_CHARS]
    if status == HTTPStatus.BAD_REQUEST and (too_long := _too_long(body, context_tokens)):
        return too_long
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            reason = f"The upstream refused our key ({status}): {said}"
        case HTTPStatus.NOT_FOUND:
            reason = f"The upstream has no model {model!r}, or its address is wrong (404): {said}"
        case HTTPStatus.BAD_REQUEST | HTTPStatus.REQUEST_ENTITY_TOO_LARGE | HTTPStatus.UNPROCESSABLE_ENTITY:
            return EngineRefusedError(f"The upstream answered {status}: {said}")
        case _:
            return EngineUnavailableError(f"The upstream answered {status}: {said}")
    return EngineUnavailableError(reason, _MISCONFIGURED_RETRY_S)


def _too_long(body: str, context_tokens: int) -> PromptTooLongError | None:
    try:
        parsed = _Body.model_validate_json(body)
    except ValidationError:
        return None
    error = parsed.error or _Error(message=parsed.message)
    limit = _LIMIT.search(error.message)
    if error.code != _CONTEXT_EXCEEDED and not limit:
        return None
    prompt = next((found for pattern in _PROMPT if (found := pattern.search(error.message))), None)
    return PromptTooLongError(int(prompt[1]) if prompt else None, int(limit[1]) if limit else context_tokens)
