"""RFC 9421 HTTP message signatures: parse, check, verify, sign.

http-message-signatures builds and verifies the signature base; which requests it is shown, and by which
clock, is decided here. The address of the request is never taken from its headers: it is our configured
origin and the raw target. Sources: RFC 9421, RFC 9530 (Content-Digest).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

import http_sf
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ED25519, RSA_V1_5_SHA256

from federation import signatures, uris
from federation.errors import Malformed, Unauthentic
from federation.http import Request
from federation.keys import PKCS1, SHA256, PrivateKey, PublicKeyHandle
from federation.uris import Uri

LABEL: Final = "sig1"
DERIVED: Final = frozenset(
    {"@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"}
)
FIELD: Final = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
METADATA: Final = frozenset({"alg", "created", "expires", "keyid", "nonce", "tag"})
NAMED: Final = {"rsa": RSA_V1_5_SHA256, "ed25519": ED25519}
CONTENT_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Claim:
    """What `Signature-Input` and `Signature` say, still unproven. Times are seconds since 1970."""

    key_id: Uri
    algorithm: str | None
    covered: tuple[str, ...]
    signature: bytes
    created: int
    expires: int | None = None


class _Verifier(HTTPMessageVerifier):
    """The library's verifier without its own clock: `check` has compared the times with the caller's."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Leave the times alone."""


class _OneKey(HTTPSignatureKeyResolver):
    """Answers every name with the one key that the caller found for the claim's `key_id`."""

    def __init__(self, key: PublicKeyHandle) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Any:
        """Return the key, however its id is spelled on the wire."""
        return self.key.key


def parse(request: Request) -> Claim | None:
    """Read the one signature of a request, or return None where there is no `Signature-Input`.

    Raises `Unauthentic("signature_invalid")` for more than one signature, labels that stand in one header
    only, component parameters, repeated components, and a missing `keyid` or `created`.
    """
    inputs = request.all("signature-input")
    if not inputs:
        return None
    values = request.all("signature")
    if len(inputs) != 1 or len(values) != 1:
        raise _invalid("not one header of each kind")
    described, made = _dictionary(inputs[0]), _dictionary(values[0])
    if len(described) != 1 or described.keys() != made.keys():
        raise _invalid("not one signature")
    (inner, parameters), (signature, _) = (next(iter(found.values())) for found in (described, made))
    if not isinstance(inner, list) or not isinstance(signature, bytes):
        raise _invalid("kinds of members")
    if not 0 < len(signature) <= signatures.MAX_SIGNATURE:
        raise _invalid("size of the signature")
    covered = _covered(inner)
    if not METADATA >= parameters.keys():
        raise _invalid("unknown parameters")
    created, expires = parameters.get("created"), parameters.get("expires")
    algorithm, key_id = parameters.get("alg"), parameters.get("keyid")
    if type(created) is not int or not (expires is None or type(expires) is int):
        raise _invalid("created or expires")
    # Tokens and display strings are subclasses of str here; only a plain string may name a key or an
    # algorithm.
    if type(key_id) is not str or not (algorithm is None or type(algorithm) is str):
        raise _invalid("keyid or alg")
    try:
        return Claim(uris.parse(key_id), algorithm, covered, signature, created, expires)
    except Malformed as error:
        raise _invalid("keyid") from error


def check(claim: Claim, request: Request, *, now: datetime, hosts: frozenset[str]) -> None:
    """Raise `Unauthentic` unless the claim would prove this very request, apart from the key.

    The signature must cover `@method` and the whole address (`@target-uri`, or authority, path and query),
    and for anything but GET and HEAD a digest of the body; times and host as for draft-cavage.
    """
    covered = frozenset(claim.covered)
    if "@method" not in covered or not _covers_address(covered, request.target):
        raise _invalid("coverage")
    if not signatures.RAW_TARGET.match(request.target):
        raise _invalid("request target")
    signatures.check_single(request)
    signatures.check_host(request, hosts)
    for name in covered - DERIVED:
        values = request.all(name)
        if not values or not all(signatures.is_plain(value) for value in values):
            raise _invalid("covered header missing or odd")
    signatures.check_clock(signatures.moment(claim.created), now)
    signatures.check_expiry(claim.expires, now)
    needs_digest = bool(request.body) or request.method.upper() not in signatures.BODILESS
    if needs_digest and not covered & {"content-digest", "digest"}:
        raise _invalid("coverage of the digest")
    if "content-digest" in covered:
        _check_content_digest(request)
    if "digest" in covered:
        signatures.check_digest(request)


def verify(claim: Claim, request: Request, key: PublicKeyHandle, *, origin: str) -> None:
    """Raise `Unauthentic("signature_invalid")` unless `key` signed this request, sent to us at `origin`.

    The key decides: RSA is `rsa-v1_5-sha256`, Ed25519 is `ed25519`; an `alg` that says otherwise is refused.
    """
    algorithm: type[HTTPSignatureAlgorithm] = NAMED[key.kind]
    fields: dict[str, str] = {}
    for name, value in request.headers:
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    message = SimpleNamespace(method=request.method, url=origin + request.target, headers=fields)
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=_OneKey(key))
    try:
        verifier.verify(message, max_age=None)
    except HTTPMessageSignaturesException as error:
        raise _invalid("signature") from error


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
    """Return every header to send: the given ones, `Host`, `Date`, and the signature's own two.

    Covers method and target URI; with a body, `Content-Digest` and `Content-Type` are added and covered too.
    """
    sent = {name.title(): value for name, value in headers.items()}
    sent["Host"] = uris.host(uri)
    sent["Date"] = signatures.write_date(now)
    covered = ["@method", "@target-uri"]
    if body or method.upper() not in signatures.BODILESS:
        sent["Content-Digest"] = content_digest(body)
        sent.setdefault("Content-Type", "application/activity+json")
        covered += ["content-digest", "content-type"]
    if "Collection-Synchronization" in sent:
        covered.append("collection-synchronization")
    address = uris.origin(uri) + signatures.target_of(uri)
    message = SimpleNamespace(method=method.upper(), url=address, headers=sent)
    rsa = isinstance(private, RSAPrivateKey)
    signer = HTTPMessageSigner(signature_algorithm=RSA_V1_5_SHA256 if rsa else ED25519)
    prepared = signer.prepare(
        message,
        key_id=key_id,
        created=now,
        label=LABEL,
        covered_component_ids=covered,
        use_existing_digest="Content-Digest" in sent,
    )
    base = prepared.signature_base
    made = private.sign(base, PKCS1, SHA256) if isinstance(private, RSAPrivateKey) else private.sign(base)
    sent["Signature-Input"] = f"{LABEL}={prepared.signature_params}"
    sent["Signature"] = f"{LABEL}={http_sf.ser(made)}"
    return sent


def content_digest(body: bytes) -> str:
    """Return the value of a `Content-Digest` header (RFC 9530) for these bytes."""
    return f"sha-256={http_sf.ser(hashlib.sha256(body).digest())}"


def _dictionary(text: str) -> dict[str, Any]:
    if len(text) > signatures.MAX_HEADER or not signatures.is_plain(text):
        raise _invalid("too long or odd characters")
    try:
        found = http_sf.parse(text.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse_duplicate)
    except (ValueError, TypeError, OverflowError) as error:
        raise _invalid("not a dictionary") from error
    if not isinstance(found, dict) or not all(isinstance(member, tuple) for member in found.values()):
        raise _invalid("not a dictionary")
    return found


def _refuse_duplicate(key: str, context: str) -> None:
    raise _invalid("repeated key")


def _covered(inner: list[Any]) -> tuple[str, ...]:
    names: list[str] = []
    for name, parameters in inner:
        # `;req`, `;bs`, `;sf`, `;key` and `;tr` change what a name means; no peer needs them for a request.
        if type(name) is not str or parameters or not (name in DERIVED or FIELD.match(name)):
            raise _invalid("component")
        names.append(name)
    if len(names) > signatures.MAX_COVERED or len(set(names)) != len(names):
        raise _invalid("components repeated or too many")
    return tuple(names)


def _covers_address(covered: frozenset[str], target: str) -> bool:
    if "@target-uri" in covered:
        return True
    if "@authority" not in covered:
        return False
    return "@request-target" in covered or ("@path" in covered and ("@query" in covered or "?" not in target))


def _check_content_digest(request: Request) -> None:
    values = request.all("content-digest")
    if len(values) != 1:
        raise _invalid("content digest repeated")
    known = {name: member for name, member in _dictionary(values[0]).items() if name in CONTENT_DIGESTS}
    if not known:
        raise _invalid("content digest of no known kind")
    for name, (value, _) in known.items():
        expected = CONTENT_DIGESTS[name](request.body).digest()
        if not isinstance(value, bytes) or not hmac.compare_digest(value, expected):
            raise _invalid("content digest of another body")


def _invalid(detail: str) -> Unauthentic:
    return Unauthentic("signature_invalid", detail)
