"""RFC 9421: what is accepted, and one test for every single way to be refused."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation import keys, signatures, signatures_rfc9421
from federation.errors import Unauthentic
from federation.http import Request
from federation.keys import PublicKeyHandle
from federation.uris import Uri
from tests.unit.federation.requests import (
    BODY,
    HOSTS,
    INBOX,
    IO_KEY,
    NOW,
    ORIGIN,
    OTHER,
    PRIVATE,
    PUBLIC,
    request_of,
    signed,
    vector,
    with_header,
)

STAMP = int(NOW.timestamp())
COVERED = ("@method", "@target-uri", "content-digest", "content-type")
PARAMETERS = f';created={STAMP};keyid="{IO_KEY}";alg="rsa-v1_5-sha256"'
DERIVED = {
    "@method": "POST",
    "@target-uri": str(INBOX),
    "@authority": "support.example",
    "@scheme": "https",
    "@path": "/ap/inbox",
    "@query": "?",
    "@request-target": "/ap/inbox",
}


def accept(request: Request, key: PublicKeyHandle = PUBLIC) -> signatures_rfc9421.Claim:
    claim = signatures_rfc9421.parse(request)
    assert claim is not None
    signatures_rfc9421.check(claim, request, now=NOW, hosts=HOSTS)
    signatures_rfc9421.verify(claim, request, key, origin=ORIGIN)
    return claim


def refuse(request: Request, code: str = "signature_invalid", key: PublicKeyHandle = PUBLIC) -> None:
    with pytest.raises(Unauthentic) as caught:
        accept(request, key)
    assert caught.value.code == code


def by_hand(
    *,
    covered: tuple[str, ...] = COVERED,
    parameters: str = PARAMETERS,
    headers: dict[str, str] | None = None,
    body: bytes = BODY,
    inner: str | None = None,
    derived: dict[str, str] | None = None,
    target: str = "/ap/inbox",
) -> Request:
    """Return a request with a correct signature over exactly what is asked for, made without the library."""
    lines = {
        "host": "support.example",
        "content-type": "application/activity+json",
        "content-digest": signatures_rfc9421.content_digest(body),
        "digest": signatures.digest(body),
        **(headers or {}),
    }
    values = {**lines, **DERIVED, **(derived or {})}
    described = (inner or " ".join(f'"{name}"' for name in covered)) + ")" + parameters
    base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": ({described}'
    assert not isinstance(PRIVATE, Ed25519PrivateKey)
    made = base64.b64encode(PRIVATE.sign(base.encode(), keys.PKCS1, keys.SHA256)).decode()
    sent = (*lines.items(), ("signature-input", f"sig1=({described}"), ("signature", f"sig1=:{made}:"))
    return Request("POST", target, sent, body)


# --- what must be accepted ---


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_we_sign_we_accept(method: str) -> None:
    claim = accept(signed(method, body=b"" if method == "GET" else BODY, scheme="rfc9421"))
    assert claim.key_id == IO_KEY


def test_a_post_covers_method_target_digest_and_type() -> None:
    assert accept(signed(scheme="rfc9421")).covered == COVERED


def test_an_ed25519_key_signs_and_verifies() -> None:
    private = keys.load_private(keys.make_ed25519())
    accept(signed(scheme="rfc9421", private=private), keys.load_public(keys.public_pem(private)))


def test_a_signature_written_by_hand_is_accepted() -> None:
    accept(by_hand())


@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@authority", "@path", "content-digest"),
        ("@method", "@authority", "@path", "@query", "content-digest"),
        ("@method", "@authority", "@request-target", "content-digest"),
        ("@method", "@target-uri", "digest"),
        ("@method", "@target-uri", "content-digest", "@scheme", "host"),
    ],
)
def test_other_ways_to_cover_everything_are_accepted(covered: tuple[str, ...]) -> None:
    accept(by_hand(covered=covered))


@pytest.mark.parametrize(
    "parameters",
    [
        f';created={STAMP};keyid="{IO_KEY}"',
        f';keyid="{IO_KEY}";created={STAMP};nonce="x";tag="y"',
        f';created={STAMP - 11 * 3600};expires={STAMP};keyid="{IO_KEY}"',
    ],
)
def test_optional_parameters_are_accepted(parameters: str) -> None:
    accept(by_hand(parameters=parameters))


def test_a_sha512_digest_is_accepted() -> None:
    digest = base64.b64encode(hashlib.sha512(BODY).digest()).decode()
    accept(by_hand(headers={"content-digest": f"sha-512=:{digest}:"}))


def test_a_query_belongs_to_the_target() -> None:
    uri = Uri(f"{INBOX}?page=2")
    accept(signed("GET", uri, b"", scheme="rfc9421"))
    refuse(replace(signed("GET", uri, b"", scheme="rfc9421"), target="/ap/inbox?page=3"))


def test_no_signature_input_means_no_claim() -> None:
    assert signatures_rfc9421.parse(signed()) is None


# --- what must be refused ---


@pytest.mark.parametrize("missing", ["@method", "@target-uri", "content-digest"])
def test_each_part_must_be_covered(missing: str) -> None:
    refuse(by_hand(covered=tuple(name for name in COVERED if name != missing)))


@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@path", "content-digest"),
        ("@method", "@authority", "content-digest"),
        ("@method", "@authority", "@query", "content-digest"),
    ],
)
def test_half_an_address_is_refused(covered: tuple[str, ...]) -> None:
    refuse(by_hand(covered=covered))


def test_a_query_must_be_covered_where_there_is_one() -> None:
    refuse(by_hand(covered=("@method", "@authority", "@path", "content-digest"), target="/ap/inbox?a=1"))


@pytest.mark.parametrize(
    "parameters",
    [
        f';keyid="{IO_KEY}"',
        f";created={STAMP}",
        f';created="{STAMP}";keyid="{IO_KEY}"',
        f';created={STAMP}.5;keyid="{IO_KEY}"',
        f";created={STAMP};keyid=token",
        f';created={STAMP};keyid="not a uri"',
        f';created={STAMP};keyid="{IO_KEY}";alg="ed25519"',
        f';created={STAMP};keyid="{IO_KEY}";alg="rsa-pss-sha512"',
        f';created={STAMP};keyid="{IO_KEY}";alg="hmac-sha256"',
        f';created={STAMP};keyid="{IO_KEY}";alg=rsa-v1_5-sha256',
        f';created={STAMP};keyid="{IO_KEY}";expires="never"',
        f';created={STAMP};keyid="{IO_KEY}";other=1',
        f';created={STAMP};created={STAMP};keyid="{IO_KEY}"',
        f';created={STAMP};keyid="https://evil.example/x";keyid="{IO_KEY}"',
    ],
)
def test_odd_parameters_are_refused(parameters: str) -> None:
    refuse(by_hand(parameters=parameters))


@pytest.mark.parametrize("created", [STAMP - 13 * 3600, STAMP + 2 * 3600, 2061590400, 0, -1, 999999999999999])
def test_a_time_outside_the_window_is_stale(created: int) -> None:
    refuse(by_hand(parameters=f';created={created};keyid="{IO_KEY}"'), "stale")


def test_an_expired_signature_is_stale() -> None:
    expires = int((NOW - timedelta(hours=2)).timestamp())
    refuse(by_hand(parameters=f';created={STAMP - 8000};expires={expires};keyid="{IO_KEY}"'), "stale")


@pytest.mark.parametrize(
    "inner",
    [
        '"@method" "@target-uri" "content-digest";req "content-type"',
        '"@method" "@target-uri" "content-digest";bs "content-type"',
        '"@method" "@target-uri" "content-digest";sf "content-type"',
        '"@method" "@target-uri" "content-digest";key="sha-256" "content-type"',
        '"@method" "@target-uri" "content-digest";tr "content-type"',
        '"@method" "@target-uri" "content-digest" content-type',
        '"@method" "@target-uri" "content-digest" 7',
        '"@method" "@target-uri" "content-digest" "@status"',
        '"@method" "@target-uri" "content-digest" "@signature-params"',
        '"@method" "@target-uri" "content-digest" "Content-Type"',
        '"@method" "@target-uri" "content-digest" "content-digest"',
        '"@method" "@target-uri" "content-digest" "@query-param";name="a"',
    ],
)
def test_component_tricks_are_refused(inner: str) -> None:
    with pytest.raises(Unauthentic):
        signatures_rfc9421.parse(by_hand(inner=inner))


def test_two_signatures_are_refused() -> None:
    request = by_hand()
    for name in ("signature", "signature-input"):
        value = request.first(name) or ""
        request = with_header(request, name, f"{value}, {value.replace('sig1', 'sig2')}")
    with pytest.raises(Unauthentic):
        signatures_rfc9421.parse(request)


def test_a_second_content_type_is_refused_although_neither_is_signed() -> None:
    request = by_hand(covered=("@method", "@target-uri", "content-digest"))
    accept(request)
    refuse(with_header(request, "content-type", "application/activity+json", "text/html"))


def test_an_unknown_parameter_is_refused_while_reading() -> None:
    with pytest.raises(Unauthentic, match="unknown parameters"):
        signatures_rfc9421.parse(by_hand(parameters=f"{PARAMETERS};other=1"))


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_a_header_may_not_stand_twice(name: str) -> None:
    request = by_hand()
    refuse(with_header(request, name, *(request.all(name) * 2)))


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_a_label_in_one_header_only_is_refused(name: str) -> None:
    request = by_hand()
    refuse(with_header(request, name, (request.first(name) or "").replace("sig1", "sig2")))
    refuse(with_header(request, name, f"{request.first(name)}, more=:AAAA:"))


@pytest.mark.parametrize("name", ["signature", "signature-input"])
@pytest.mark.parametrize(
    "value", ["", "sig1", "sig1=1", "sig1=(", "sig1=:*:", "sig1=()", "sig1=::", "é", "sig1=:AA==:\n"]
)
def test_headers_out_of_shape_are_refused(name: str, value: str) -> None:
    refuse(with_header(by_hand(), name, value))


def test_a_missing_signature_header_is_refused() -> None:
    refuse(with_header(by_hand(), "signature"))


def test_a_header_of_more_than_4_kib_is_refused() -> None:
    refuse(by_hand(parameters=f';created={STAMP};keyid="{IO_KEY}";nonce="{"x" * 5000}"'))


def test_another_body_is_refused() -> None:
    refuse(replace(by_hand(), body=b"{}"))
    refuse(replace(by_hand(covered=("@method", "@target-uri", "digest")), body=b"{}"))


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha-256=1",
        "sha-256=:AAAA:",
        "md5=:AAAA:",
        'sha-256="x"',
        f"sha-256=:AAAA:, {signatures_rfc9421.content_digest(BODY)}",
        f"{signatures_rfc9421.content_digest(BODY)}, sha-512=:AAAA:",
    ],
)
def test_an_odd_digest_is_refused_although_it_is_signed(digest: str) -> None:
    refuse(by_hand(headers={"content-digest": digest}))


def test_two_digest_lines_are_refused() -> None:
    request = by_hand()
    refuse(with_header(request, "content-digest", *(request.all("content-digest") * 2)))


def test_a_covered_header_that_is_missing_is_refused() -> None:
    refuse(with_header(by_hand(), "content-type"))


def test_a_request_for_another_host_is_refused() -> None:
    refuse(by_hand(headers={"host": "pie.example"}))


def test_a_target_signed_for_another_origin_is_refused() -> None:
    # The host header says our name, the signed address another: the address is never taken from the header.
    refuse(by_hand(derived={"@target-uri": "https://pie.example/ap/inbox"}))
    refuse(signed(scheme="rfc9421", uri=Uri("http://support.example/ap/inbox")))


def test_another_method_or_path_is_refused() -> None:
    refuse(replace(by_hand(), method="PUT"))
    refuse(replace(by_hand(), target="/ap/u/wren/inbox"))
    refuse(replace(by_hand(), target="@evil.example/x"))


def test_the_wrong_key_is_refused() -> None:
    refuse(by_hand(), key=OTHER)
    refuse(by_hand(), key=keys.load_public(keys.public_pem(keys.load_private(keys.make_ed25519()))))


# --- published example ---


def test_the_ed25519_example_of_the_rfc_verifies() -> None:
    given = vector("rfc9421.json")
    request = request_of(given["request"])
    key = keys.load_public(given["public_key"])
    # The example's key id is no URI, so its claim is written here instead of parsed.
    claim = signatures_rfc9421.Claim(IO_KEY, None, ("date",), b"x", 1618884473)
    signatures_rfc9421.verify(claim, request, key, origin=given["origin"])
    with pytest.raises(Unauthentic):
        signatures_rfc9421.verify(claim, replace(request, target="/bar"), key, origin=given["origin"])


def test_the_example_is_refused_as_a_delivery() -> None:
    # It does not cover the digest, and its key id is no URI.
    refuse(request_of(vector("rfc9421.json")["request"]))


def test_the_example_key_pair_belongs_together() -> None:
    given = vector("rfc9421.json")
    assert keys.public_pem(keys.load_private(given["private_key"].encode())) == given["public_key"]


# --- signing ---


def test_signing_returns_every_header_to_send() -> None:
    sent = signatures_rfc9421.sign(
        "POST", INBOX, {"accept": "x"}, BODY, key_id=IO_KEY, private=PRIVATE, now=NOW
    )
    assert sorted(sent) == [
        "Accept",
        "Content-Digest",
        "Content-Type",
        "Date",
        "Host",
        "Signature",
        "Signature-Input",
    ]
    assert sent["Signature-Input"] == (
        'sig1=("@method" "@target-uri" "content-digest" "content-type")'
        f';created={STAMP};keyid="{IO_KEY}";alg="rsa-v1_5-sha256"'
    )


def test_a_synchronisation_header_is_covered() -> None:
    headers = {"Collection-Synchronization": 'digest="0"'}
    sent = signatures_rfc9421.sign("POST", INBOX, headers, BODY, key_id=IO_KEY, private=PRIVATE, now=NOW)
    assert '"collection-synchronization"' in sent["Signature-Input"]
