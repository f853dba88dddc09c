"""What is taken in at the door, what is refused, and what no other server is asked about."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest

from federation import signatures
from federation.uris import Uri
from fediverse_support.db.pool import DatabaseUnavailable, Db
from tests.conftest import Clock, Queries
from tests.integration.edge import AS1, Peer, Town, activity, ask, key_pair, make_town

IO = Peer(Uri("https://masto.example/users/io"))
ADA = Peer(Uri("https://pie.example/u/ada"))
EVIL = Peer(Uri("https://evil.example/u/x"), key="evil")
MASTO = Peer(Uri("https://masto.example/actor"), kind="Application", key="server")


@pytest.fixture
async def town(db: Db, clock: Clock) -> Town:
    found = await make_town(db, clock)
    found.meet(IO, ADA, EVIL, MASTO)
    return found


def like(actor: Peer = IO, **more: object) -> bytes:
    return activity("Like", actor, "https://support.example/ap/o/1", **more)


async def test_a_signed_delivery_is_stored_and_accepted(town: Town) -> None:
    body = like()
    got = await town.deliver(body, IO)
    assert (got.status, got.body) == (202, b"")
    receipts = await town.receipts()
    assert len(receipts) == 1
    assert receipts[0]["host"] == "masto.example"
    assert receipts[0]["signer_uri"] == IO.uri
    assert receipts[0]["body"] == body.decode()


async def test_the_same_request_again_has_no_effect(town: Town) -> None:
    body = like()
    sent = IO.signed("POST", "https://support.example/ap/inbox", town.db.now(), body)
    for _ in range(2):
        assert (await ask(town.app, "POST", "/ap/inbox", sent, body)).status == 202
    assert len(await town.receipts()) == 1


def create(text: str = "hello") -> bytes:
    note = {"id": f"{IO.uri}/notes/1", "type": "Note", "attributedTo": IO.uri, "content": text}
    return activity("Create", IO, note)


async def test_a_new_post_at_two_inboxes_counts_once_whatever_it_says(town: Town, clock: Clock) -> None:
    for inbox in ("/ap/inbox", f"{town.open_group.uri}/inbox", f"{town.wren.uri}/inbox"):
        clock.pass_by(seconds=1)
        assert (await town.post(inbox, create(inbox), IO)).status == 202
    assert len(await town.receipts()) == 1


async def test_without_a_signature_nothing_comes_in(town: Town) -> None:
    got = await ask(town.app, "POST", "/ap/inbox", {"Host": "support.example", "Content-Type": AS1}, like())
    assert (got.status, got.json) == (401, {"error": "signature_missing"})
    assert got.headers["www-authenticate"] == "Signature"
    assert await town.receipts() == []


async def test_a_signature_of_another_body_is_refused(town: Town) -> None:
    sent = IO.signed("POST", "https://support.example/ap/inbox", town.db.now(), like())
    got = await ask(town.app, "POST", "/ap/inbox", sent, like(content="x"))
    assert got.status == 401


async def test_a_signature_for_another_address_is_refused(town: Town) -> None:
    sent = IO.signed("POST", f"{town.wren.uri}/inbox", town.db.now(), like())
    assert (await ask(town.app, "POST", "/ap/inbox", sent, like())).status == 401


async def test_the_query_counts_as_it_was_sent(town: Town) -> None:
    sent = IO.signed("POST", "https://support.example/ap/inbox?a=1", town.db.now(), like())
    assert (await ask(town.app, "POST", "/ap/inbox?a=2", sent, like())).status == 401
    assert (await ask(town.app, "POST", "/ap/inbox?a=1", sent, like())).status == 202


async def test_an_old_signature_is_stale(town: Town, clock: Clock) -> None:
    sent = IO.signed("POST", "https://support.example/ap/inbox", town.db.now(), like())
    clock.pass_by(hours=13)
    assert (await ask(town.app, "POST", "/ap/inbox", sent, like())).status == 401


async def test_nobody_speaks_for_another(town: Town) -> None:
    for body in (like(IO), activity("Announce", IO, "https://support.example/ap/o/1")):
        assert (await town.deliver(body, EVIL)).status == 401
    assert await town.receipts() == []


async def test_a_server_speaks_for_its_people_in_reports_only(town: Town) -> None:
    report = activity("Flag", IO, [town.wren.uri], to=None, content="worried")
    assert (await town.deliver(report, MASTO)).status == 202
    assert (await town.deliver(like(IO), MASTO)).status == 401


async def test_an_actor_is_asked_for_its_key_once(town: Town, clock: Clock) -> None:
    for number in range(5):
        clock.pass_by(seconds=1)
        await town.deliver(like(id=f"{IO.uri}/likes/{number}"), IO)
    assert town.internet.asked.count(IO.uri) <= 2
    assert len(await town.receipts()) == 5


async def test_a_key_out_of_reach_is_a_reason_to_come_back(town: Town) -> None:
    town.internet.dark.add(IO.host)
    got = await town.deliver(like(), IO)
    assert (got.status, got.headers["retry-after"]) == (503, "600")
    assert await town.receipts() == []


async def test_a_key_that_is_gone_proves_nothing(town: Town) -> None:
    town.internet.statuses[IO.uri] = 410
    assert (await town.deliver(like(), IO)).status == 401


async def test_a_new_key_under_the_old_id_is_learnt(town: Town, clock: Clock) -> None:
    await town.deliver(like(id=f"{IO.uri}/1"), IO)
    clock.pass_by(minutes=10)
    fresh = Peer(IO.uri, key="rotated")
    town.meet(fresh)
    assert (await town.deliver(like(id=f"{IO.uri}/2"), fresh)).status == 202
    clock.pass_by(minutes=1)
    assert (await town.deliver(like(id=f"{IO.uri}/3"), IO)).status == 401


async def test_a_suspended_server_is_refused_before_anybody_is_asked(town: Town) -> None:
    await town.rule("masto.example", "suspend")
    assert (await town.deliver(like(), IO)).status == 403
    assert town.internet.asked == []


async def test_a_suspension_holds_from_the_next_delivery_on(town: Town, clock: Clock) -> None:
    assert (await town.deliver(like(id=f"{IO.uri}/1"), IO)).status == 202
    await town.rule("example", "suspend")
    clock.pass_by(seconds=1)
    assert (await town.deliver(like(id=f"{IO.uri}/2"), IO)).status == 403
    assert len(await town.receipts()) == 1


async def test_with_an_allowlist_others_are_refused_before_anybody_is_asked(db: Db, clock: Clock) -> None:
    town = await make_town(db, clock, federation="allowlist")
    town.meet(IO)
    assert (await town.deliver(like(), IO)).status == 403
    assert town.internet.asked == []
    await town.rule("masto.example", "allow")
    assert (await town.deliver(like(), IO)).status == 202


async def test_with_federation_off_nothing_comes_in(db: Db, clock: Clock) -> None:
    town = await make_town(db, clock, federation="off")
    assert (await town.deliver(like(), IO)).status == 403
    assert town.internet.asked == []


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/json",
        "application/activity+json; charset=utf-16",
        "application/activity+json; charset=utf-8; charset=latin-1",
        'application/ld+json; profile="https://other.example/"',
        "",
    ],
)
async def test_other_media_types_are_refused(town: Town, kind: str) -> None:
    assert (await town.deliver(like(), IO, **{"Content-Type": kind})).status == 415


@pytest.mark.parametrize(
    "kind",
    [
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        'Application/LD+JSON; profile="https://www.w3.org/ns/activitystreams"',
        'application/ld+json;profile="https://www.w3.org/ns/activitystreams";charset=UTF-8',
    ],
)
async def test_every_spelling_of_ours_is_taken(town: Town, kind: str) -> None:
    body = like()
    private, _ = key_pair(IO.key)
    sent = signatures.sign(
        "POST",
        Uri("https://support.example/ap/inbox"),
        {"Content-Type": kind},
        body,
        key_id=IO.key_id,
        private=private,
        now=town.db.now(),
    )
    assert (await ask(town.app, "POST", "/ap/inbox", sent, body)).status == 202


async def test_an_encoded_body_is_refused(town: Town) -> None:
    got = await town.deliver(gzip.compress(like()), IO, **{"Content-Encoding": "gzip"})
    assert got.status == 415


async def test_a_large_body_is_refused_whatever_its_length_says(town: Town) -> None:
    body = like(content="x" * 1024 * 1024)
    assert (await town.deliver(body, IO)).status == 413
    assert (await town.deliver(like(), IO, **{"Content-Length": str(2**40)})).status == 413
    assert (await town.deliver(like(), IO, **{"Content-Length": "-1"})).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'{"type":"Like","type":"Create"}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        "{}".encode("utf-16"),
        b"{}",
        b'{"type":"Like"}',
        b'{"type":{"a":1},"actor":1}',
        b'{"type":["Like",[]],"actor":[]}',
        b'{"type":"Delete","actor":{},"object":[[]]}',
        b'{"type":"Undo","actor":"admin","object":{"object":{"object":1}}}',
        b'{"type":"Follow","id":null,"actor":"https://masto.example/users/io","object":"https://support.example/"}',
    ],
)
async def test_what_is_no_activity_is_refused_without_a_trace(town: Town, body: bytes) -> None:
    got = await town.deliver(body, IO)
    assert got.status in (202, 400, 401)
    assert await town.receipts() == []


async def test_a_farewell_of_somebody_unknown_asks_nobody(town: Town, clock: Clock) -> None:
    for number in range(50):
        ghost = Peer(Uri(f"https://ghost{number}.example/u/g"))
        bye = activity("Delete", ghost, ghost.uri)
        assert (await town.deliver(bye, ghost)).status == 202
    assert town.internet.asked == []
    assert await town.receipts() == []


async def test_changes_by_strangers_to_strange_things_ask_nobody(town: Town) -> None:
    note = f"{IO.uri}/notes/1"
    for kind, thing in (
        ("Delete", note),
        ("Delete", {"type": "Tombstone", "id": note}),
        ("Update", {"type": "Note", "id": note, "attributedTo": IO.uri}),
        ("Undo", {"type": "Like", "id": f"{IO.uri}/l", "actor": IO.uri, "object": "https://other.example/1"}),
    ):
        assert (await town.deliver(activity(kind, IO, thing), IO)).status == 202
    assert town.internet.asked == []
    assert await town.receipts() == []


async def test_changes_that_name_us_are_looked_into(town: Town) -> None:
    follow = {"type": "Follow", "id": f"{IO.uri}/f", "actor": IO.uri, "object": town.open_group.uri}
    assert (await town.deliver(activity("Undo", IO, follow), IO)).status == 202
    gone = activity("Delete", ADA, f"{ADA.uri}/notes/1", cc=[town.open_group.uri])
    assert (await town.deliver(gone, ADA)).status == 202
    assert [row["host"] for row in await town.receipts()] == ["masto.example", "pie.example"]


async def test_a_farewell_is_taken_with_the_key_we_have(town: Town, clock: Clock) -> None:
    await town.deliver(like(), IO)
    town.internet.documents.clear()
    town.internet.statuses[IO.uri] = 410
    clock.pass_by(hours=1)
    assert (await town.deliver(activity("Delete", IO, IO.uri), IO)).status == 202
    assert len(await town.receipts()) == 2


async def test_old_software_leaves_ids_out(town: Town, clock: Clock) -> None:
    body = like(id=None)
    for _ in range(2):
        clock.pass_by(seconds=1)
        assert (await town.deliver(body, IO)).status == 202
    receipts = await town.receipts()
    assert len(receipts) == 2 and receipts[0] == receipts[1]
    stored = json.loads(receipts[0]["body"])
    assert stored["id"] == receipts[0]["uri"]
    assert stored["id"].startswith(f"{IO.uri}#")
    assert {**stored, "id": None} == {**json.loads(body), "id": None}


async def test_a_post_without_an_id_is_refused(town: Town) -> None:
    note = {"type": "Note", "id": f"{IO.uri}/n", "attributedTo": IO.uri, "content": "x"}
    assert (await town.deliver(activity("Create", IO, note, id=None), IO)).status == 400


async def test_what_somebody_passes_on_cannot_take_the_place_of_the_original(
    town: Town, clock: Clock
) -> None:
    note = {"type": "Note", "id": f"{IO.uri}/n", "attributedTo": IO.uri, "content": "x", "to": []}
    original = activity("Create", IO, note)
    passed_on = json.dumps({**json.loads(original), "signature": {"type": "RsaSignature2017"}}).encode()
    assert (await town.deliver(passed_on, EVIL)).status == 202
    clock.pass_by(seconds=1)
    assert (await town.deliver(original, IO)).status == 202
    assert [row["signer_uri"] for row in await town.receipts()] == [EVIL.uri, IO.uri]


async def test_verbs_we_do_not_know_are_accepted_and_forgotten(town: Town) -> None:
    assert (await town.deliver(activity("Listen", IO, "https://other.example/1"), IO)).status == 202
    assert await town.receipts() == []


async def test_inboxes_of_nobody_are_not_there(town: Town) -> None:
    assert (await town.post("/ap/u/00000000000000000000000000/inbox", like(), IO)).status == 404
    assert (await town.post("/ap/o/00000000000000000000000000/inbox", like(), IO)).status == 404
    await town.run("update actors set standing = 'deleted' where id = $1", town.wren.id)
    assert (await town.post(f"{town.wren.uri}/inbox", like(), IO)).status == 404


async def test_the_shared_inbox_takes_posts_only(town: Town) -> None:
    assert (await town.get("/ap/inbox", IO)).status == 405


async def test_our_own_keys_sign_nothing_that_comes_in(town: Town) -> None:
    ourselves = Peer(town.wren.uri, key="ours")
    assert (await town.deliver(like(ourselves), ourselves)).status == 401
    assert town.internet.asked == []


async def test_a_flood_from_one_server_is_slowed_for_that_server_only(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_support.web.federation.routes.BURST", 5)
    monkeypatch.setattr("fediverse_support.web.federation.routes.PER_SECOND", 0.001)
    town = await make_town(town.db, town.clock, again=town)
    answers = [await town.deliver(like(id=f"{IO.uri}/likes/{number}"), IO) for number in range(7)]
    assert [answer.status for answer in answers] == [202] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len(await town.receipts()) == 5
    assert (await town.deliver(like(ADA), ADA)).status == 202


async def test_a_delivery_costs_few_queries(town: Town, clock: Clock, queries: Queries) -> None:
    await town.deliver(like(), IO)
    queries.forget()
    clock.pass_by(seconds=1)
    await town.deliver(like(id=f"{IO.uri}/2"), IO)
    assert queries.count <= 3


async def test_a_delivery_that_cannot_be_stored_is_not_accepted(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.deliver(like(), IO)

    def away(_: Db) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(Db, "connection", away)
    got = await town.deliver(like(id=f"{IO.uri}/2"), IO)
    assert (got.status, got.headers["retry-after"]) == (503, "60")


async def test_another_name_in_the_host_header_is_refused(town: Town) -> None:
    for name in ("localhost", "masto.example", "support.example.evil.example", "support.example:81"):
        sent = IO.signed("POST", f"https://{name}/ap/inbox", town.db.now(), like())
        assert (await ask(town.app, "POST", "/ap/inbox", sent, like())).status in (400, 401)
    for name, status in (
        ("masto.example", 400),
        ("a b", 400),
        ("support.example", 202),
        ("SUPPORT.example:443", 202),
    ):
        assert (await town.deliver(like(), IO, **{"X-Forwarded-Host": name})).status == status


async def test_time_between_servers_may_differ_a_little(town: Town) -> None:
    for minutes in (-50, 50):
        body = like(id=f"{IO.uri}/{minutes}")
        at = town.db.now() + timedelta(minutes=minutes)
        sent = IO.signed("POST", "https://support.example/ap/inbox", at, body)
        assert (await ask(town.app, "POST", "/ap/inbox", sent, body)).status == 202
