"""What the service says to requests that it can't serve."""

from libs.contracts.errors import ErrorCode, FootnoteError


def invalid(message: str, param: str) -> FootnoteError:
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"param": param})


def unknown_model(asked: str, served: list[str]) -> FootnoteError:
    known = " or ".join(map(repr, served)) or "'default'"
    return FootnoteError(
        ErrorCode.MODEL_NOT_FOUND, f"There is no embedding model {asked!r}. Use {known}.", 404, {"param": "model"}
    )


def not_loaded(model: str, state: str, retry_after_s: int) -> FootnoteError:
    return FootnoteError(
        ErrorCode.UPSTREAM_UNAVAILABLE,
        f"The embedding model {model!r} {state}. Try again in {retry_after_s} s.",
        503,
        {"service": "embedding"},
        {"Retry-After": str(retry_after_s)},
    )
