"""The one way to other servers: `federation.http.Transport` over aiohttp, which never dials a private
address.

The address is checked where the socket is made, after every name has been resolved, so neither a literal
address nor a name that changes its answer gets around it. Redirects, cookies, proxies of the environment
and cached answers of the name service are all switched off. Source: IANA special-purpose address
registries.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from federation import uris
from federation.errors import Malformed, Unreachable
from federation.http import Reply
from federation.uris import Uri

Network = IPv4Network | IPv6Network

CONNECT_SECONDS: Final = 5.0
CHUNK: Final = 64 * 1024
MAX_CONNECTIONS: Final = 128
MAX_CONNECTIONS_PER_HOST: Final = 8
IDLE_SECONDS: Final = 15.0
ACCEPT_ENCODING: Final = "gzip, deflate"
FORBIDDEN: Final = "forbidden address"

DENIED: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)
"""Ends in a number and is no proper address: `127.1` and `0x7f.1` are loopback to some resolvers."""
PUBLIC_V6: Final = IPv6Network("2000::/3")
"""The only IPv6 space that is given out. Everything else is loopback, private, link local, multicast, or
wraps an IPv4 address (mapped, compatible, NAT64) that could be any of these."""
SPECIAL_NAMES: Final = frozenset({"alt", "arpa", "internal", "invalid", "lan", "local", "localhost", "onion"})


class HttpClient:
    """Sends requests to public https addresses on port 443.

    `allow_networks` are reached although they are not public, and on any port; `allow_http` admits plain
    http, and any port. Both are for tests and development. Use as an async context manager, or call
    `close`.
    """

    def __init__(
        self, *, user_agent: str, allow_http: bool = False, allow_networks: Iterable[Network] = ()
    ) -> None:
        self._user_agent = user_agent
        self._allow_http = allow_http
        self._allow_networks = tuple(allow_networks)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(
        self,
        method: str,
        uri: Uri,
        headers: dict[str, str],
        body: bytes = b"",
        *,
        limit: int,
        seconds: float,
    ) -> Reply:
        """Send one request; return the answer with at most `limit` bytes of unpacked body within `seconds`.

        Raises `Unreachable` and nothing else: `forbidden_address`, `timeout`, `tls`, `refused`, `too_large`
        (with the status as detail), `bad_answer`.
        """
        try:
            url = self._checked(uri)
            sent = {"User-Agent": self._user_agent, "Accept-Encoding": ACCEPT_ENCODING, **headers}
            async with asyncio.timeout(seconds):
                async with self._opened().request(
                    method, url, headers=sent, data=body or None, allow_redirects=False
                ) as answer:
                    return await _read(answer, uri, limit)
        except Unreachable:
            raise
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, EOFError) as error:
            raise Unreachable(_code(error)) from error

    def _checked(self, uri: Uri) -> URL:
        """Return the URL to dial, spelled exactly as signed; raise for schemes, ports and names we never
        dial."""
        try:
            parsed = uris.parse(uri)
        except Malformed as error:
            raise Unreachable("forbidden_address", "not a URI") from error
        # `encoded` keeps aiohttp from spelling the path otherwise than it was signed.
        url = URL(parsed, encoded=True)
        is_free = self._allow_http or bool(self._allow_networks)
        if url.scheme != "https" and not self._allow_http:
            raise Unreachable("forbidden_address", "scheme")
        if not is_free and url.port != 443:
            raise Unreachable("forbidden_address", "port")
        name = url.host or ""
        if not _is_address(name) and (NUMBER.fullmatch(name) or (not is_free and _is_special(name))):
            raise Unreachable("forbidden_address", "name")
        return url

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=_tls(),
                resolver=ThreadedResolver(),
                use_dns_cache=False,
                socket_factory=self._socket,
                limit=MAX_CONNECTIONS,
                limit_per_host=MAX_CONNECTIONS_PER_HOST,
                keepalive_timeout=IDLE_SECONDS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=True,
                raise_for_status=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        """Make the socket for one resolved address, or refuse it; called for every single attempt to
        connect."""
        family, kind, protocol, _, destination = address
        if not is_allowed(str(destination[0]), self._allow_networks):
            raise PermissionError(errno.EACCES, FORBIDDEN)
        return socket.socket(family, kind, protocol)


def is_allowed(text: str, allow_networks: Iterable[Network] = ()) -> bool:
    """Say whether a numeric address may be dialled: it is public, or lies in one of `allow_networks`."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if any(_is_within(address, network) for network in allow_networks):
        return True
    if isinstance(address, IPv6Address) and address not in PUBLIC_V6:
        return False
    return not any(_is_within(address, network) for network in DENIED)


def _is_within(address: IPv4Address | IPv6Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _is_special(name: str) -> bool:
    """Names without a dot and names of no public zone belong to somebody's own network; do not even ask for
    them."""
    return "." not in name or name.rpartition(".")[2] in SPECIAL_NAMES


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _read(answer: aiohttp.ClientResponse, uri: Uri, limit: int) -> Reply:
    """Read the body piece by piece, unpacked, and stop where it passes the limit."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(CHUNK):
        size += len(part)
        if size > limit:
            answer.close()
            raise Unreachable("too_large", str(answer.status))
        parts.append(part)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, b"".join(parts), uri)


def _code(error: Exception) -> str:
    if FORBIDDEN in str(error):
        return "forbidden_address"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "tls"
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return "refused"
    return "bad_answer"
