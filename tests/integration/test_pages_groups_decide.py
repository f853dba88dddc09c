"""What groups decide, on pages: told to whom it concerns in words, before anything they type is lost."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import pytest

from fediverse_support.actions.moderation import deciding, moderating
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.domain.posts import Audience, Draft
from fediverse_support.web.words import reasons, sentences
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def test_an_author_reads_the_reason_for_everybody_and_never_the_one_for_the_team(site: Site) -> None:
    root = await site.writes("wren", LONG, group="frontroom", title="Tea")
    form = html.unescape((await site.get(f"/post/{root}/take-down", "asha")).text)
    assert "Why, for everybody" in form and "Why, for the team alone" in form
    told = {"told": "Please be <b>kind</b>.", "reason": "third time"}
    assert went_to(await site.post(f"/post/{root}/take-down", "asha", told)) is not None
    for page in ("/home", f"/post/{root}/decision"):
        text = (await site.get(page, "wren")).text
        assert "Please be &lt;b&gt;kind&lt;/b&gt;." in text and "third time" not in text
    assert await site.value("select reason from mod_actions order by id desc limit 1") == "third time"


async def test_a_removal_without_words_gives_no_reason(site: Site) -> None:
    root = await site.writes("wren", LONG, group="frontroom", title="Tea")
    await moderating.remove_post(site.db, site.deps.instance, site.people["asha"], root)
    for page in ("/home", f"/post/{root}/decision"):
        text = (await site.get(page, "wren")).text
        assert "The reason they gave" not in text and "removed by moderators" not in text


async def test_a_paused_conversation_says_so_and_keeps_the_words_of_whoever_replies(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom", title="A walk")
    thread = f"/g/frontroom/t/{root}"
    assert "Pause it" in (await site.get(thread, "asha")).text
    assert "Pause it" not in (await site.get(thread, "wren")).text
    assert (await site.post(f"/post/{root}/pause", "wren", {"decision": "pause"})).status_code == 404
    paused = await site.post(f"/post/{root}/pause", "asha", {"decision": "pause", "told": "Until tomorrow."})
    assert went_to(paused) == f"{thread}?done=paused"
    assert (await site.post(f"/post/{root}/pause", "asha", {"decision": "pause"})).status_code == 409
    page = (await site.get(thread, "wren")).text
    assert "A moderator paused this for now." in page and "Post your reply" not in page
    refused = await site.post(f"{thread}/reply", "wren", {"body": LONG})
    assert refused.status_code == 403 and LONG in refused.text
    home = (await site.get("/home", "marlow")).text
    assert sentences.NOTICES["locked"] in home and "Until tomorrow." in home
    assert went_to(await site.post(f"/post/{root}/pause", "asha", {"decision": "go-on"})) is not None
    assert (await site.post(f"{thread}/reply", "wren", {"body": LONG})).status_code == 303


async def test_whoever_is_shut_out_reads_it_before_they_write(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="appointments", title="A walk")
    await deciding.ban(
        site.db, site.deps.instance, site.people["asha"], site.groups["appointments"],
        site.people["wren"].actor_id, told="A rest.",
    )  # fmt: skip
    page = html.unescape((await site.get(f"/g/appointments/t/{root}", "wren")).text)
    assert reasons.REASONS["banned_from_group"] in page and "Post your reply" not in page
    home = html.unescape((await site.get("/home", "wren")).text)
    assert "you cannot write in it now" in home and "A rest." in home
    kept = await site.post("/g/appointments/write", "wren", {"title": "Again", "body": LONG})
    assert kept.status_code == 403 and LONG in kept.text


async def test_messages_to_a_group_are_for_its_moderators(site: Site) -> None:
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into actors (uri, kind, host, name, inbox_uri, created_at, updated_at) values"
            " ('https://micro.example/u/io', 'person', 'micro.example', 'io', 'https://micro.example/i',"
            " $1, $1)", site.db.now(),
        )  # fmt: skip
        await tx.execute(
            "insert into group_messages (uri, group_id, author_id, body_html, received_at)"
            " select 'https://micro.example/n/1', $1, id, $2, $3 from actors where name = 'io'",
            site.groups["appointments"], f"<p>{LONG}</p>", site.db.now(),
        )  # fmt: skip
    page = await site.get("/mod/messages", "asha")
    assert page.status_code == 200 and LONG in page.text and "@io@micro.example" in page.text
    assert (await site.get("/mod/messages", "wren")).status_code == 404
    assert LONG not in (await site.get("/mod/messages", "tom")).text
    number = await site.value("select id from group_messages")
    assert (await site.post(f"/mod/messages/{number}", "tom")).status_code == 404
    assert went_to(await site.post(f"/mod/messages/{number}", "asha")) == "/mod/messages?done=message-done"
    assert LONG not in (await site.get("/mod/messages", "asha")).text


@pytest.mark.parametrize("audience", ["followers", "direct"])
async def test_a_reply_on_a_page_is_no_wider_than_what_it_answers(site: Site, audience: Audience) -> None:
    wren, marlow = site.people["wren"], site.people["marlow"]
    done = await posting.publish(
        site.db, site.deps.instance, marlow,
        Draft(body="For a few.", audience=audience, mentioned=(wren.actor_id,)),
    )  # fmt: skip
    answered = await site.post(f"/post/{done.post_id}/reply", "wren", {"body": LONG})
    assert answered.status_code == 303
    assert await site.value("select audience from posts where body_source = $1", LONG) == audience


def test_the_end_of_a_ban_is_said_as_a_day() -> None:
    now = datetime(2030, 5, 1, 12, tzinfo=UTC)
    assert sentences.banned(None, now).endswith("cannot write in it now")
    assert sentences.banned(now + timedelta(days=2), now).endswith("until 3 May")
    assert sentences.banned(now + timedelta(days=365), now).endswith("until 1 May 2031")
    assert "is over" in sentences.banned(now, now)
