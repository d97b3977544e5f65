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


class _DeviceError(FootnoteError):
    """`reason` is the device's own, for the log."""

    def __init__(self, state: str, retry_after_s: int, reason: str) -> None:
        super().__init__(
            ErrorCode.UPSTREAM_UNAVAILABLE,
            f"The device that runs the model {state}. Try again in {retry_after_s} s.",
            503,
            {"service": "embedding"},
            {"Retry-After": str(retry_after_s)},
        )
        self.reason = reason


class DeviceFullError(_DeviceError):
    """Its memory doesn't suffice for what was asked at once."""

    def __init__(self, reason: str) -> None:
        super().__init__("has too little memory for this now", 5, reason)


class DeviceLostError(_DeviceError):
    """It can't be used any more in this process."""

    def __init__(self, reason: str) -> None:
        super().__init__("gave up, and the service starts again", 10, reason)
