"""Why a page wasn't fetched, in words for whoever asked for it."""


class FetchError(Exception):
    """The message says what to do; it never tells what an address inside the network answered."""


class AddressRefusedError(FetchError):
    """The host has no address that may be fetched from; the same words for one that doesn't exist."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} can't be fetched from: it has no public address. Check it, or ask your operator.")


class RobotsDisallowError(FetchError):
    pass


class TooLargeError(FetchError):
    pass


class PageStatusError(FetchError):
    """The host answered with a status other than 200."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url!r} answered {status}. Check the address.")
        self.status = status
