"""What the service says to requests that it can't serve."""

from libs.contracts.errors import ErrorCode, FootnoteError

EMBEDDING_MODEL = "embedding model"
ENTAILMENT_MODEL = "entailment model"


def invalid(message: str, param: str) -> FootnoteError:
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"param": param})


def unknown_model(asked: str, served: list[str], kind: str) -> FootnoteError:
    """`kind` is one of the two above."""
    known = f"Use {' or '.join(map(repr, served))}." if served else "None is configured."
    return FootnoteError(ErrorCode.MODEL_NOT_FOUND, f"There is no {kind} {asked!r}. {known}", 404, {"param": "model"})


def not_loaded(model: str, state: str, retry_after_s: int, kind: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.UPSTREAM_UNAVAILABLE,
        f"The {kind} {model!r} {state}. Try again in {retry_after_s} s.",
        503,
        {"service": "embedding"},
        {"Retry-After": str(retry_after_s)},
    )
