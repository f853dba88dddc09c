"""Signatures: what a request has to prove before a word of it counts (cases A01 to A20)."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from federation import keys, signatures, signatures_rfc9421
from federation.uris import Uri
from tests.integration.edge import key_pair
from tests.security.support import BASE, EVE, IO, Place
from tests.security.wire import HOST, INBOX, Wire, by_hand

UNCOVERED = {
    "A03 no digest, none signed": ("(request-target) host date", {"digest": None}),
    "A04 digest present, not signed": ("(request-target) host date", {}),
    "A05 date only": ("date", {}),
    "A05 headers left out": (None, {}),
    "A06 host not signed": ("(request-target) date digest", {}),
}


def body_of(place: Place, **more: Any) -> bytes:
    return json.dumps({**place.create(IO), **more}).encode()


def signed(place: Place, body: bytes, **how: Any) -> Wire:
    place.clock.pass_by(seconds=1)
    how.setdefault("now", place.db.now())
    return by_hand(IO, body, **how)


async def accepted(place: Place, wire: Wire) -> None:
    """Send a request that has to be taken, and see that it had its effect."""
    got = await place.send(wire)
    assert (got.status, got.body) == (202, b"")
    await place.settle()
    assert await place.post_of(json.loads(wire.body)["object"]["id"]) is not None


async def test_A01_without_a_signature_nothing_comes_in(place: Place) -> None:
    body = body_of(place)
    lines = (("host", HOST), ("content-type", "application/activity+json"))
    await place.refused(Wire("POST", INBOX, lines, body))


async def test_A02_the_digest_is_that_of_this_body(place: Place) -> None:
    body = body_of(place)
    wire = signed(place, body)
    await place.refused(Wire("POST", INBOX, wire.headers, body.replace(b"note", b"nota")))
    other = signatures.digest(b"{}")
    await place.refused(signed(place, body, lines={"digest": other}))


@pytest.mark.parametrize("covered, lines", UNCOVERED.values(), ids=UNCOVERED)
async def test_what_must_be_signed_is_signed(
    place: Place, covered: str | None, lines: dict[str, Any]
) -> None:
    await place.refused(signed(place, body_of(place), covered=covered, lines=lines))


async def test_A06_a_request_signed_for_another_server_is_not_for_us(place: Place) -> None:
    body = body_of(place)
    meant_for_honest = signed(place, body, lines={"host": "honest.example"})
    await place.refused(meant_for_honest.with_header("host", HOST))


async def test_A08_old_early_and_undated_signatures_are_stale(place: Place) -> None:
    now = place.db.now()
    body = body_of(place)
    await place.refused(signed(place, body, now=now - timedelta(hours=13)))
    await place.refused(signed(place, body, now=now + timedelta(hours=2)))
    await place.refused(signed(place, body, lines={"date": "yesterday"}))
    undated = "(request-target) host digest"
    await place.refused(signed(place, body, covered=undated, lines={"date": None}))
    late = str(int(now.replace(year=now.year + 5).timestamp()))
    await place.refused(
        signed(
            place,
            body,
            covered="(request-target) host (created) digest",
            special={"(created)": late},
            extra=[f"created={late}"],
            algorithm="hs2019",
        )
    )


async def test_A09_clocks_may_differ_by_fifty_minutes(place: Place) -> None:
    for minutes in (-50, 50):
        at = place.db.now() + timedelta(minutes=minutes)
        await accepted(place, signed(place, body_of(place), now=at))


async def test_A11_both_meanings_of_hs2019_are_understood(place: Place) -> None:
    for hash_algorithm in (keys.SHA256, keys.SHA512):
        wire = signed(place, body_of(place), algorithm="hs2019", hash_algorithm=hash_algorithm)
        await accepted(place, wire)


async def test_A12_nobody_speaks_for_somebody_of_another_server(place: Place) -> None:
    body = body_of(place)
    await place.refused(by_hand(EVE, body, now=place.db.now()))
    # Naming Io's key while signing with one's own proves as little.
    await place.refused(by_hand(EVE, body, now=place.db.now(), key_id=IO.key_id))


async def test_A14_a_key_found_elsewhere_is_not_the_key_of_its_id(place: Place) -> None:
    fake = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": "https://honest.example/u/new",
        "type": "Person",
        "preferredUsername": "new",
        "inbox": "https://honest.example/u/new/inbox",
        "publicKey": {
            "id": "https://honest.example/u/new#main-key",
            "owner": "https://honest.example/u/new",
            "publicKeyPem": key_pair("evil")[1],
        },
    }
    place.internet.serve("https://evil.example/keys/1", fake)
    forged = {**place.create(IO), "actor": fake["id"], "id": "https://honest.example/u/new/1"}
    body = json.dumps(forged).encode()
    for key_id in ("https://evil.example/keys/1", "https://honest.example/u/new#main-key"):
        await place.refused(by_hand(EVE, body, now=place.db.now(), key_id=key_id))


async def test_A15_two_signatures_or_two_key_ids_prove_nothing(place: Place) -> None:
    good = signed(place, body_of(place))
    line = good.header("signature")
    await place.refused(good.with_header("signature", line, line))
    await place.refused(good.with_header("signature", line + f',keyId="{EVE.key_id}"'))
    await place.refused(good.with_header("signature", f'keyId="{EVE.key_id}",' + line))
    await place.refused(
        good.with_header("signature", line.replace("keyId", "KEYID") + f',keyId="{IO.key_id}"')
    )


async def test_A17_escapes_in_the_path_reach_no_inbox(place: Place) -> None:
    body = body_of(place)
    for target in ("/ap/inbox%0Adigest:%20SHA-256=x", "/ap/u/%2e%2e/inbox", "/ap/x/../inbox", "/ap//inbox"):
        for signed_as in (target, INBOX):
            await place.refused(
                signed(place, body, target=target, signed_target=signed_as), 400, 401, 404, 405
            )
    # What is signed is the path as it was sent, never as it reads once it is decoded.
    await place.refused(signed(place, body, target="/ap/%69nbox", signed_target=INBOX))


async def test_A18_the_query_may_be_left_out_of_the_signature_but_not_changed(place: Place) -> None:
    for target in ("/ap/inbox?a=1", "/ap/inbox"):
        await accepted(place, signed(place, body_of(place), target="/ap/inbox?a=1", signed_target=target))
    await place.refused(signed(place, body_of(place), target="/ap/inbox?a=2", signed_target="/ap/inbox?a=1"))


NEWER = ("@method", "@target-uri", "content-digest", "content-type")


def newer(
    place: Place,
    body: bytes,
    covered: tuple[str, ...] = NEWER,
    *,
    inputs: str = "",
    created: bool = True,
    alg: str | None = None,
) -> Wire:
    """Return a request signed by RFC 9421 over exactly what is asked for; `inputs` is added to the list."""
    place.clock.pass_by(seconds=1)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    lines = {
        "host": HOST,
        "content-type": "application/activity+json",
        "content-digest": f"sha-256=:{digest}:",
        "digest": signatures.digest(body),
    }
    values = {"@method": "POST", "@target-uri": f"{BASE}{INBOX}", **lines}
    names = " ".join(f'"{name}"' for name in covered) + inputs
    parameters = f'({names});keyid="{IO.key_id}"'
    parameters += f";created={int(place.db.now().timestamp())}" if created else ""
    parameters += f';alg="{alg}"' if alg else ""
    text = "\n".join(
        [*(f'"{name}": {values[name]}' for name in covered), f'"@signature-params": {parameters}']
    )
    private = key_pair(IO.key)[0]
    assert isinstance(private, RSAPrivateKey)
    made = base64.b64encode(private.sign(text.encode(), keys.PKCS1, keys.SHA256)).decode()
    headers = (*lines.items(), ("signature-input", f"sig1={parameters}"), ("signature", f"sig1=:{made}:"))
    return Wire("POST", INBOX, headers, body)


async def test_A19_a_newer_signature_is_taken(place: Place) -> None:
    await accepted(place, newer(place, body_of(place)))
    body = body_of(place)
    sent = signatures_rfc9421.sign(
        "POST",
        Uri(f"{BASE}{INBOX}"),
        {},
        body,
        key_id=IO.key_id,
        private=key_pair(IO.key)[0],
        now=place.db.now(),
    )
    await accepted(place, Wire("POST", INBOX, tuple(sent.items()), body))


async def test_A19_a_newer_signature_over_too_little_proves_nothing(place: Place) -> None:
    body = body_of(place)
    for left_out in NEWER[:3]:
        await place.refused(newer(place, body, tuple(name for name in NEWER if name != left_out)))
    await place.refused(newer(place, body, created=False))
    await place.refused(newer(place, body, alg="ed25519"))
    twice = newer(place, body)
    for name in ("signature-input", "signature"):
        value = twice.header(name)
        twice = twice.with_header(name, f"{value}, {value.replace('sig1', 'sig2')}")
    await place.refused(twice)


async def test_A20_components_with_another_meaning_prove_nothing(place: Place) -> None:
    body = body_of(place)
    for trick in (' "host";req', ' "content-digest";bs', ' "content-digest"', ' "@query-param";name="a"'):
        await place.refused(newer(place, body, inputs=trick))
    named_once = newer(place, body)
    await place.refused(
        named_once.with_header("signature", named_once.header("signature").replace("sig1", "sig9"))
    )
