"""Finding people, learning about servers, taking names (cases B10 to B12, B16 to B21)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from federation.errors import Unreachable
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.posts import posting
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.domain.errors import Conflict, Invalid
from fediverse_support.domain.posts import Draft
from tests.integration.edge import SECRET
from tests.security.support import EVE, IO, Place, actor_with, renamed

FINGER = "https://evil.example/.well-known/webfinger?resource=acct%3Ax%40evil.example"
JRD = "application/jrd+json"


def descriptor(subject: str, href: str) -> dict[str, Any]:
    return {
        "subject": subject,
        "links": [{"rel": "self", "type": "application/activity+json", "href": href}],
    }


async def test_B10_a_handle_names_the_server_that_stands_behind_it(place: Place) -> None:
    place.internet.serve(FINGER, descriptor("acct:io@honest.example", EVE.uri), kind=JRD)
    found, _ = await place.search("@x@evil.example")
    assert found in ([], ["eve@evil.example"])
    shown = await place.value(
        "select name || '@' || coalesce(handle_host, host) from actors where uri = $1", EVE.uri
    )
    assert shown in (None, "eve@evil.example")
    assert (await place.search("@io@honest.example"))[0] == ["io@honest.example"]


async def test_B11_a_link_to_somebody_else_finds_them_under_their_own_name(place: Place) -> None:
    place.internet.serve(FINGER, descriptor("acct:x@evil.example", IO.uri), kind=JRD)
    async with place.no_effect():
        assert (await place.search("@x@evil.example"))[0] in ([], ["io@honest.example"])


CHAINS = {
    "ten hops": [f"https://evil.example/hop/{number}" for number in range(10)],
    "plain http": ["http://evil.example/hop"],
    "data": ["data:application/jrd+json,{}"],
    "loop": [FINGER],
    "loopback": ["https://127.0.0.1/"],
    "metadata": ["https://169.254.169.254/latest/meta-data"],
    "six": ["https://[::1]/", "https://[::ffff:127.0.0.1]/"],
    "file": ["file:///etc/passwd"],
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
async def test_B12_discovery_does_not_follow_wherever_it_is_led(place: Place, chain: list[str]) -> None:
    for here, there in zip([FINGER, *chain], chain, strict=False):
        place.internet.redirect(here, there)
    place.internet.serve("http://evil.example/hop", descriptor("acct:x@evil.example", EVE.uri), kind=JRD)
    async with HttpClient(user_agent="test", allow_http=False, allow_networks=()) as guard:
        place.internet.guard = guard
        place.internet.asked.clear()
        assert await place.search("@x@evil.example") == ([], [])
    assert len(place.internet.asked) <= 4
    assert not any(uri.startswith(("http:", "data:", "file:")) for uri in place.internet.asked)
    place.internet.guard = None
    await place.still_works()


async def test_B12_the_guard_opens_no_connection_to_ourselves(place: Place) -> None:
    met: list[object] = []

    def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer.close)
        writer.close()

    canary = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = canary.sockets[0].getsockname()[1]
    async with HttpClient(user_agent="test", allow_http=True, allow_networks=()) as guard:
        place.internet.guard = guard
        for uri in (
            f"https://127.0.0.1:{port}/x",
            f"http://127.0.0.1:{port}/x",
            f"http://localhost:{port}/x",
        ):
            assert await place.search(uri) == ([], [])
            with pytest.raises(Unreachable):
                await guard.send("GET", uri, {}, limit=10, seconds=1)  # type: ignore[arg-type]
    canary.close()
    await canary.wait_closed()
    assert met == []


async def _updated(place: Place, **more: Any) -> dict[str, Any]:
    """Let Eve's server say something else about her, and tell us; return what we know then."""
    place.clock.pass_by(hours=25)
    place.internet.serve(EVE.uri, actor_with(EVE, **more))
    await place.deliver(place.act("Update", EVE, actor_with(EVE, **more)), EVE)
    return (await place.rows("select * from actors where uri = $1", EVE.uri))[0]


async def test_B16_what_changes_about_an_actor_stays_within_its_own_server(place: Place) -> None:
    await place.deliver(place.create(EVE), EVE)
    known = (await place.rows("select * from actors where uri = $1", EVE.uri))[0]
    renamed_to = await _updated(place, preferredUsername="io")
    # Another name is another name at the same server; it never becomes a name at Io's.
    assert (renamed_to["handle_host"], renamed_to["host"]) == ("evil.example", "evil.example")
    became = await _updated(place, type="Group")
    assert became["kind"] == "person"
    assert await place.value("select count(*) from groups where actor_id = $1", known["id"]) == 0
    moved = await _updated(place, inbox="https://honest.example/u/io/inbox")
    assert moved["inbox_uri"] == known["inbox_uri"]
    await place.still_works()


INBOXES = {
    "ours": "https://support.example/ap/inbox",
    "another's": "https://honest.example/inbox",
    "inside": "https://10.0.0.1/inbox",
    "ftp": "ftp://evil.example/inbox",
    "port": "https://evil.example:9000/inbox",
    "none": None,
}


@pytest.mark.parametrize("inbox", INBOXES.values(), ids=INBOXES)
async def test_B17_nobody_aims_our_deliveries_at_a_third_server(place: Place, inbox: str | None) -> None:
    eve = renamed(EVE, "https://evil.example/u/aiming")
    place.internet.serve(eve.uri, actor_with(eve, inbox=inbox))
    follow = place.act("Follow", eve, place.uris["pub"])
    assert (await place.deliver(follow, eve)).status == 401
    place.internet.serve(eve.uri, actor_with(eve, endpoints={"sharedInbox": inbox}))
    place.clock.pass_by(minutes=15)
    assert (await place.deliver(follow, eve)).status == 202
    assert await place.standing(eve.uri, place.uris["pub"]) == "accepted"
    await posting.publish(
        place.db, place.deps.instance, place.people["wren"], Draft(body="News.", group_id=place.groups["pub"])
    )
    rows = await place.rows("select distinct inbox_uri from deliveries where host <> 'honest.example'")
    assert [row["inbox_uri"] for row in rows] == [f"{eve.uri}/inbox"]


async def test_B18_a_key_counts_under_its_own_id_only(place: Place) -> None:
    own = actor_with(EVE)["publicKey"]
    many = [{**own, "id": f"{EVE.uri}#key-{number}"} for number in range(500)]
    place.internet.serve(EVE.uri, actor_with(EVE, publicKey=many))
    await place.dropped(place.create(EVE), EVE, 401)
    place.internet.serve(EVE.uri, actor_with(EVE, publicKey="https://evil2.example/key"))
    place.internet.serve("https://evil2.example/key", own)
    place.clock.pass_by(minutes=15)
    await place.dropped(place.create(EVE), EVE, 401)
    assert place.internet.asked_of("evil2.example") == []
    for foreign in ({**own, "owner": IO.uri}, {**own, "id": f"{IO.uri}#main-key"}):
        place.internet.serve(EVE.uri, actor_with(EVE, publicKey=foreign))
        place.clock.pass_by(minutes=15)
        await place.dropped(place.create(EVE), EVE, 401)


@pytest.mark.parametrize(
    "href",
    ["http://169.254.169.254/", "https://169.254.169.254/", "file:///etc/passwd", "data:,x", "//10.0.0.1/",
     "https://honest.example/nodeinfo/2.0", "https://support.example/nodeinfo/2.0"],
)  # fmt: skip
async def test_B19_what_a_server_runs_is_asked_of_itself_alone(place: Place, href: str) -> None:
    links = [{"rel": f"http://nodeinfo.diaspora.software/ns/schema/2.{n}", "href": href} for n in (0, 1)]
    place.internet.serve(
        "https://evil.example/.well-known/nodeinfo", {"links": links}, kind="application/json"
    )
    place.internet.asked.clear()
    assert (await place.deliver(place.act("Follow", EVE, place.uris["pub"]), EVE)).status == 202
    assert await place.standing(EVE.uri, place.uris["pub"]) == "accepted"
    assert "https://evil.example/.well-known/nodeinfo" in place.internet.asked
    assert place.internet.asked == place.internet.asked_of("evil.example")


async def test_B20_no_xml_is_ever_asked_for_or_read(place: Place) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><XRD>&a;</XRD>'
    place.internet.serve("https://evil.example/.well-known/host-meta", bomb, kind="application/xrd+xml")
    place.internet.serve(FINGER, bomb, kind="application/xrd+xml")
    place.internet.asked.clear()
    async with place.no_effect():
        assert await place.search("@x@evil.example") == ([], [])
    assert not any("host-meta" in uri for uri in place.internet.asked)


TAKEN = [
    "pub",
    "Pub",
    "PUB",
    "рub",
    "wren",
    "Wren",
    "wrеn",
    "w_r_e_n",
    "admin",
    "support",
    "root",
    "moderator",
    "asha",
]


@pytest.mark.parametrize("name", TAKEN)
async def test_B21_nobody_takes_a_name_that_is_taken_or_looks_like_it(place: Place, name: str) -> None:
    async def quick(password: str) -> str:
        return password

    before = await place.rows("select name from names order by 1")
    with pytest.raises((Conflict, Invalid)):
        await accounts.create_account(
            place.db, place.deps.instance, name=name, password="three odd socks drying", hash_password=quick,
            secret=SECRET,
        )  # fmt: skip
    with pytest.raises((Conflict, Invalid)):
        await groups.create_group(
            place.db, place.deps.instance, SECRET, name=name, title="A group", kind="open"
        )
    assert await place.rows("select name from names order by 1") == before


async def test_B21_the_name_of_somebody_who_left_is_not_given_out_again(place: Place) -> None:
    await place.rows("update accounts set standing = 'deleted' where name = 'marlow'")
    await place.rows("update actors set standing = 'deleted' where name = 'marlow'")
    with pytest.raises((Conflict, Invalid)):
        await groups.create_group(
            place.db, place.deps.instance, SECRET, name="marlow", title="Marlow", kind="open"
        )
