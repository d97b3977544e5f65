"""Connections that can only reach checked addresses: resolving, checking and connecting are one step.

What was checked is what is connected to, so that a name which resolves differently a moment later changes nothing. TLS
still verifies the name, and the Host header still carries it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from httpcore import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from libs.fetch.addresses import Network, is_allowed
from libs.fetch.errors import AddressRefusedError

Resolve = Callable[[str, int], Awaitable[list[str]]]

# One after another; a host with more is as good as any other after these.
ADDRESSES_TRIED = 4
# Threads of their own: a name server that answers slowly on purpose must not hold up what else threads do here.
_RESOLVERS = ThreadPoolExecutor(8, "resolve")


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver gives, best first; none for a name that doesn't exist."""
    try:
        found = await asyncio.get_running_loop().run_in_executor(
            _RESOLVERS, partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(AsyncNetworkBackend):
    """httpcore's TCP connections, to addresses that may be fetched from. Raises AddressRefusedError.

    One refused address of a host refuses the host.
    """

    def __init__(self, allowed_networks: Sequence[Network], resolve: Resolve) -> None:
        self._allowed_networks = allowed_networks
        self._resolve = resolve
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own form
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if not addresses or not all(is_allowed(address, self._allowed_networks) for address in addresses):
            raise AddressRefusedError(host)
        error: Exception | None = None
        for address in addresses[:ADDRESSES_TRIED]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except ConnectError as failed:
                error = failed
        raise ConnectError(str(error)) from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's own form
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> AsyncNetworkStream:
        raise AddressRefusedError(path)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
