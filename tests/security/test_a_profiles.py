"""What a signed Update of a profile changes, and what it never does."""

from __future__ import annotations

import json

from federation.uris import Uri
from fediverse_support.reads.exchange import explain
from fediverse_support.reads.moderation import servers
from tests.integration.edge import key_pair
from tests.security.support import EVE, IO, Place, actor_with
from tests.security.test_a_keys import rsa_pem

ACTOR = """
select display_name, summary_html, name, inbox_uri, shared_inbox_uri, key_id, public_key_pem, kind
from actors where uri = $1
"""


async def test_who_takes_their_name_off_their_profile_is_heard_within_the_hour(place: Place) -> None:
    [before] = await place.rows(ACTOR, IO.uri)
    changed = actor_with(
        IO, name="I.", summary="<p>Changed.</p><script>no</script>", preferredUsername="other", type="Group",
        inbox="https://honest.example/elsewhere", endpoints={"sharedInbox": "https://honest.example/else"},
        publicKey={"id": IO.key_id, "owner": IO.uri, "publicKeyPem": key_pair("evil")[1]},
    )  # fmt: skip
    place.internet.asked.clear()
    assert (await place.deliver(place.act("Update", IO, changed), IO)).status == 202
    [after] = await place.rows(ACTOR, IO.uri)
    assert (after["display_name"], after["summary_html"]) == ("I.", "<p>Changed.</p>")
    assert place.internet.asked == []
    trusted = ("name", "inbox_uri", "shared_inbox_uri", "key_id", "public_key_pem", "kind")
    assert {name: after[name] for name in trusted} == {name: before[name] for name in trusted}


async def test_nobody_describes_somebody_else(place: Place) -> None:
    changed = actor_with(IO, name="Not Io")
    async with place.no_effect():
        await place.deliver(place.act("Update", EVE, changed), EVE)


async def test_staff_and_operators_are_told_of_keys_that_are_too_small(place: Place) -> None:
    small = {"id": EVE.key_id, "owner": EVE.uri, "publicKeyPem": rsa_pem(1024)}
    place.internet.serve(EVE.uri, actor_with(EVE, publicKey=small))
    got = await place.send(place.signed(EVE, json.dumps(place.create(EVE)).encode()))
    assert got.status == 401 and b"key_too_small" in got.body
    async with place.db.connection() as conn:
        told = await explain.explain(conn, Uri(f"{EVE.uri}/follows/1"))
        page = await servers.get_server(conn, "evil.example")
        other = await servers.get_server(conn, "honest.example")
    assert told.key_fault == "key_too_small" and not told.is_empty
    assert page.key_fault_at is not None
    assert other.key_fault_at is None
