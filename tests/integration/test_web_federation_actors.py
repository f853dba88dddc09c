"""Actors as other servers fetch and find them, and those that look as if they never were."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from federation.uris import Uri
from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.edge import AS1, Peer, Town, make_town

IO = Peer(Uri("https://masto.example/users/io"))


@pytest.fixture
async def town(db: Db, clock: Clock) -> Town:
    found = await make_town(db, clock)
    found.meet(IO)
    return found


async def test_a_stranger_reads_of_a_person_only_what_delivery_takes(town: Town) -> None:
    got = await town.get(town.wren.uri)
    assert got.status == 200
    assert set(got.json) == {
        "@context",
        "id",
        "type",
        "preferredUsername",
        "inbox",
        "outbox",
        "publicKey",
    }
    assert got.headers["content-type"] == "application/activity+json; charset=utf-8"
    assert got.headers["cache-control"] == "public, max-age=180"
    assert got.headers["vary"] == "Accept, Signature, Signature-Input, Authorization, Cookie"
    assert got.headers["content-length"] == str(len(got.body))


async def test_a_server_that_signs_reads_the_whole_person(town: Town) -> None:
    got = await town.get(town.wren.uri, IO)
    assert got.status == 200
    assert got.json["endpoints"] == {"sharedInbox": "https://support.example/ap/inbox"}
    assert got.json["url"] == "https://support.example/@wren"
    assert got.json["published"].endswith("T00:00:00Z")
    assert got.headers["cache-control"] == "private, no-store"


async def test_a_signed_answer_is_not_kept_for_strangers(town: Town) -> None:
    await town.get(town.wren.uri, IO)
    assert "endpoints" not in (await town.get(town.wren.uri)).json


async def test_a_wrong_signature_on_an_actor_is_refused(town: Town) -> None:
    other = Peer(IO.uri, key="other")
    assert (await town.get(town.wren.uri, other)).status == 401


async def test_a_key_out_of_reach_leaves_the_reader_a_stranger(town: Town) -> None:
    town.internet.dark.add(IO.host)
    got = await town.get(town.wren.uri, IO)
    assert got.status == 200
    assert "endpoints" not in got.json


async def test_an_open_group_is_read_by_everybody(town: Town) -> None:
    got = await town.get(town.open_group.uri)
    assert got.status == 200
    assert got.json["type"] == "Group"
    assert got.json["manuallyApprovesFollowers"] is False
    assert got.json["attributedTo"] == f"{town.open_group.uri}/moderators"
    assert "@sleepless@support.example" in got.json["summary"]


async def test_an_actor_that_is_no_more_leaves_a_tombstone(town: Town) -> None:
    await town.run("update actors set standing = 'deleted' where id = $1", town.wren.id)
    for path in (town.wren.uri, f"{town.wren.uri}/outbox"):
        got = await town.get(path, IO)
        assert (got.status, got.json["type"], got.json["formerType"]) == (410, "Tombstone", "Person")
    assert (await town.finger("wren")).status == 404
    assert (await town.get("/@wren", accept=AS1)).status == 404


async def test_a_suspended_person_keeps_only_what_identifies_it(town: Town) -> None:
    await town.run(
        "update actors set standing = 'suspended', summary_html = '<p>marker</p>' where id = $1", town.wren.id
    )
    got = await town.get(town.wren.uri, IO)
    assert got.json["suspended"] is True
    assert "marker" not in got.body.decode()
    assert (await town.finger("wren")).status == 404


async def test_a_person_who_waits_for_approval_is_not_there(town: Town) -> None:
    account_id = await town.run(
        "insert into accounts (name, password_hash, standing, created_at)"
        " values ('heron', 'x', 'pending', now()) returning id"
    )
    await town.run("update actors set account_id = $1 where id = $2", account_id, town.wren.id)
    assert (await town.get(town.wren.uri)).status == 404
    assert (await town.finger("wren")).status == 404
    assert (await town.post(f"{town.wren.uri}/inbox", b"{}", IO)).status == 404


async def test_a_suspended_server_reads_no_actor(town: Town) -> None:
    await town.rule("masto.example", "suspend")
    assert (await town.get(town.open_group.uri, IO)).status == 403
    assert (await town.get(town.wren.uri, IO)).status == 403
    assert town.internet.asked == []


async def test_the_instance_actor_is_read_by_everybody_even_the_suspended(town: Town) -> None:
    await town.rule("masto.example", "suspend")
    for got in (
        await town.get("/ap/instance", IO),
        await town.get("/ap/instance"),
        await town.get("/", accept=AS1),
    ):
        assert got.status == 200
        assert got.json["id"] == "https://support.example/ap/instance"
        assert got.json["type"] == "Application"
    assert town.internet.asked == []


async def test_a_group_that_stays_home_is_as_unknown_as_a_name_that_never_was(town: Town) -> None:
    never = "/ap/g/00000000000000000000000000"
    for group in (town.home_group, town.home_open_group):
        here = group.uri.removeprefix("https://support.example")
        for tail in ("", "/outbox", "/followers", "/moderators", "/featured"):
            for signer in (None, IO):
                real, made_up = await town.get(here + tail, signer), await town.get(never + tail, signer)
                assert real.status == 404
                assert (real.body, real.headers) == (made_up.body, made_up.headers)
        assert (await town.post(here + "/inbox", b"{}", IO)).status == 404
        assert (await town.get(f"/g/{group.name}", accept=AS1)).status == 404
        finger = await town.get(f"/.well-known/webfinger?resource=acct:{group.name}@support.example")
        assert finger.status == 404
        assert (
            finger.body
            == (await town.get("/.well-known/webfinger?resource=acct:nobody@support.example")).body
        )


async def test_a_person_of_a_home_group_is_unknown_outside(town: Town) -> None:
    assert (await town.get(town.at_home.uri)).status == 404
    assert (
        await town.get(f"/.well-known/webfinger?resource=acct:{town.at_home.name}@support.example")
    ).status == 404


@pytest.mark.parametrize(
    ("resource", "who"),
    [
        ("acct:wren@support.example", "wren"),
        ("acct:WREN@Support.Example", "wren"),
        ("ACCT:wren@support.example", "wren"),
        ("Acct:!sleepless@support.example", "group"),
        ("wren@support.example", "wren"),
        ("@wren@support.example", "wren"),
        ("!sleepless@support.example", "group"),
        ("acct:!sleepless@support.example", "group"),
        ("acct:sleepless@support.example", "group"),
        ("https://support.example/@wren", "wren"),
        ("https://support.example/@wren/", "wren"),
        ("https://support.example/%40wren", "wren"),
        ("https://support.example/g/sleepless/", "group"),
        ("https://support.example/g/sleepless", "group"),
        ("https://support.example/", "instance"),
        ("https://support.example", "instance"),
        ("acct:support.example@support.example", "instance"),
    ],
)
async def test_webfinger_knows_every_form(town: Town, resource: str, who: str) -> None:
    got = await town.get(f"/.well-known/webfinger?resource={quote(resource, safe='')}")
    assert got.status == 200
    assert got.headers["content-type"] == "application/jrd+json; charset=utf-8"
    assert got.headers["access-control-allow-origin"] == "*"
    expected = {
        "wren": town.wren.uri,
        "group": town.open_group.uri,
        "instance": "https://support.example/ap/instance",
    }[who]
    assert [link["href"] for link in got.json["links"] if link["rel"] == "self"] == [expected]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("resource=", 400),
        ("resource=acct:wren", 400),
        ("resource=acct:wren@support.example&resource=acct:a@support.example", 400),
        ("resource=%ff", 400),
        ("resource=%00", 400),
        ("resource=" + "a" * 5000, 400),
        ("&".join(["a=1"] * 100), 400),
        ("resource=!wren@support.example", 404),
        ("resource=acct:wren@other.example", 404),
        ("resource=https://other.example/@wren", 404),
        ("resource=acct:wren%2540support.example@support.example", 400),
    ],
)
async def test_webfinger_refuses_the_rest(town: Town, query: str, status: int) -> None:
    assert (await town.get(f"/.well-known/webfinger?{query}")).status == status


async def test_webfinger_gives_the_relations_that_are_asked_for(town: Town) -> None:
    base = "/.well-known/webfinger?resource=acct:wren@support.example"
    assert [link["rel"] for link in (await town.get(f"{base}&rel=self")).json["links"]] == ["self"]
    assert (await town.get(f"{base}&rel=unknown")).json["links"] == []


async def test_the_server_introduces_itself(town: Town) -> None:
    links = (await town.get("/.well-known/nodeinfo")).json["links"]
    assert [link["href"] for link in links] == [
        "https://support.example/nodeinfo/2.0",
        "https://support.example/nodeinfo/2.1",
        "https://support.example/ap/instance",
    ]
    for version in ("2.0", "2.1"):
        info = (await town.get(f"/nodeinfo/{version}")).json
        assert info["version"] == version
        assert info["software"]["name"] == "fediverse-support"
        assert info["usage"] == {"users": {}}
    assert b"lrdd" in (await town.get("/.well-known/host-meta")).body
    assert "links" in (await town.get("/.well-known/host-meta.json")).json
