"""Why a bucket didn't give what was asked of it, in words for whoever named it."""


class S3Error(Exception):
    """The message says what to do; it never holds a credential, nor what an answer said besides its error code."""


class S3UnreachableError(S3Error):
    """No answer came: refused before connecting, not connected, or silent."""


class S3TooLargeError(S3Error):
    pass


class S3RefusedError(S3Error):
    """The bucket answered with an error; `code` is S3's own, "" where it gave none."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class S3BusyError(S3RefusedError):
    """To be tried again."""
