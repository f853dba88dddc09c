"""Pages say how things stand before anybody writes: what an answer answers, who decided, and why."""

from __future__ import annotations

import html

import pytest

from federation.uris import Host
from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import ActorId
from fediverse_support.web.words import reasons, sentences
from tests.integration.site import Site, make_site
from tests.integration.test_pages_long import answered, follow_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."
TAKEN = "Replying to a post that was taken out"


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def a_group_elsewhere(site: Site, title: str, *members: str) -> ActorId:
    """Let there be a group on another server, and some of our people in it."""
    now = site.db.now()
    async with site.db.transaction() as tx:
        number = await tx.fetchval(
            "insert into actors (uri, kind, host, handle_host, name, inbox_uri, created_at, updated_at)"
            " values ('https://far.example/g/front', 'group', 'far.example', 'far.example', 'front',"
            " 'https://far.example/i', $1, $1) returning id", now,
        )  # fmt: skip
        await tx.execute(
            "insert into groups (actor_id, kind, title, created_at) values ($1, 'open', $2, $3)",
            number, title, now,
        )  # fmt: skip
        for name in members:
            await tx.execute(
                "insert into follows (uri, follower_id, target_id, standing, created_at)"
                " values ('f' || $1::bigint, $1::bigint, $2, 'accepted', $3)",
                site.people[name].actor_id, number, now,
            )  # fmt: skip
    site.groups["front@far.example"] = ActorId(number)
    return ActorId(number)


async def test_an_answer_to_what_was_taken_out_says_so_without_its_words(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    unkind = await site.writes("wren", "Something unkind.", parent=root)
    gone = await site.writes("wren", "Something sad.", parent=root)
    await site.writes("marlow", "That hurt.", parent=unkind)
    await site.writes("marlow", "I am here.", parent=gone)
    await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], unkind)
    await site.post(f"/post/{gone}/remove", "wren")
    page = (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    assert page.count(TAKEN) == 2 and f'<a href="#p{unkind}">{TAKEN}</a>' in page
    assert "Something unkind." not in page and "Something sad." not in page


async def test_from_a_later_page_it_leads_back_to_where_it_stood(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    unkind = await site.writes("wren", "Something unkind.", parent=root)
    await answered(site, root, 1, 45)
    far = await site.writes("marlow", "That hurt.", parent=unkind)
    await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], unkind)
    page = html.unescape(await follow_to(site, f"/post/{far}", "tansy"))
    there = f"/g/frontroom/t/{root}?after={unkind - 1}#p{unkind}"
    assert f'<a href="{there}">{TAKEN}</a>' in page
    await follow_to(site, there, "tansy")


async def test_on_a_later_page_answers_to_the_first_post_and_the_form_say_so(site: Site) -> None:
    root = await site.writes("tansy", "Here is a long one.", group="frontroom", title="Long")
    await answered(site, root, 1, 45)
    last = await site.writes("marlow", "I was there too.", parent=root)
    base = f"/g/frontroom/t/{root}"
    page = await follow_to(site, f"/post/{last}", "wren")
    said = f'<a href="{base}#p{root}">Replying to <bdi>tansy</bdi>: “<bdi>Here is a long one.</bdi>”</a>'
    assert said in page and "To answer somebody else, use Reply below their words." in page
    first = (await site.get(base, "wren")).text
    assert "Replying to" not in first and "To answer somebody else" not in first
    await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], root)
    late = await site.get(f"{base}?after={last - 1}", "wren")
    assert f'<a href="{base}#p{root}">{TAKEN}</a>' in late.text and "Here is a long one." not in late.text


async def test_a_paused_conversation_shows_no_reply_form_and_keeps_words(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom", title="A walk")
    await site.post(f"/post/{root}/pause", "asha", {"decision": "pause", "told": "Until tomorrow."})
    asked = await site.get(f"/g/frontroom/t/{root}/reply?to={root}", "wren")
    assert asked.status_code == 403 and "A moderator paused this for now." in asked.text
    assert 'name="body"' not in asked.text and "in this group.</p>" not in asked.text
    sent = await site.post(f"/g/frontroom/t/{root}/reply", "wren", {"body": LONG, "warning": "a row"})
    assert sent.status_code == 403 and LONG in sent.text and "a row" in sent.text
    assert 'name="body"' in (await site.get(f"/g/frontroom/t/{root}/reply", "asha")).text


async def test_who_is_not_in_the_group_is_told_before_they_write(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments", title="A walk")
    page = await site.get(f"/g/appointments/t/{root}/reply?to={root}", "heron")
    assert page.status_code == 403 and reasons.REASONS["not_a_member"] in page.text
    assert 'href="/g/appointments/join"' in page.text and 'name="body"' not in page.text
    sent = await site.post(f"/g/appointments/t/{root}/reply", "heron", {"body": LONG})
    assert LONG in sent.text and "in this group.</p>" not in sent.text


async def test_why_a_conversation_is_paused_is_read_by_everybody_in_it(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom", title="A walk")
    thread = f"/g/frontroom/t/{root}"
    await site.post(f"/post/{root}/pause", "asha", {"decision": "pause", "told": "Until <tomorrow>."})
    for name in ("wren", "marlow", "asha"):
        assert "Until &lt;tomorrow&gt;." in (await site.get(thread, name)).text
    await site.post(f"/post/{root}/pause", "asha", {"decision": "go-on"})
    assert "tomorrow" not in (await site.get(thread, "wren")).text
    await site.post(f"/post/{root}/pause", "asha", {"decision": "pause"})
    assert "The reason they gave" not in (await site.get(thread, "wren")).text


async def test_a_decision_of_another_server_names_it(site: Site) -> None:
    far = await a_group_elsewhere(site, "The front room", "wren", "marlow")
    root = await site.writes("marlow", "Hello.", group="front@far.example", title="A walk")
    own = await site.writes("wren", "Hello too.", parent=root)
    now = site.db.now()
    async with site.db.transaction() as tx:
        await tx.execute("update posts set standing = 'removed' where id = $1", own)
        await tx.execute("insert into removals values ($1, $2, 'visible', 'Unkind.', $3)", own, far, now)
        await tx.execute("update posts set is_locked = true where id = $1", root)
        await tx.execute("insert into pauses values ($1, $2, 'A rest.', $3)", root, far, now)
    thread = html.unescape((await site.get(f"/g/front@far.example/t/{root}", "wren")).text)
    assert "The people who run this group, on far.example, paused this for now." in thread
    assert "A rest." in thread and "A moderator" not in thread
    assert "on far.example, decided that this post does not appear there" in thread
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into group_bans (group_id, actor_id, banned_at) values ($1, $2, $3)",
            far, site.people["wren"].actor_id, now,
        )  # fmt: skip
    group = html.unescape((await site.get("/g/front@far.example", "wren")).text)
    assert sentences.shut_out(Host("far.example")) in group
    assert "write to our team" not in group


async def test_nobody_shut_out_is_promised_a_way_to_write_that_is_not_there(site: Site) -> None:
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into group_bans (group_id, actor_id, banned_at) values ($1, $2, $3)",
            site.groups["appointments"], site.people["wren"].actor_id, site.db.now(),
        )  # fmt: skip
    page = (await site.get("/g/appointments", "wren")).text
    assert sentences.shut_out(None) in page and "write to our team" not in page
