"""What other servers may fetch, and what looks to them as if it never was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from federation.uris import Uri
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.db.remembered import Remembered
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.posts import Draft
from tests.conftest import Clock, Queries
from tests.integration.edge import AS1, PUBLIC, Peer, Town, make_town

IO = Peer(Uri("https://masto.example/users/io"))
BROWSER = "text/html,*/*;q=0.8"


@pytest.fixture
async def town(db: Db, clock: Clock) -> Town:
    found = await make_town(db, clock)
    found.meet(IO)
    return found


async def test_a_public_post_needs_a_signature(town: Town) -> None:
    post = await town.say(title="Third night", body="<p>How do you get up?</p>")
    got = await town.get(post.uri)
    assert got.status == 401
    assert got.headers["www-authenticate"] == "Signature"


async def test_a_public_post_is_read_by_a_server_that_signs(town: Town) -> None:
    post = await town.say(title="Third night", body="<p>How do you get up?</p>", warning="insomnia")
    got = await town.get(post.uri, IO)
    assert got.status == 200
    assert got.json["name"] == "[CW: insomnia] Third night"
    assert got.json["content"].startswith("<p><strong>Third night</strong></p><p>How do you get up?</p>")
    assert got.json["content"].endswith('class="u-url mention">@sleepless</a></p>')
    assert got.json["to"] == [town.open_group.uri, PUBLIC]
    assert got.json["cc"] == [f"{town.open_group.uri}/followers"]
    assert got.json["audience"] == town.open_group.uri
    assert got.json["tag"] == [
        {"type": "Mention", "href": town.open_group.uri, "name": "@sleepless@support.example"}
    ]
    assert got.headers["cache-control"] == "private, no-store"


async def test_who_fetches_a_post_is_put_on_record_once(town: Town) -> None:
    post = await town.say()
    for _ in range(2):
        assert (await town.get(post.uri, IO)).status == 200
    async with town.db.connection() as conn:
        rows = await conn.fetch(
            "select c.post_id, p.host, c.how from copies c, host_numbers(c.hosts) n, peers p"
            " where p.number = n"
        )
    assert [tuple(row) for row in rows] == [(post.id, "masto.example", "fetched")]


async def test_a_suspended_server_gets_403_for_public_and_404_for_the_rest(town: Town) -> None:
    await town.rule("masto.example", "suspend")
    public, closed = await town.say(), await town.say(group=town.home_group, audience="group")
    assert (await town.get(public.uri, IO)).status == 403
    assert (await town.get(closed.uri, IO)).status == 404


@pytest.mark.parametrize("audience", ["followers", "direct", "group"])
@pytest.mark.parametrize("signed", [True, False])
async def test_what_is_not_public_never_was(town: Town, audience: str, signed: bool) -> None:
    group = town.home_group if audience == "group" else None
    post = await town.say(body="<p>secret marker</p>", group=group, audience=audience)
    signer = IO if signed else None
    for tail in ("", "/replies", "/likes", "/shares"):
        real = await town.get(post.uri + tail, signer)
        never = await town.get("/ap/o/00000000000000000000000000" + tail, signer)
        assert (real.status, real.body, real.headers) == (404, never.body, never.headers)
    assert (await town.get(post.uri.replace("/o/", "/c/"), signer)).status == 404
    assert (await town.get(f"/post/{post.id}", signer, accept=AS1)).status == 404


@pytest.mark.parametrize("standing", ["deleted", "removed"])
async def test_what_is_gone_leaves_a_tombstone(town: Town, standing: str) -> None:
    post = await town.say(standing=standing)
    got = await town.get(post.uri)
    assert got.status == 410
    assert got.json["type"] == "Tombstone"
    assert got.json["formerType"] == "Note"
    assert "content" not in got.json


async def test_a_held_post_is_not_there(town: Town) -> None:
    post = await town.say(standing="held")
    assert (await town.get(post.uri, IO)).status == 404


async def test_what_its_author_may_still_take_back_has_not_left(town: Town, clock: Clock) -> None:
    town = await make_town(town.db, clock, undo_for=timedelta(minutes=10), again=town)
    post = await town.say()
    assert (await town.get(post.uri, IO)).status == 404
    clock.pass_by(minutes=10)
    assert (await town.get(post.uri, IO)).status == 200


async def test_a_thread_lists_the_public_posts_oldest_first(town: Town) -> None:
    root = await town.say()
    shown = await town.say(parent=root)
    await town.say(parent=root, audience="direct")
    await town.say(parent=root, standing="held")
    got = await town.get(root.uri.replace("/o/", "/c/"), IO)
    assert got.json["orderedItems"] == [root.uri, shown.uri]
    assert got.json["attributedTo"] == town.open_group.uri
    replies = await town.get(f"{root.uri}/replies", IO)
    assert replies.json["orderedItems"] == [shown.uri]


async def test_a_long_thread_is_read_page_by_page(town: Town) -> None:
    root = await town.say()
    uris = [root.uri, *[(await town.say(parent=root)).uri for _ in range(85)]]
    seen: list[str] = []
    page = (await town.get(root.uri.replace("/o/", "/c/"), IO)).json
    address: str | None = page["first"]
    assert "orderedItems" not in page
    while address is not None:
        page = (await town.get(address, IO)).json
        seen += page["orderedItems"]
        address = page.get("next")
    assert seen == uris


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "after=99999999999999999999", "after=", "%00", "after=1&a=2"]
)
async def test_a_made_up_cursor_is_harmless(town: Town, query: str) -> None:
    root = await town.say()
    assert (await town.get(f"{root.uri.replace('/o/', '/c/')}?{query}", IO)).status == 200


async def test_reactions_are_a_number_and_no_names(town: Town) -> None:
    post = await town.say()
    await town.run(
        "insert into reactions (actor_uri, post_id, proof, reacted_at) values ($1, $2, 'signature', now())",
        IO.uri,
        post.id,
    )
    got = await town.get(f"{post.uri}/likes", IO)
    assert got.json["totalItems"] == 1
    assert IO.uri not in got.body.decode()


async def test_who_follows_is_not_even_a_number(town: Town) -> None:
    for name in ("followers", "following"):
        got = await town.get(f"{town.wren.uri}/{name}", IO)
        assert set(got.json) == {"@context", "id", "type"}
    assert "totalItems" not in (await town.get(f"{town.open_group.uri}/followers", IO)).json


async def test_collections_need_a_signature(town: Town) -> None:
    for actor, names in (
        (town.wren, ("outbox", "followers", "following", "featured")),
        (town.open_group, ("outbox", "followers", "featured", "moderators")),
    ):
        for name in names:
            assert (await town.get(f"{actor.uri}/{name}")).status == 401
            assert (await town.get(f"{actor.uri}/{name}", IO)).status == 200


async def test_moderators_of_an_open_group_are_listed_inline(town: Town) -> None:
    await town.run(
        "insert into group_moderators (group_id, actor_id, since_at) values ($1, $2, now())",
        town.open_group.id,
        town.wren.id,
    )
    got = await town.get(f"{town.open_group.uri}/moderators", IO)
    assert got.json["orderedItems"] == [town.wren.uri]


async def test_a_public_activity_is_read_in_its_own_words(town: Town) -> None:
    post = await town.say()
    text = '{"type":"Create","odd":"  spaces kept"}'
    uri = await town.log("Create", town.wren.uri, post.uri, text)
    assert (await town.get(uri)).status == 401
    assert (await town.get(uri, IO)).body == text.encode()


@pytest.mark.parametrize("standing", ["held", "removed"])
async def test_an_activity_goes_with_its_post(town: Town, standing: str) -> None:
    post = await town.say(standing=standing)
    create = await town.log("Create", town.wren.uri, post.uri, '{"content":"secret marker"}')
    relay = await town.log("Announce", town.open_group.uri, create, '{"content":"secret marker"}')
    assert (await town.get(create, IO)).status == 404
    assert (await town.get(relay, IO)).status == 404


async def test_an_activity_that_was_not_public_or_reports_is_not_there(town: Town) -> None:
    post = await town.say()
    private = await town.log("Create", town.wren.uri, post.uri, "{}", public=False)
    flag = await town.log("Flag", town.wren.uri, post.uri, "{}")
    assert (await town.get(private, IO)).status == 404
    assert (await town.get(flag, IO)).status == 404


async def test_a_groups_outbox_shows_what_it_passed_on(town: Town) -> None:
    shown, held = await town.say(), await town.say(standing="held")
    for post in (shown, held):
        create = await town.log("Create", town.wren.uri, post.uri, "{}")
        text = json.dumps({"@context": "x", "type": "Announce", "object": {"type": "Create", "id": create}})
        await town.log("Announce", town.open_group.uri, create, text)
    await town.log("Announce", town.open_group.uri, shown.uri, '{"type":"Announce"}')
    got = await town.get(f"{town.open_group.uri}/outbox", IO)
    assert len(got.json["orderedItems"]) == got.json["totalItems"] == 1
    assert got.json["orderedItems"][0]["object"]["type"] == "Create"
    assert "@context" not in got.json["orderedItems"][0]


async def test_what_a_member_writes_is_served_as_it_was_sent(town: Town) -> None:
    account_id = await town.run(
        "insert into accounts (name, password_hash, created_at) values ('wren', 'x', now()) returning id"
    )
    await town.run("update actors set account_id = $1 where id = $2", account_id, town.wren.id)
    await town.run(
        "insert into follows (uri, follower_id, target_id, standing, created_at)"
        " values ('https://support.example/ap/a/f', $1, $2, 'accepted', now())",
        town.wren.id,
        town.open_group.id,
    )
    wren = Person(account_id, frozenset(), ActorId(town.wren.id), town.wren.uri, "wren")
    draft = Draft(title="Third night", body="How do *you* get up?", group_id=ActorId(town.open_group.id))
    instance = replace(town.instance, overrides=(("newcomer_posts_held", "0"),))
    await posting.publish(town.db, instance, wren, draft)
    outbox = (await town.get(f"{town.open_group.uri}/outbox", IO)).json["orderedItems"]
    assert [item["type"] for item in outbox] == ["Announce"]
    create = outbox[0]["object"]
    assert create["type"] == "Create"
    sent = create["object"]
    served = (await town.get(sent["id"], IO)).json
    assert {**served, "@context": None} == {**sent, "@context": None}
    for uri in (outbox[0]["id"], create["id"]):
        assert (await town.get(uri, IO)).json["id"] == uri
    await posting.delete(town.db, instance, wren, await town.run("select id from posts"))
    for uri in (outbox[0]["id"], create["id"], sent["id"]):
        got = await town.get(uri, IO)
        assert (got.status, got.json["type"]) == (410, "Tombstone")
    assert (await town.get(f"{town.open_group.uri}/outbox", IO)).json["orderedItems"] == []


async def test_pages_lead_programs_to_ids(town: Town) -> None:
    post = await town.say()
    for page, uri in (
        ("/@wren", town.wren.uri),
        ("/@wren@support.example", town.wren.uri),
        ("/g/sleepless", town.open_group.uri),
        (f"/g/sleepless/t/{post.id}", post.uri),
    ):
        got = await town.get(page, accept=AS1)
        assert (got.status, got.headers["location"]) == (302, uri)
        assert (await town.get(page, accept="text/html")).status == 404  # another edge's page


async def test_ids_lead_browsers_to_pages(town: Town) -> None:
    post = await town.say()
    for uri, page in (
        (town.wren.uri, "https://support.example/@wren"),
        (town.open_group.uri, "https://support.example/g/sleepless"),
        (post.uri, f"https://support.example/g/sleepless/t/{post.id}"),
    ):
        got = await town.get(uri, accept=BROWSER)
        assert (got.status, got.headers["location"]) == (302, page)


@pytest.mark.parametrize(
    "path", ["/ap/o/%00", "/ap/u/%2e%2e", "/ap/g/a%0adigest:x", "/ap/u/..", "/ap/a/" + "x" * 5000, "/ap/c/%"]
)
async def test_odd_paths_are_nothing(town: Town, path: str) -> None:
    assert (await town.get(path)).status == 404
    assert (await town.get(path, IO)).status in (401, 404)


async def test_head_is_get_without_a_body(town: Town) -> None:
    got = await town.get(town.wren.uri, method="HEAD")
    assert (got.status, got.body) == (200, b"")
    assert int(got.headers["content-length"]) > 100


async def test_with_federation_off_there_is_nothing(db: Db, clock: Clock) -> None:
    town = await make_town(db, clock, federation="off")
    for path in (town.wren.uri, town.open_group.uri, "/ap/instance"):
        assert (await town.get(path)).status == 404
    assert (await town.get("/.well-known/webfinger?resource=acct:wren@support.example")).status == 404
    assert (await town.get("/nodeinfo/2.1")).json["metadata"]["federation"] == {"enabled": False}


async def test_with_an_allowlist_only_its_servers_read(db: Db, clock: Clock) -> None:
    town = await make_town(db, clock, federation="allowlist")
    town.meet(IO)
    post = await town.say()
    assert (await town.get(post.uri, IO)).status == 403
    await town.rule("masto.example", "allow")
    assert (await town.get(post.uri, IO)).status == 200


async def test_a_crowd_at_an_actor_costs_one_query(
    db: Db, clock: Clock, town: Town, queries: Queries
) -> None:
    listening = Remembered(clock=lambda: 0.0)
    listening.confirm(0.0)
    town = await make_town(db, clock, again=town, remembered=listening)
    assert (await town.get("/nodeinfo/2.1")).status == 200  # what was decided is known from now on
    queries.forget()
    for _ in range(50):
        assert (await town.get(town.open_group.uri)).status == 200
    assert queries.count <= 1
