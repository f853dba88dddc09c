"""Keys, the servers that hold them, and who may use them for what (cases A21 to A30)."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from federation import keys
from federation.uris import Host, Uri
from fediverse_support import proofs
from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.edge import Peer, key_pair
from tests.security.support import EVE, HONEST, IO, Place, actor_with, make_place, renamed
from tests.security.wire import Wire, by_hand


def body_of(what: Any) -> bytes:
    return json.dumps(what).encode()


def spki(key: Any) -> str:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return str(pem.decode())


def rsa_pem(bits: int, exponent: int = 65537) -> str:
    return spki(rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1).public_key())


async def test_A21_a_new_key_is_learnt_and_the_old_one_forgotten(place: Place) -> None:
    place.clock.pass_by(minutes=30)
    fresh = Peer(IO.uri, key="rotated")
    place.meet(fresh)
    place.internet.asked.clear()
    hello = place.create(fresh)
    assert (await place.deliver(hello, fresh)).status == 202
    assert await place.post_of(hello["object"]["id"]) is not None
    assert place.internet.asked.count(IO.uri) == 1
    # Everything that works from here on is signed with the new key; the old one has to fail.
    old = place.create(IO)
    assert (await place.deliver(old, IO)).status == 401
    assert await place.post_of(old["object"]["id"]) is None


async def test_A22_a_flood_of_wrong_signatures_asks_the_server_a_few_times_only(place: Place) -> None:
    for peer in (IO, EVE):
        place.internet.asked.clear()
        for _ in range(200):
            place.clock.pass_by(seconds=0.25)
            wire = by_hand(Peer(peer.uri, key="wrong"), body_of(place.create(peer)), now=place.db.now())
            assert (await place.send(wire)).status == 401
        assert len(place.internet.asked_of(peer.host)) <= 5
    assert await place.rows("select uri from receipts where standing <> 'done'") == []


async def test_A22_a_key_that_is_missing_is_not_asked_for_again_and_again(place: Place) -> None:
    ghost = renamed(EVE, "https://evil.example/u/ghost")
    for _ in range(200):
        place.clock.pass_by(seconds=0.25)
        assert (await place.deliver(place.create(ghost), ghost)).status == 401
    assert len(place.internet.asked_of("evil.example")) <= 5


async def test_A23_a_key_server_that_never_answers_costs_a_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "SECONDS", 0.05)
    place.internet.silent.add(EVE.host)
    async with place.no_effect():
        got = await place.deliver(place.create(EVE), EVE)
        assert (got.status, got.headers["retry-after"]) == (503, "600")
        # And it is not asked again at once: the next delivery is answered from memory.
        asked = len(place.internet.asked_of(EVE.host))
        assert (await place.deliver(place.create(EVE), EVE)).status == 503
        assert len(place.internet.asked_of(EVE.host)) == asked
    assert proofs.SECONDS < 5


# No library builds such a key, so the number is exchanged in a finished one.
EXPONENT_ONE = (
    "-----BEGIN PUBLIC KEY-----\n"
    + base64.encodebytes(
        base64.b64decode("".join(rsa_pem(2048).split("\n")[1:-2]))[:-5] + b"\x02\x03\0\0\x01"
    ).decode()
    + "-----END PUBLIC KEY-----\n"
)
BAD_KEYS = {
    "512 bits": rsa_pem(512),
    "1024 bits": rsa_pem(1024),
    "16384 bits": rsa_pem(16384),
    "exponent 1": EXPONENT_ONE,
    "exponent 3": rsa_pem(2048, 3),
    "huge exponent": rsa_pem(2048, 2**64 + 1),
    "elliptic": spki(ec.generate_private_key(ec.SECP256R1()).public_key()),
    "1 MB": "-----BEGIN PUBLIC KEY-----\n" + "A" * 1_000_000 + "\n-----END PUBLIC KEY-----\n",
    "no PEM": "nothing of the kind",
    "private": keys.private_pem(key_pair("evil")[0]).decode(),
}


@pytest.mark.parametrize("pem", BAD_KEYS.values(), ids=BAD_KEYS)
async def test_A24_keys_out_of_bounds_prove_nothing(place: Place, pem: str) -> None:
    bad = {"id": EVE.key_id, "owner": EVE.uri, "publicKeyPem": pem}
    place.internet.serve(EVE.uri, actor_with(EVE, publicKey=bad))
    wire = place.signed(EVE, body_of(place.create(EVE)))
    began = time.process_time()
    await place.refused(wire)
    assert time.process_time() - began < 5


async def test_A24_a_bad_key_is_asked_for_once(place: Place) -> None:
    bad = {"id": EVE.key_id, "owner": EVE.uri, "publicKeyPem": rsa_pem(1024)}
    place.internet.serve(EVE.uri, actor_with(EVE, publicKey=bad))
    for _ in range(20):
        assert (await place.deliver(place.create(EVE), EVE)).status == 401
    assert place.internet.asked_of(EVE.host) == [EVE.uri]


async def test_A25_the_server_itself_writes_no_posts_for_its_people(place: Place) -> None:
    await place.dropped(place.create(IO), HONEST, 401)
    report = place.act("Flag", IO, [place.uris["wren"]], to=None, content="Please look.")
    assert (await place.deliver(report, HONEST)).status == 202
    assert await place.value("select body from reports") == "Please look."


async def test_A26_farewells_of_strangers_ask_nobody(place: Place) -> None:
    place.internet.asked.clear()
    place.internet.dark.update(Host(f"ghost{number}.example") for number in range(200))
    async with place.no_effect():
        for number in range(200):
            ghost = Peer(Uri(f"https://ghost{number}.example/u/g"), key="evil")
            assert (await place.deliver(place.act("Delete", ghost, ghost.uri), ghost)).status == 202
    assert place.internet.asked == []


async def test_A27_a_farewell_is_believed_with_the_key_we_have(place: Place) -> None:
    place.internet.gone(IO.uri)
    assert (await place.deliver(place.act("Delete", IO, IO.uri), IO)).status == 202
    gone = await place.post_of(place.posts["io"])
    assert gone is not None
    assert (gone["standing"], gone["body_html"], gone["body_text"], gone["title"]) == ("deleted", "", "", "")
    actor = (
        await place.rows("select standing, display_name, summary_html from actors where uri = $1", IO.uri)
    )[0]
    assert actor == {"standing": "deleted", "display_name": "", "summary_html": ""}
    assert await place.standing(IO.uri, place.uris["pub"]) not in ("accepted", "pending")


async def test_A28_a_blocked_server_reads_nothing(place: Place) -> None:
    await place.rows(
        "insert into domain_rules (domain, severity, created_at, updated_at)"
        " values ('evil.example', 'suspend', now(), now())"
    )
    for signer in (EVE, renamed(EVE, "https://sub.evil.example/u/eve")):
        for where in (
            place.posts["pub"],
            f"{place.uris['pub']}/outbox",
            place.uris["pub"],
            place.uris["wren"],
        ):
            assert (await place.get(where, signer)).status == 403, where
        for name in ("circle", "room", "followers"):
            assert (await place.get(place.posts[name], signer)).status == 404
    assert (await place.get(place.posts["pub"], HONEST)).status == 200
    assert (await place.get(place.posts["circle"], HONEST)).status == 404
    assert place.internet.asked_of("evil.example") == []


async def test_A29_with_federation_off_nobody_is_listened_to(db: Db, clock: Clock) -> None:
    place = await make_place(db, clock, federation="off")
    for signer in (IO, EVE):
        assert (await place.deliver(place.create(IO), signer)).status in (403, 404)
    for where in (place.posts["pub"], place.uris["pub"], place.uris["wren"]):
        assert (await place.get(where, HONEST)).status in (403, 404)
        assert (await place.get(where)).status in (403, 404)
    assert await place.rows("select 1 from receipts") == []
    assert await place.rows("select 1 from actors where host is not null") == []
    assert place.internet.asked == []


@pytest.mark.parametrize("host", ["localhost", "honest.example", "support.example@honest.example", ""])
async def test_A30_a_request_for_another_host_is_not_ours(place: Place, host: str) -> None:
    wire = by_hand(IO, body_of(place.create(IO)), now=place.db.now(), lines={"host": host})
    await place.refused(wire, 400, 401)


async def test_A30_no_other_header_says_who_we_are(place: Place) -> None:
    body = body_of(place.create(IO))
    for name in ("x-forwarded-host", "forwarded", "x-original-url", "x-rewrite-url"):
        spoofed = by_hand(
            IO, body, now=place.db.now(), lines={"host": "honest.example", name: "support.example"}
        )
        await place.refused(spoofed, 400, 401)
    good = by_hand(IO, body, now=place.db.now() + timedelta(seconds=1))
    absolute = Wire("POST", "https://honest.example/ap/inbox", good.headers, body)
    await place.refused(absolute, 400, 401, 404)
    twice = good.with_header("host", "support.example", "honest.example")
    await place.refused(twice, 400, 401)


async def test_A30_links_are_made_from_the_settings_alone(place: Place) -> None:
    for lines in (
        (("host", "support.example"), ("x-forwarded-host", "evil.example"), ("accept", "text/html")),
        (("host", "SUPPORT.example:443"), ("x-forwarded-proto", "http"), ("accept", "text/html")),
    ):
        got = await place.send(Wire("GET", "/g/pub", lines))
        assert got.status == 200
        assert b"evil.example" not in got.body and b"http://" not in got.body.replace(
            b"http://www.w3.org", b""
        )
