"""URIs and hosts: parse once, compare as text afterwards.

A `Uri` is normalised (lower-case scheme and host, punycode, default port and trailing dot removed), so
    equality of
text is equality of identity. Source: RFC 3986 section 6, FEP-fe34.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NewType
from urllib.parse import urlsplit

from federation.errors import Malformed

Uri = NewType("Uri", str)
"""An absolute, normalised http or https URI of at most `MAX_LENGTH` bytes."""

Host = NewType("Host", str)
"""A normalised authority: host name or address, with the port where it is not the scheme's default."""

MAX_LENGTH: Final = 2048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
PLAIN: Final = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::(?!(?:80|443)(?![0-9]))[1-9][0-9]{0,3})?(?=[/?#]|$)[\x21-\x7e]*\Z"
)
"""What is normalised already, as nearly all are; the rest is taken apart."""
FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\\<>\"`{}|^\ud800-\udfff]")
LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")


def parse(text: object) -> Uri:
    """Return the normalised URI; raise `Malformed("bad_uri")` for anything that is not an absolute http(s)
    URI.

    Refused: other schemes, user information, control characters, blanks, lone surrogates, more than
    `MAX_LENGTH` bytes.
    """
    if not isinstance(text, str) or not text or len(text) > MAX_LENGTH:
        raise Malformed("bad_uri")
    if not text.isascii() and len(text.encode("utf-8", "replace")) > MAX_LENGTH:
        raise Malformed("bad_uri")
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Uri:
    # One activity names the same few URIs again and again.
    if PLAIN.match(text) and not FORBIDDEN.search(text):
        return Uri(text)
    if FORBIDDEN.search(text):
        raise Malformed("bad_uri")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise Malformed("bad_uri") from error
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or parts.username is not None or parts.password is not None:
        raise Malformed("bad_uri")
    authority = _host(parts.hostname or "")
    if port is not None and port != DEFAULT_PORTS[scheme]:
        authority = f"{authority}:{port}"
    rest = text.split("://", 1)[1]
    cut = min((i for i in (rest.find(c) for c in "/?#") if i >= 0), default=len(rest))
    uri = f"{scheme}://{authority}{rest[cut:]}"
    if len(uri) > MAX_LENGTH:
        raise Malformed("bad_uri")
    return Uri(uri)


def find(text: object) -> Uri | None:
    """Like `parse`, with None for what is no URI."""
    try:
        return parse(text)
    except Malformed:
        return None


def parse_host(text: str) -> Host:
    """Normalise an authority as people type it (`Example.ORG.`, `bücher.example`, `127.0.0.1:8000`)."""
    text = text.strip().lower()
    if not text or len(text) > 255 or FORBIDDEN.search(text) or any(c in text for c in "/?#@"):
        raise Malformed("bad_host")
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError as error:
        raise Malformed("bad_host") from error
    try:
        name = _host(parts.hostname or "")
    except Malformed as error:
        raise Malformed("bad_host") from error
    return Host(name if port is None or port in (80, 443) else f"{name}:{port}")


def _host(name: str) -> str:
    name = name.removesuffix(".")
    if ":" in name:
        try:
            return f"[{IPv6Address(name)}]"
        except ValueError as error:
            raise Malformed("bad_uri") from error
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise Malformed("bad_uri") from error
    name = name.lower()
    if not name or len(name) > 253 or not all(LABEL.match(label) for label in name.split(".")):
        raise Malformed("bad_uri")
    return name


@lru_cache(maxsize=4096)
def host(uri: str) -> Host:
    """Return the authority of an already parsed URI, port included."""
    authority = uri.split("://", 1)[1].partition("/")[0]
    if "?" in authority or "#" in authority:
        authority = authority.partition("?")[0].partition("#")[0]
    return Host(authority)


@lru_cache(maxsize=4096)
def origin(uri: str) -> str:
    """Return scheme and authority of an already parsed URI, e.g. `https://peer.example:8443`."""
    return f"{uri.split('://', 1)[0]}://{host(uri)}"


def same_origin(one: str, *others: str) -> bool:
    """Say whether all these parsed URIs share scheme, host and port."""
    mine = origin(one)
    return all(origin(other) == mine for other in others)


def without_fragment(uri: Uri) -> Uri:
    """Return the URI up to its `#`."""
    return Uri(uri.partition("#")[0])


def is_under(name: str, domain: str) -> bool:
    """Say whether host `name` is `domain` or one of its subdomains; a port in `domain` must match."""
    if name == domain:
        return True
    bare = name.rsplit(":", 1)[0] if not name.startswith("[") else name
    return bare == domain or bare.endswith(f".{domain}")
