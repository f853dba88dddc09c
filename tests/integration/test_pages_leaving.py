"""Whoever leaves a group keeps their own words, and finds the way back."""

from __future__ import annotations

import re

import pytest

from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db
from fediverse_support.domain.moderation import DomainRule
from tests.conftest import Clock
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def left(site: Site) -> tuple[int, int, int]:
    """A conversation of Tansy's with a reply by Wren and one by Marlow; then Wren leaves."""
    root = await site.writes("tansy", "Tansy's own trouble.", group="frontroom", title="Tansy's heading")
    reply = await site.writes("wren", "Wren's few words.", parent=root)
    await site.writes("marlow", "Marlow's own trouble.", parent=reply)
    own = await site.writes("wren", "Wren began this.", group="frontroom", title="Tea")
    assert went_to(await site.post("/g/frontroom/leave", "wren")) == "/home?done=left"
    return root, reply, own


async def test_r17_who_left_a_home_group_reads_their_own_words_and_nobody_elses(site: Site) -> None:
    root, reply, own = await left(site)
    where = went_to(await site.get(f"/post/{reply}", "wren"))
    assert where == f"/g/frontroom/t/{root}#p{reply}"
    page = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert f'id="p{reply}"' in page and "Wren's few words." in page
    assert "Tansy" not in page and "Marlow" not in page and "The front room" not in page
    assert "Here you find only what you wrote yourself." in page
    mine = (await site.get(f"/g/frontroom/t/{own}", "wren")).text
    assert "Wren began this." in mine and "whole conversation" not in mine and "Your reply" not in mine
    for path in (f"/g/frontroom/t/{root}", f"/g/frontroom/t/{own}", f"/post/{reply}"):
        assert (await site.get(path, "heron")).status_code == 404
        assert (await site.get(path)).status_code == 404
    assert (await site.get("/g/frontroom", "wren")).status_code == 404


async def test_r17_their_own_page_still_lists_what_they_wrote(site: Site) -> None:
    _, reply, own = await left(site)
    page = (await site.get("/@wren", "wren")).text
    assert f'href="/post/{reply}"' in page and f'href="/post/{own}"' in page
    assert "The front room" not in page and "Tansy" not in page
    assert "Wren" not in (await site.get("/@wren", "heron")).text.partition("</h1>")[2]


async def test_r17_their_own_page_leads_to_everything_they_wrote(site: Site) -> None:
    written = {await site.writes("wren", f"Number {number}.", group="frontroom") for number in range(45)}
    await site.post("/g/frontroom/leave", "wren")
    found, where = set(), "/@wren"
    while where:
        text = (await site.get(where, "wren")).text
        found |= {int(number) for number in re.findall(r'href="/post/(\d+)"', text)}
        older = re.search(r'href="(/@wren\?before=\d+)">Older posts', text)
        where = older[1] if older else ""
    assert found == written
    assert "Number" not in (await site.get("/@wren", "tansy")).text


async def test_r16_who_left_a_home_group_still_edits_and_removes_their_own_words(site: Site) -> None:
    root, reply, own = await left(site)
    assert "Wren&#39;s few words." in (await site.get(f"/post/{reply}/edit", "wren")).text
    saved = await site.post(f"/post/{reply}/edit", "wren", {"body": "Other words of mine."})
    assert went_to(saved) == f"/g/frontroom/t/{root}?done=saved#p{reply}"
    assert "Other words of mine." in (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    assert "never left this server" in (await site.get(f"/post/{own}/remove", "wren")).text
    assert went_to(await site.post(f"/post/{own}/remove", "wren")) == f"/post/{own}/removed"
    assert await site.value("select standing from posts where id = $1", own) == "deleted"


async def test_r17_who_left_is_let_in_again_under_the_same_name(site: Site, clock: Clock) -> None:
    root, _, _ = await left(site)
    clock.pass_by(days=29)
    site.tokens.clear()
    page = await site.get(f"/g/frontroom/t/{root}", "wren")
    assert 'href="/g/frontroom/join"' in page.text
    assert "Ask to join" in (await site.get("/g/frontroom/join", "wren")).text
    assert went_to(await site.post("/g/frontroom/join", "wren")) == "/home?done=asked"
    number = await site.value("select id from follows where standing = 'pending'")
    await site.post(f"/mod/members/{number}", "asha", {"decision": "accept"})
    again = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert "Tansy" in again and "Marlow" in again
    by = re.findall(r'<p id="by\d+"><b><bdi>(\w+)</bdi></b>', again)
    assert by == ["tansy", "wren", "marlow"]


async def test_leaving_says_what_is_kept_and_what_is_not(site: Site) -> None:
    page = (await site.get("/g/frontroom/leave", "wren")).text
    assert "What you wrote stays until you remove it." in page and "You can ask to come back" in page
    assert "You can come back" in (await site.get("/g/appointments/leave", "wren")).text


async def test_who_left_does_not_answer_there_and_keeps_what_they_typed(site: Site) -> None:
    root, reply, own = await left(site)
    assert (await site.get(f"/g/frontroom/t/{own}/reply", "wren")).status_code == 404
    typed = {"body": "One more thing.", "to": str(reply)}
    refused = await site.post(f"/g/frontroom/t/{root}/reply", "wren", typed)
    assert refused.status_code == 403 and "One more thing." in refused.text
    assert "once you have joined the group" in refused.text
    assert await site.value("select count(*) from posts where body_source = 'One more thing.'") == 0


async def test_a_reply_is_its_authors_also_when_the_first_post_is_not_for_them_any_more(site: Site) -> None:
    root = await site.writes("heron", "For all to read.", audience="public")
    reply = await site.writes("wren", "Thank you, Heron.", parent=root, audience="public")
    async with site.db.transaction() as tx:
        await tx.execute("update actors set standing = 'suspended' where name = 'heron'")
    assert went_to(await site.get(f"/post/{reply}", "wren")) == f"/post/{root}#p{reply}"
    page = (await site.get(f"/post/{root}", "wren")).text
    assert "Thank you, Heron." in page and "For all to read." not in page
    assert (await site.get(f"/post/{root}", "tansy")).status_code == 404


async def test_a_post_in_a_group_on_a_suspended_server_is_still_its_authors(site: Site) -> None:
    now = site.db.now()
    async with site.db.transaction() as tx:
        group = await tx.fetchval(
            "insert into actors (uri, kind, host, name, handle_host, inbox_uri, created_at, updated_at) "
            "values ('https://far.example/c/walks', 'group', 'far.example', 'walks', 'far.example', "
            "'https://far.example/inbox', $1, $1) returning id",
            now,
        )
        await tx.execute(
            "insert into groups (actor_id, kind, title, created_at) values ($1, 'open', 'Walks', $2)",
            group,
            now,
        )
    site.groups["walks"] = group
    own = await site.writes("wren", "Walked to the bridge.", group="walks", audience="public")
    assert went_to(await site.get(f"/post/{own}", "wren")) == f"/g/walks@far.example/t/{own}#p{own}"
    await moderating.set_domain_rule(
        site.db, site.deps.instance, site.people["tom"], DomainRule("far.example", "suspend")
    )
    assert "Walked to the bridge." in (await site.get(f"/post/{own}", "wren")).text
    assert went_to(await site.post(f"/post/{own}/remove", "wren")) == f"/post/{own}/removed"
