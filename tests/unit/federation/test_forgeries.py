"""Forgeries that a well-known verifier believes, kept dead here.

httpsig lets the sender name the algorithm. With `hmac-sha256` the published public key becomes the shared
secret, so anybody can sign as anybody. That is why only its text functions are used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from federation import authenticity, keys, signatures
from federation.errors import Unauthentic
from federation.http import Request
from tests.unit.federation.requests import (
    BODY,
    DEFAULT_COVERED,
    IO_KEY,
    NOW,
    ORIGIN,
    PRIVATE,
    PUBLIC,
    by_hand,
    httpsig,
    signed,
    with_header,
)

PEM = keys.public_pem(PRIVATE)


def refuse(request: Request) -> None:
    with pytest.raises(Unauthentic):
        authenticity.claimed_key(request, origin=ORIGIN, now=NOW).verify(PUBLIC)


def believed_by_httpsig(request: Request) -> bool:
    verifier = httpsig.HeaderVerifier(
        dict(request.headers),
        PEM,
        required_headers=DEFAULT_COVERED.split(),
        method=request.method,
        path=request.target,
        host="support.example",
        sign_header="signature",
    )
    return bool(verifier.verify())


def forged(algorithm: str) -> Request:
    """Return a delivery in Io's name by somebody who knows nothing but Io's public key."""
    request = with_header(signed(), "signature")
    lines = {**dict(request.headers), "(request-target)": f"post {request.target}"}
    text = "\n".join(f"{name}: {lines[name]}" for name in DEFAULT_COVERED.split())
    made = base64.b64encode(hmac.digest(PEM.encode(), text.encode(), hashlib.sha256)).decode()
    header = f'keyId="{IO_KEY}",algorithm="{algorithm}",headers="{DEFAULT_COVERED}",signature="{made}"'
    return with_header(request, "signature", header)


def test_the_public_key_as_a_shared_secret_is_refused() -> None:
    request = forged("hmac-sha256")
    assert believed_by_httpsig(request)
    refuse(request)


@pytest.mark.parametrize("algorithm", ["hs2019", "rsa-sha256", "HMAC-SHA256"])
def test_the_same_forgery_under_another_name_is_refused(algorithm: str) -> None:
    refuse(forged(algorithm))


def test_the_same_forgery_by_rfc_9421_is_refused() -> None:
    request = with_header(signed(scheme="rfc9421"), "signature")
    described = (request.first("signature-input") or "").replace("rsa-v1_5-sha256", "hmac-sha256")
    values = {**dict(request.headers), "@method": "POST", "@target-uri": f"{ORIGIN}/ap/inbox"}
    covered = ("@method", "@target-uri", "content-digest", "content-type")
    base = "".join(f'"{name}": {values[name]}\n' for name in covered)
    base += f'"@signature-params": {described.removeprefix("sig1=")}'
    made = base64.b64encode(hmac.digest(PEM.encode(), base.encode(), hashlib.sha256)).decode()
    forged = with_header(with_header(request, "signature-input", described), "signature", f"sig1=:{made}:")
    refuse(forged)


def test_a_second_signature_parameter_does_not_win() -> None:
    request = signed()
    text = request.first("signature") or ""
    poisoned = text.replace(IO_KEY, "https://evil.example/u/x#main-key") + f',keyId="{IO_KEY}"'
    assert believed_by_httpsig(with_header(request, "signature", poisoned))
    refuse(with_header(request, "signature", poisoned))


def test_a_signed_digest_of_another_body_does_not_pass() -> None:
    request = by_hand(headers={"digest": signatures.digest(b"something harmless")})
    assert believed_by_httpsig(request)
    refuse(request)


def test_an_old_delivery_does_not_pass() -> None:
    request = by_hand(headers={"date": "Wed, 01 May 2019 12:00:00 GMT"})
    assert believed_by_httpsig(request)
    refuse(request)


def test_a_delivery_signed_for_somebody_else_does_not_pass() -> None:
    request = by_hand(headers={"host": "pie.example"})
    with pytest.raises(Unauthentic, match="host"):
        authenticity.claimed_key(request, origin=ORIGIN, now=NOW)


def test_a_cavage_signature_cannot_ride_beside_an_rfc_9421_one() -> None:
    request = signed()
    newer = signed(scheme="rfc9421")
    both = Request(
        "POST",
        request.target,
        (*request.headers, ("signature-input", newer.first("signature-input") or "")),
        BODY,
    )
    refuse(both)
