"""Draft-cavage: what is accepted, what others accept of ours, and the published examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from federation import keys, signatures
from federation.errors import Unauthentic
from federation.http import Request
from federation.keys import PublicKeyHandle
from federation.uris import Uri
from tests.unit.federation.cavage import accept, refuse
from tests.unit.federation.requests import (
    BODY,
    DEFAULT_COVERED,
    INBOX,
    IO_KEY,
    NOW,
    PRIVATE,
    by_hand,
    httpsig,
    request_of,
    signed,
    vector,
    with_header,
)

# --- what must be accepted ---


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_we_sign_we_accept(method: str) -> None:
    claim = accept(signed(method, body=b"" if method == "GET" else BODY))
    assert claim.key_id == IO_KEY


def test_a_post_covers_target_host_date_digest_and_type() -> None:
    claim = accept(signed())
    assert " ".join(claim.covered) == DEFAULT_COVERED
    assert claim.algorithm == "rsa-sha256"


def test_an_ed25519_key_signs_and_verifies() -> None:
    private = keys.load_private(keys.make_ed25519())
    accept(signed(private=private), keys.load_public(keys.public_pem(private)))


@pytest.mark.parametrize("algorithm", [None, "hs2019", "rsa-sha256", "RSA-SHA256"])
def test_the_usual_algorithm_names_mean_rsa_with_sha256(algorithm: str | None) -> None:
    accept(by_hand(algorithm=algorithm))


def test_hs2019_may_mean_sha512() -> None:
    accept(by_hand(algorithm="hs2019", hash_algorithm=keys.SHA512))


@pytest.mark.parametrize("algorithm", [None, "rsa-sha256"])
def test_sha512_is_tried_only_for_hs2019(algorithm: str | None) -> None:
    refuse(by_hand(algorithm=algorithm, hash_algorithm=keys.SHA512))


@pytest.mark.parametrize("minutes", [-50, -11 * 60, 50])
def test_clocks_may_be_wrong_within_the_window(minutes: int) -> None:
    at = signatures.write_date(NOW + timedelta(minutes=minutes))
    accept(by_hand(headers={"date": at}))


@pytest.mark.parametrize("signed_target", ["/ap/inbox?a=1", "/ap/inbox"])
def test_the_query_may_be_left_out_of_the_signature(signed_target: str) -> None:
    accept(by_hand(target="/ap/inbox?a=1", signed_target=signed_target))


def test_another_query_than_the_signed_one_is_refused() -> None:
    refuse(by_hand(target="/ap/inbox?a=1", signed_target="/ap/inbox?a=2"))


def test_created_may_stand_for_date() -> None:
    stamp = str(int(NOW.timestamp()))
    accept(
        by_hand(
            covered="(request-target) host (created) (expires) digest",
            algorithm="hs2019",
            extra=[f"created={stamp}", f"expires={stamp}"],
            special={"(created)": stamp, "(expires)": stamp},
        )
    )


def test_upper_case_names_in_the_list_are_understood() -> None:
    accept(by_hand(covered="(request-target) Host Date Digest"))


def test_a_leading_scheme_word_is_tolerated() -> None:
    request = signed()
    accept(with_header(request, "signature", f"Signature {request.first('signature')}"))


def test_blanks_after_commas_are_tolerated() -> None:
    request = signed()
    text = (request.first("signature") or "").replace('",', '", ')
    accept(with_header(request, "signature", text))


def test_other_digests_beside_sha256_are_ignored() -> None:
    accept(by_hand(headers={"digest": f"md5=abc, {signatures.digest(BODY)}"}))


def test_a_digest_may_spell_its_name_in_any_case() -> None:
    accept(by_hand(headers={"digest": signatures.digest(BODY).replace("SHA-256", "sha-256")}))


def test_the_host_may_carry_the_default_port() -> None:
    accept(by_hand(headers={"host": "Support.example:443"}))


def test_repeated_headers_are_joined() -> None:
    accept(
        with_header(
            by_hand(covered=f"{DEFAULT_COVERED} x-note", headers={"x-note": "a, b"}), "x-note", "a", "b"
        )
    )


def test_a_percent_sign_in_the_key_id_does_no_harm() -> None:
    key_id = Uri("https://masto.example/users/%69o#main-key")
    assert accept(signed(key_id=key_id)).key_id == key_id


def test_a_request_without_signature_has_no_claim() -> None:
    assert signatures.parse(with_header(signed(), "signature")) is None


# --- published examples and an independent signer ---


@pytest.mark.parametrize("case", vector("draft_cavage.json")["cases"], ids=lambda case: case["name"])
def test_the_examples_of_the_draft_verify(case: dict[str, str]) -> None:
    given = vector("draft_cavage.json")
    # The example's key has 1024 bits, which `load_public` refuses.
    key = load_pem_public_key(given["public_key"].encode())
    assert isinstance(key, RSAPublicKey)
    handle = PublicKeyHandle("rsa", key)
    text = (
        f'keyId="{IO_KEY}",algorithm="rsa-sha256",headers="{case["covered"]}",signature="{case["signature"]}"'
    )
    request = with_header(request_of(given["request"]), "signature", text)
    claim = signatures.parse(request)
    assert claim is not None
    signatures.verify(claim, request, handle)
    with pytest.raises(Unauthentic):
        signatures.verify(claim, replace(request, target="/bar"), handle)


def test_what_httpsig_signs_we_accept() -> None:
    headers = {
        "host": "support.example",
        "date": signatures.write_date(NOW),
        "digest": signatures.digest(BODY),
        "content-type": "application/activity+json",
    }
    signer = httpsig.HeaderSigner(
        IO_KEY,
        keys.private_pem(PRIVATE).decode(),
        algorithm="rsa-sha256",
        headers=DEFAULT_COVERED.split(),
        sign_header="signature",
    )
    sent = signer.sign(headers, method="POST", path="/ap/inbox")
    accept(Request("POST", "/ap/inbox", tuple((name.lower(), value) for name, value in sent.items()), BODY))


def test_httpsig_accepts_what_we_sign() -> None:
    request = signed()
    verifier = httpsig.HeaderVerifier(
        dict(request.headers),
        keys.public_pem(PRIVATE),
        required_headers=DEFAULT_COVERED.split(),
        method="POST",
        path="/ap/inbox",
        host="support.example",
        sign_header="signature",
    )
    assert verifier.verify()


# --- signing ---


def test_signing_returns_every_header_to_send() -> None:
    sent = signatures.sign(
        "POST", INBOX, {"accept": "x", "User-Agent": "y"}, BODY, key_id=IO_KEY, private=PRIVATE, now=NOW
    )
    assert sorted(sent) == ["Accept", "Content-Type", "Date", "Digest", "Host", "Signature", "User-Agent"]
    assert sent["Date"] == "Wed, 01 May 2030 12:00:00 GMT"
    assert sent["Host"] == "support.example"


def test_a_get_carries_no_digest() -> None:
    sent = signatures.sign("GET", INBOX, {}, b"", key_id=IO_KEY, private=PRIVATE, now=NOW)
    assert sorted(sent) == ["Date", "Host", "Signature"]


def test_a_synchronisation_header_is_covered() -> None:
    sent = signatures.sign(
        "POST",
        INBOX,
        {"collection-synchronization": 'digest="0"'},
        BODY,
        key_id=IO_KEY,
        private=PRIVATE,
        now=NOW,
    )
    assert "collection-synchronization" in sent["Signature"]


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://a.example", "/"),
        ("https://a.example?x=1", "/?x=1"),
        ("https://a.example:8443/a%20b?c=%2F#d", "/a%20b?c=%2F"),
        ("https://a.example/%61#main-key", "/%61"),
    ],
)
def test_the_target_is_spelled_as_in_the_uri(uri: str, target: str) -> None:
    assert signatures.target_of(Uri(uri)) == target


def test_dates_round_trip() -> None:
    assert signatures.read_date(signatures.write_date(NOW)) == NOW
    assert signatures.read_date("Wed, 1 May 2030 12:00:00 GMT") == NOW
    assert signatures.read_date("Sat, 31 Dec 2016 23:59:60 GMT").second == 59
