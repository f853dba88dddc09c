"""What lets others ask us for work is bounded before the first byte leaves (cases G07 to G16)."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterable
from typing import Any

import pytest

from federation.uris import Host, Uri
from fediverse_support import proofs
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.web.federation import routes
from fediverse_support.workers import preparing, receive
from fediverse_support.workers.jobs import Job
from tests.conftest import Clock
from tests.integration.edge import Peer
from tests.security.support import EVE, EVL2, IO, Place, make_place, renamed

WORDS = "select body_text from posts where uri = $1"
WAITING = "select count(*) from receipts where standing <> 'done'"


def body_of(what: Any) -> bytes:
    return json.dumps(what).encode()


async def test_a22_forged_deliveries_make_no_flood_on_a_third_server(place: Place) -> None:
    statuses = []
    for number in range(150):
        ghost = Peer(Uri(f"https://third.example/u/{number}"), key="wrong")
        sent = await place.send(place.signed(ghost, body_of(place.create(ghost))))
        statuses.append(sent.status)
        if sent.status == 503:
            assert int(sent.headers["retry-after"]) > 0
    # Two and a half minutes went by.
    assert len(place.internet.asked_of("third.example")) <= 6 + 15
    assert set(statuses) == {401, 503}
    # Whoever is known is heard as ever, and so is somebody new.
    await place.still_works()


async def test_a22_a_flood_of_forged_gets_is_bounded_like_one_of_deliveries(place: Place) -> None:
    for number in range(60):
        ghost = Peer(Uri(f"https://third.example/u/{number}"), key="wrong")
        assert (await place.get(place.posts["pub"], ghost)).status in (401, 503)
    assert len(place.internet.asked_of("third.example")) <= 6 + 6


async def test_g13_names_below_one_domain_are_asked_as_one(place: Place) -> None:
    for number in range(100):
        ghost = Peer(Uri(f"https://n{number}.evil.example/u/g"), key="wrong")
        await place.send(place.signed(ghost, body_of(place.create(ghost))))
    assert len([uri for uri in place.internet.asked if ".evil.example/" in uri]) <= 6 + 10


async def test_a_key_that_its_server_mends_counts_within_minutes(place: Place) -> None:
    broken = {**json.loads(EVE.document()), "publicKey": None}
    place.internet.serve(EVE.uri, broken)
    assert (await place.deliver(place.create(EVE), EVE)).status == 401
    place.meet(EVE)
    place.clock.pass_by(seconds=31)
    hello = place.create(EVE)
    assert (await place.deliver(hello, EVE)).status == 202
    assert await place.post_of(hello["object"]["id"]) is not None


async def test_g09_an_endless_chain_of_answers_costs_a_few_questions(place: Place) -> None:
    for number in range(200):
        note = place.note(EVE, id=f"https://evil.example/chain/{number}",
                          inReplyTo=f"https://evil.example/chain/{number + 1}")  # fmt: skip
        place.internet.serve(note["id"], note)
    place.internet.asked.clear()
    reply = place.create(EVE, inReplyTo="https://evil.example/chain/0")
    assert (await place.deliver(reply, EVE)).status == 202
    assert len(place.internet.asked_of("evil.example")) <= 20
    assert await place.post_of(reply["object"]["id"]) is not None


async def test_g10_no_collection_is_followed_because_a_document_names_it(place: Place) -> None:
    for name in ("replies", "likes", "shares"):
        place.internet.serve(f"{EVE.uri}/{name}", {
            "id": f"{EVE.uri}/{name}", "type": "OrderedCollection", "totalItems": 10**18,
            "next": f"{EVE.uri}/{name}", "first": f"{EVE.uri}/{name}",
        })  # fmt: skip
    more = {name: f"{EVE.uri}/{name}" for name in ("replies", "likes", "shares")}
    place.internet.asked.clear()
    hello = place.create(EVE, context=f"{EVE.uri}/replies", **more)
    assert (await place.deliver(hello, EVE)).status == 202
    assert not [uri for uri in place.internet.asked if uri.rpartition("/")[2] in more]


async def test_g16_one_server_that_floods_us_is_put_off_and_nobody_else(
    db: Db, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "BURST", 20)
    monkeypatch.setattr(routes, "PER_SECOND", 0.001)
    place = await make_place(db, clock)
    flood = [await place.deliver(place.create(EVE), EVE) for _ in range(30)]
    assert [got.status for got in flood] == [202] * 20 + [429] * 10
    assert all(int(got.headers["retry-after"]) > 0 for got in flood[20:])
    await place.still_works()


def answers_to_silent(place: Place, count: int) -> list[dict[str, Any]]:
    """Write answers of Eve to posts on as many servers that never answer."""
    made = []
    for number in range(count):
        host = Host(f"silent{number}.example")
        place.internet.silent.add(host)
        made.append(place.create(EVE, inReplyTo=f"https://{host}/notes/1"))
    return made


async def take_in(place: Place, *acts: dict[str, Any], signer: Peer = EVE) -> None:
    for act in acts:
        assert (await place.send(place.signed(signer, body_of(act)))).status == 202


async def serve(place: Place, signer: Peer = EVE) -> None:
    """Serve a line once, by workers that wait for nobody."""
    await receive.serve(place.deps, signer.host, 0, patience=0.01)


async def test_answers_to_silent_servers_hold_up_nothing_else(place: Place) -> None:
    answers = answers_to_silent(place, 12)
    plain = [place.create(EVE) for _ in range(3)]
    await take_in(place, *answers[:6], plain[0], *answers[6:], *plain[1:])
    await serve(place)
    for act in plain:
        assert await place.value(WORDS, act["object"]["id"]) is not None
    assert await place.value(WAITING) == 12
    # Nobody answers; from then on they are known to be silent, and the answers are shown without.
    for _ in range(3):
        await place.deps.remote.close()
        place.clock.pass_by(seconds=30)
        await serve(place)
    for act in answers:
        assert await place.value(WORDS, act["object"]["id"]) is not None
    assert await place.value(WAITING) == 0


async def test_a_hundred_answers_to_silent_servers_are_spread_and_none_is_lost(place: Place) -> None:
    answers = answers_to_silent(place, 100)
    await take_in(place, *answers)
    plain = place.create(EVE)
    await take_in(place, plain)
    for minute in range(30):
        await serve(place)
        if minute == 0:
            assert await place.value(WORDS, plain["object"]["id"]) is not None
        await place.deps.remote.close()
        place.clock.pass_by(minutes=1)
    assert await place.value(WAITING) == 0
    for act in answers:
        assert await place.value(WORDS, act["object"]["id"]) is not None


async def test_nobody_behind_a_whole_batch_waits_for_the_answers_to_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []
    wait = preparing.wait

    async def waits(deps: Deps, jobs: Iterable[Job], seconds: float | None) -> None:
        waited.append(seconds)
        await wait(deps, jobs, 0.0)

    monkeypatch.setattr(preparing, "wait", waits)
    monkeypatch.setattr(receive, "BATCH", 3)
    await take_in(place, *answers_to_silent(place, 4))
    await receive.serve(place.deps, EVE.host, 0)
    assert waited == [receive.FIRST, 0.0, receive.FIRST, receive.PATIENCE]
    await place.deps.remote.close()


async def test_who_could_not_be_asked_at_once_is_asked_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MOST_UNDERWAY", 2)
    await take_in(place, *answers_to_silent(place, 3))
    for _ in range(4):
        await serve(place)
        await place.deps.remote.close()
        place.clock.pass_by(seconds=30)
    assert len(place.internet.asked_of("silent2.example")) == 1
    assert await place.value(WAITING) == 0


@pytest.mark.parametrize("together", [True, False])
async def test_an_edit_waits_for_the_post_that_waits(place: Place, together: bool) -> None:
    [create] = answers_to_silent(place, 1)
    note = {**create["object"], "content": "<p>Newer words.</p>"}
    note["updated"] = f"{place.db.now():%Y-%m-%dT%H:%M:%SZ}"
    edit = place.act("Update", EVE, note, to=create["to"])
    await take_in(place, create)
    if not together:
        await serve(place)
    await take_in(place, edit)
    await serve(place)
    assert await place.value(WORDS, note["id"]) is None
    assert await place.value(WAITING) == 2
    await place.deps.remote.close()
    place.clock.pass_by(minutes=2)
    await serve(place)
    assert await place.value(WORDS, note["id"]) == "Newer words."
    assert await place.value(WAITING) == 0


async def test_a_deletion_waits_for_nothing(place: Place) -> None:
    [create] = answers_to_silent(place, 1)
    uri = create["object"]["id"]
    await take_in(place, create, place.act("Delete", EVE, uri))
    await serve(place)
    assert await place.value("select count(*) from tombstones where uri = $1", uri) == 1
    await place.deps.remote.close()
    place.clock.pass_by(minutes=2)
    await serve(place)
    assert await place.value(WORDS, uri) is None
    assert await place.value(WAITING) == 0


async def test_who_leaves_while_their_wish_to_join_waits_does_not_join(place: Place) -> None:
    io = renamed(IO, "https://honest.example/u/new")
    place.meet(io)
    follow = place.act("Follow", io, place.uris["pub"], id=f"{io.uri}/follows/1")
    undo = place.act("Undo", io, follow, id=f"{io.uri}/follows/1/undo")
    # Its software is asked for when somebody joins, and asking takes long this time.
    await place.rows("delete from peers where host = 'honest.example'")
    await take_in(place, follow, signer=io)
    place.internet.silent.add(io.host)
    await take_in(place, undo, signer=io)
    await serve(place, io)
    assert await place.standing(io.uri, place.uris["pub"]) != "accepted"
    await place.deps.remote.close()
    place.internet.silent.discard(io.host)
    for _ in range(2):
        place.clock.pass_by(minutes=2)
        await serve(place, io)
    assert await place.standing(io.uri, place.uris["pub"]) == "left"
    assert await place.value(WAITING) == 0


async def test_local_people_have_a_budget_of_their_own(place: Place) -> None:
    for number in range(60):
        ghost = Peer(Uri(f"https://honest.example/u/no{number}"), key="wrong")
        await place.send(place.signed(ghost, body_of(place.create(ghost))))
    fresh = renamed(IO, "https://honest.example/u/sought")
    place.meet(fresh)
    found, _ = await place.search(fresh.uri)
    assert found


async def test_a_key_that_nobody_waits_for_any_more_is_not_asked_for_after_the_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context["message"]))
    monkeypatch.setattr(proofs, "SECONDS", 0.05)
    place.internet.silent.update((Host("evil.example"), Host("evil2.example")))
    for peer, is_over in ((EVE, True), (EVL2, False)):
        others, seen = asyncio.all_tasks(), len(place.internet.asked)
        asking = asyncio.create_task(place.deps.remote.keys.get(peer.key_id, "192.0.2.1"))
        while len(place.internet.asked) == seen:
            await asyncio.sleep(0.001)
        [fetching] = asyncio.all_tasks() - others - {asking}
        asking.cancel()  # whoever sent it hung up
        await asyncio.wait([asking])
        await (asyncio.wait([fetching]) if is_over else place.deps.remote.close())
        assert fetching.done()
        assert fetching.cancelled() is not is_over
    del fetching
    gc.collect()
    assert unheard == []
