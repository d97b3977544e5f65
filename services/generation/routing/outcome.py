"""What a caller learns when no model of its route could answer."""

from libs.contracts.completions import FAILURES, CompletionRequest, SkipReason
from libs.contracts.errors import ErrorCode, FootnoteError
from services.generation.routing.candidates import Refusals
from services.generation.routing.table import Table


def nobody_answered(request: CompletionRequest, table: Table, plan: str | None, refusals: Refusals) -> FootnoteError:
    """The error that helps most: what a retry may cure, before what only another request or plan would."""
    reasons = refusals.reasons()
    if SkipReason.BUSY in reasons:
        seconds = refusals.retry_after_s[SkipReason.BUSY]
        return _later(ErrorCode.OVERLOADED, 429, "Too many answers are being written.", seconds)
    if refusals.engine_refused:
        return FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"The model {request.model!r} refused this request. Shorten or change its messages.",
            422,
            {"param": "messages"},
        )
    if reasons & FAILURES:
        message = "The language model can't answer right now."
        seconds = min(refusals.retry_after_s.values())
        return _later(ErrorCode.UPSTREAM_UNAVAILABLE, 503, message, seconds)
    return _lasting(reasons, refusals) or table.unknown(request.model, plan)


def _lasting(reasons: set[SkipReason], refusals: Refusals) -> FootnoteError | None:
    """What no retry cures; None where the plan is what is missing."""
    if SkipReason.PROMPT_TOO_LONG in reasons:
        return FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"This model's maximum context length is {refusals.largest_context} tokens, prompt and answer together. "
            f"However, your messages resulted in {refusals.roughly}{refusals.prompt_tokens} tokens. "
            "Shorten the messages or send fewer passages.",
            422,
            {"param": "messages", "prompt_tokens": refusals.prompt_tokens, "limit": refusals.largest_context},
        )
    if SkipReason.TOO_EXPENSIVE in reasons:
        return FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"The answer could cost {refusals.most_cost:.4f} US dollars, more than its route allows. "
            "Ask for fewer max_tokens or send shorter messages.",
            422,
            {"param": "max_tokens"},
        )
    if SkipReason.NO_DOCUMENTS in reasons and SkipReason.NOT_ENTITLED not in reasons:
        return FootnoteError(
            ErrorCode.NO_GENERATOR,
            "Without documents a generator must answer, and none is installed. "
            "Install one: footnote models install qwen",
            422,
            {"param": "documents"},
        )
    return None


def _later(code: ErrorCode, status: int, message: str, seconds: int) -> FootnoteError:
    return FootnoteError(code, f"{message} Try again in {seconds} s.", status, {}, {"Retry-After": str(seconds)})
