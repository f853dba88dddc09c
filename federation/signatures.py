"""Draft-cavage HTTP signatures: parse, check, verify, sign.

httpsig supplies the wire format (the text that is signed) and nothing else: its reader of headers forgives
too much and is slow, its verifiers believe the algorithm named by the sender, which lets anybody forge
anybody. RSA and Ed25519 come from `cryptography`; which of them is used follows from the key. Source:
draft-cavage-http-signatures-12.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Final, Never

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from federation import uris
from federation.errors import Malformed, Unauthentic
from federation.http import Request
from federation.keys import PKCS1, SHA256, PrivateKey, PublicKeyHandle
from federation.uris import Uri

MAX_HEADER: Final = 4096
MAX_SIGNATURE: Final = 1024
"""Bytes of a signature; an RSA key of 8192 bits makes 1024."""
MAX_COVERED: Final = 32
OLDEST: Final = timedelta(hours=12)
NEWEST: Final = timedelta(hours=1)
ALGORITHMS: Final = frozenset({None, "hs2019", "rsa-sha256"})
TARGET: Final = "(request-target)"
ALWAYS_COVERED: Final = frozenset({TARGET, "host"})
BODILESS: Final = frozenset({"GET", "HEAD"})
SINGLE: Final = ("host", "date", "digest", "content-type")
"""Headers that mean something only once; a second one is how two parsers are made to disagree."""
ITEM: Final = r'([A-Za-z][A-Za-z-]{0,31})=(?:"([^"\\]*)"|([0-9]{1,15}))'
SHAPE: Final = re.compile(rf"{ITEM}(?:[ \t]*,[ \t]*{ITEM})*\Z")
ITEMS: Final = re.compile(ITEM)
COVERED: Final = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
RAW_TARGET: Final = re.compile(r"/[\x21-\x7e]*\Z")
DIGITS: Final = re.compile(r"[0-9]{1,12}\Z")
HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{1,2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)\Z",
    re.ASCII,
)
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _wire_format() -> Callable[..., bytes]:
    """Import the function of httpsig that builds the signed text.

    While it is imported, httpsig asks `pkg_resources` for its own version: a module it does not declare,
    absent from newer installations, slow and noisy where it is there. An empty stand-in serves, and is
    taken away again.
    """
    standing_in = "pkg_resources" not in sys.modules
    if standing_in:
        stand_in = ModuleType("pkg_resources")
        stand_in.__dict__.update(get_distribution=_no_distribution, DistributionNotFound=LookupError)
        sys.modules["pkg_resources"] = stand_in
    try:
        from httpsig.utils import generate_message
    finally:
        if standing_in:
            del sys.modules["pkg_resources"]
    build: Callable[..., bytes] = generate_message
    return build


def _no_distribution(name: str) -> Never:
    raise LookupError(name)


GENERATE_MESSAGE: Final = _wire_format()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a `Signature` header says, still unproven. Times are seconds since 1970."""

    key_id: Uri
    algorithm: str | None
    covered: tuple[str, ...]
    signature: bytes
    created: int | None = None
    expires: int | None = None


def parse(request: Request) -> Claim | None:
    """Read the one `Signature` header, or return None where there is none.

    Raises `Unauthentic("signature_invalid")` for two headers, more than 4 KiB, repeated or odd parameters,
    a repeated covered name, an algorithm other than `hs2019` and `rsa-sha256`, and a signature that is not
    strict base64.
    """
    values = request.all("signature")
    if not values:
        return None
    if len(values) > 1:
        raise _invalid("several headers")
    text = values[0].strip()
    if len(text) > MAX_HEADER or not is_plain(text):
        raise _invalid("too long or odd characters")
    text = text.removeprefix("Signature ").lstrip()
    given = _parameters(text)
    algorithm = given["algorithm"].lower() if "algorithm" in given else None
    if algorithm not in ALGORITHMS:
        raise _invalid("algorithm")
    covered = _covered(given.get("headers", "date"))
    if algorithm == "rsa-sha256" and ("(created)" in covered or "(expires)" in covered):
        raise _invalid("created or expires with a named algorithm")
    try:
        key_id = uris.parse(given.get("keyid"))
    except Malformed as error:
        raise _invalid("keyId") from error
    return Claim(
        key_id=key_id,
        algorithm=algorithm,
        covered=covered,
        signature=_base64(given.get("signature", ""), MAX_SIGNATURE),
        created=_seconds(given, "created", covered),
        expires=_seconds(given, "expires", covered),
    )


def check(claim: Claim, request: Request, *, now: datetime, hosts: frozenset[str]) -> dict[str, str]:
    """Raise `Unauthentic` unless the claim would prove this very request, apart from the key.

    Returns the covered headers as they enter the signed text.

    The signature must cover request target, host, a time, and for anything but GET and HEAD the digest; the
    host must be one of ours; the times must lie between 12 hours ago and in one hour; the digest must fit
    the raw body.
    """
    covered = frozenset(claim.covered)
    needs_digest = bool(request.body) or request.method.upper() not in BODILESS
    if not covered >= ALWAYS_COVERED or not covered & {"date", "(created)"}:
        raise _invalid("coverage")
    if needs_digest and "digest" not in covered:
        raise _invalid("coverage of the digest")
    if not RAW_TARGET.match(request.target):
        raise _invalid("request target")
    check_single(request)
    check_host(request, hosts)
    values = _values(claim, request)
    if "date" in covered:
        check_clock(read_date(request.first("date") or ""), now)
    if "(created)" in covered:
        check_clock(moment(claim.created or 0), now)
    check_expiry(claim.expires, now)
    if needs_digest or "digest" in covered:
        check_digest(request)
    return values


def verify(
    claim: Claim, request: Request, key: PublicKeyHandle, *, values: Mapping[str, str] | None = None
) -> None:
    """Raise `Unauthentic("signature_invalid")` unless `key` signed this request as the claim says.

    `values` are what `check` returned for this very request, where that is at hand.
    The target is tried as received and then without its query, which some software leaves out when signing.
    `hs2019` with an RSA key means SHA-256 to most and SHA-512 to some.
    """
    values = _values(claim, request) if values is None else values
    targets = [request.target]
    if "?" in request.target:
        targets.append(request.target.partition("?")[0])
    messages = [
        GENERATE_MESSAGE(claim.covered, values, method=request.method, path=target) for target in targets
    ]
    if any(key.is_signature(claim.signature, message) for message in messages):
        return
    if (
        claim.algorithm == "hs2019"
        and key.kind == "rsa"
        and any(key.is_signature(claim.signature, message, sha512=True) for message in messages)
    ):
        return
    raise _invalid("signature")


def sign(
    method: str,
    uri: Uri,
    headers: Mapping[str, str],
    body: bytes,
    *,
    key_id: Uri,
    private: PrivateKey,
    now: datetime,
) -> dict[str, str]:
    """Return every header to send: the given ones, `Host`, `Date`, for a body `Digest` and `Content-Type`,
    `Signature`.

    Covers request target, host and date; with a body also digest and content type; and a
    `Collection-Synchronization` header, which counts only when signed (FEP-8fcf).
    """
    sent = {name.title(): value for name, value in headers.items()}
    sent["Host"] = uris.host(uri)
    sent["Date"] = write_date(now)
    covered = [TARGET, "host", "date"]
    if body or method.upper() not in BODILESS:
        sent["Digest"] = digest(body)
        sent.setdefault("Content-Type", "application/activity+json")
        covered += ["digest", "content-type"]
    if "Collection-Synchronization" in sent:
        covered.append("collection-synchronization")
    message = GENERATE_MESSAGE(covered, sent, method=method, path=target_of(uri))
    if isinstance(private, RSAPrivateKey):
        algorithm, signature = "rsa-sha256", private.sign(message, PKCS1, SHA256)
    else:
        algorithm, signature = "hs2019", private.sign(message)
    sent["Signature"] = (
        f'keyId="{key_id}",algorithm="{algorithm}",headers="{" ".join(covered)}",'
        f'signature="{base64.b64encode(signature).decode("ascii")}"'
    )
    return sent


def digest(body: bytes) -> str:
    """Return the value of a `Digest` header (RFC 3230) for these bytes."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def check_digest(request: Request) -> None:
    """Raise `Unauthentic("signature_invalid")` unless `Digest` has exactly one SHA-256 and it fits the raw
    body."""
    found = [
        value
        for name, _, value in (
            part.strip().partition("=") for part in (request.first("digest") or "").split(",")
        )
        if name.lower() == "sha-256"
    ]
    if len(found) != 1:
        raise _invalid("digest missing or repeated")
    if not hmac.compare_digest(_base64(found[0], 32), hashlib.sha256(request.body).digest()):
        raise _invalid("digest of another body")


def check_single(request: Request) -> None:
    """Raise `Unauthentic("signature_invalid")` where a header stands twice that has meaning only once."""
    names = [name for name, _ in request.headers if name in SINGLE]
    if len(names) != len(set(names)):
        raise _invalid("repeated header")


def check_host(request: Request, hosts: frozenset[str]) -> None:
    """Raise `Unauthentic("signature_invalid")` unless the request was sent to one of our names."""
    name = request.first("host") or ""
    if name in hosts:
        return
    try:
        ours = uris.parse_host(name) in hosts
    except Malformed as error:
        raise _invalid("host") from error
    if not ours:
        raise _invalid("host")


def check_clock(at: datetime, now: datetime) -> None:
    """Raise `Unauthentic("stale")` unless `at` lies between 12 hours before and one hour after `now`."""
    if not now - OLDEST <= at <= now + NEWEST:
        raise Unauthentic("stale", "outside the clock window")


def check_expiry(expires: int | None, now: datetime) -> None:
    """Raise `Unauthentic("stale")` where a claim ended more than one hour ago; clocks at home are often
    wrong."""
    if expires is not None and now - NEWEST > moment(expires):
        raise Unauthentic("stale", "expired")


def moment(seconds: int) -> datetime:
    """Return the time so many seconds after 1970; raise `Unauthentic("stale")` for absurd numbers."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Unauthentic("stale", "no such time") from error


def read_date(text: str) -> datetime:
    """Read an HTTP date (RFC 9110 section 5.6.7, the current form only); raise `Unauthentic("stale")`
    otherwise."""
    match = HTTP_DATE.match(text)
    if match is None or match[2] not in MONTHS:
        raise Unauthentic("stale", "unreadable date")
    day, month, year, hour, minute, second = match.groups()
    try:
        # A leap second is written 60, which datetime does not know.
        second = "59" if second == "60" else second
        return datetime(
            int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError as error:
        raise Unauthentic("stale", "no such date") from error


def write_date(at: datetime) -> str:
    """Return an HTTP date, independent of the machine's locale."""
    at = at.astimezone(UTC)
    return f"{DAYS[at.weekday()]}, {at.day:02d} {MONTHS[at.month - 1]} {at.year:04d} {at:%H:%M:%S} GMT"


def is_plain(text: str) -> bool:
    """Say whether a header's value is printable ASCII: nothing in it can end a line or begin another."""
    return text.isascii() and text.isprintable()


def target_of(uri: Uri) -> str:
    """Return path and query of a URI exactly as they go on the wire."""
    rest = uris.without_fragment(uri)[len(uris.origin(uri)) :]
    return rest if rest.startswith("/") else f"/{rest}"


def _parameters(text: str) -> dict[str, str]:
    if not SHAPE.match(text):
        raise _invalid("shape")
    items = ITEMS.findall(text)
    given = {name.lower(): quoted or number for name, quoted, number in items}
    if len(given) != len(items):  # somebody hopes that we take the one, and others the other
        raise _invalid("repeated parameters")
    return given


def _covered(text: str) -> tuple[str, ...]:
    covered = tuple(text.lower().split(" "))
    if len(covered) > MAX_COVERED or len(set(covered)) != len(covered):
        raise _invalid("covered names repeated or too many")
    special = {TARGET, "(created)", "(expires)"}
    if not all(name in special or COVERED.match(name) for name in covered):
        raise _invalid("covered names")
    return covered


def _seconds(given: Mapping[str, str], name: str, covered: tuple[str, ...]) -> int | None:
    text = given.get(name)
    if text is None and f"({name})" not in covered:
        return None
    if text is None or not DIGITS.match(text):
        raise _invalid(name)
    return int(text)


def _base64(text: str, most: int) -> bytes:
    if len(text) > 4 * (most // 3 + 1):
        raise _invalid("base64 too long")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _invalid("base64") from error


def _values(claim: Claim, request: Request) -> dict[str, str]:
    """Return the covered headers as they enter the signed text; raise where one is missing or could add a
    line."""
    values: dict[str, str] = {}
    for name in claim.covered:
        if name == TARGET:
            continue
        if name in ("(created)", "(expires)"):
            values[name] = str(claim.created if name == "(created)" else claim.expires)
            continue
        lines = [value.strip(" \t") for key, value in request.headers if key == name]
        if not lines:
            raise _invalid("covered header missing")
        value = lines[0] if len(lines) == 1 else ", ".join(lines)
        if not is_plain(value):
            raise _invalid("covered header with odd characters")
        values[name] = value
    return values


def _invalid(detail: str) -> Unauthentic:
    return Unauthentic("signature_invalid", detail)
