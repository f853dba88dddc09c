"""Words that a moderator took out or did not let appear stay their author's: to read, and to send again."""

from __future__ import annotations

import html

import pytest

from fediverse_support.actions.moderation import deciding, moderating
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import PostId
from fediverse_support.web.words import audiences, sentences
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."
ONCE = {"once": "one-form-one-post"}


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def take_out(site: Site, post_id: PostId, by: str = "asha") -> None:
    await moderating.remove_post(site.db, site.deps.instance, site.people[by], post_id)


async def a_removed_thread(site: Site, group: str = "frontroom", **draft: str) -> PostId:
    root = await site.writes("wren", LONG, group=group, **{"title": "Tea", **draft})
    await take_out(site, root)
    return root


async def a_removed_reply(site: Site) -> tuple[PostId, PostId, PostId]:
    """A conversation of Marlow's with an answer of Tansy's, and Wren's answer to that, taken out."""
    root = await site.writes("marlow", "Hello.", group="frontroom", title="A walk")
    parent = await site.writes("tansy", "Hello too.", parent=root)
    reply = await site.writes("wren", LONG, parent=parent, warning="a rough night")
    await take_out(site, reply)
    return root, parent, reply


async def count(site: Site, body: str = LONG) -> int:
    found: int = await site.value("select count(*) from posts where body_source = $1", body)
    return found


async def test_a_refused_post_is_still_its_authors(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await make_site(db, monkeypatch, newcomer_posts_held=1)
    await site.post("/g/frontroom/write", "wren", {"title": "Tea", "body": LONG})
    number = await site.value("select id from posts where standing = 'held'")
    await site.post(f"/mod/held/{number}", "asha", {"decision": "refuse", "reason": "An advert."})
    home = (await site.get("/home", "wren")).text
    assert "A moderator decided that something you wrote does not appear" in home
    assert f'href="/post/{number}/decision"' in home and "waiting for our team" not in home
    page = await site.get(f"/post/{number}/decision", "wren")
    assert page.status_code == 200 and LONG in page.text and "Tea" in page.text
    assert sentences.TAKEN_OUT in page.text and "An advert." not in page.text
    assert f'href="/post/{number}/again"' in page.text
    # Sent again it waits like any first post, and the refused one stays refused.
    sent = await site.post(f"/post/{number}/again", "wren", {"title": "Tea", "body": LONG})
    fresh = await site.value("select id from posts where standing = 'held'")
    assert went_to(sent) == f"/g/frontroom/t/{fresh}#p{fresh}"
    assert "Your post is saved." in (await site.get(f"/g/frontroom/t/{fresh}", "wren")).text
    assert await site.value("select standing from posts where id = $1", number) == "removed"


@pytest.mark.parametrize("group", ["frontroom", "cafe", "appointments"])
async def test_only_the_author_finds_a_removed_thread(site: Site, group: str) -> None:
    root = await a_removed_thread(site, group)
    own = html.unescape((await site.get(f"/g/{group}/t/{root}", "wren")).text)
    assert LONG in own and sentences.TAKEN_OUT in own and "<h1" in own and ">Tea</h1>" in own
    assert "Edit and send again" in own and "Your reply" not in own and "Tell our team" not in own
    for name in ("marlow", "asha", "tom", None):
        assert (await site.get(f"/g/{group}/t/{root}", name)).status_code == 404
    for name in ("marlow", "asha", "tom", "heron"):
        for tail in ("decision", "again", "remove", "edit"):
            assert (await site.get(f"/post/{root}/{tail}", name)).status_code == 404, (name, tail)
        got = await site.post(f"/post/{root}/again", name, {"body": "Mine now."})
        assert got.status_code == 404 and "Mine now." in got.text
    for tail in ("decision", "again"):
        visitor = await site.get(f"/post/{root}/{tail}")
        nowhere = await site.get(f"/post/12345/{tail}")
        assert went_to(visitor).startswith("/sign-in") and went_to(nowhere).startswith("/sign-in")
    assert await count(site, "Mine now.") == 0


async def test_lists_do_not_show_it_to_its_author_either(site: Site) -> None:
    root = await a_removed_thread(site, "appointments")
    for path in ("/g/appointments", "/home", "/@wren"):
        text = (await site.get(path, "wren")).text
        assert LONG not in text and f"/t/{root}" not in text, path


async def test_a_removed_reply_stands_in_its_place_for_its_author(site: Site) -> None:
    root, _, reply = await a_removed_reply(site)
    own = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert LONG in own and sentences.TAKEN_OUT in own and "Content note: <bdi>a rough night</bdi>" in own
    assert "The author knows why." not in own and f"reply?to={reply}" not in own
    assert f"/post/{reply}/tell-us" not in own
    for name in ("marlow", "asha"):
        other = (await site.get(f"/g/frontroom/t/{root}", name)).text
        assert LONG not in other and "a rough night" not in other and "Edit and send again" not in other
        assert "This post is not shown here." in other and "author knows" not in other
    led = await site.get(f"/g/frontroom/t/{reply}", "wren")
    assert went_to(led) == f"/g/frontroom/t/{root}#p{reply}"
    assert (await site.get(f"/g/frontroom/t/{reply}", "marlow")).status_code == 404


async def test_the_old_words_are_in_the_form(site: Site) -> None:
    root = await a_removed_thread(site, warning="grief")
    text = html.unescape((await site.get(f"/post/{root}/again", "wren")).text)
    assert f'action="/post/{root}/again"' in text and 'name="once"' in text
    assert 'value="Tea"' in text and f"\n{LONG}</textarea>" in text and 'value="grief"' in text
    assert "Post to The front room" in text and audiences.AUDIENCE["home"] in text
    assert went_to(await site.get(f"/post/{root}/edit", "wren")) == f"/post/{root}/again"


async def test_a_thread_sent_again_is_one_new_post_in_its_group(site: Site) -> None:
    root = await a_removed_thread(site)
    form = {**ONCE, "title": "Tea", "body": "Kinder words.", "warning": "grief"}
    first = await site.post(f"/post/{root}/again", "wren", form)
    twice = await site.post(f"/post/{root}/again", "wren", form)
    fresh = await site.value("select id from posts where body_source = 'Kinder words.'")
    assert went_to(first) == went_to(twice) == f"/g/frontroom/t/{fresh}#p{fresh}"
    assert await count(site, "Kinder words.") == 1
    seen = (await site.get(f"/g/frontroom/t/{fresh}", "tansy")).text
    assert "Kinder words." in seen and "Content note: <bdi>grief</bdi>" in seen
    assert (await site.get(f"/g/frontroom/t/{root}", "tansy")).status_code == 404
    assert LONG in (await site.get(f"/post/{root}/decision", "wren")).text


async def test_a_reply_sent_again_answers_the_same_post(site: Site) -> None:
    root, parent, reply = await a_removed_reply(site)
    page = (await site.get(f"/post/{reply}/again", "wren")).text
    assert "Post your reply" in page and "Hello too." in page and 'id="title"' not in page
    sent = await site.post(f"/post/{reply}/again", "wren", {"body": "Kinder words."})
    fresh = await site.value("select id from posts where body_source = 'Kinder words.'")
    assert went_to(sent) == f"/g/frontroom/t/{root}#p{fresh}"
    assert await site.value("select parent_id from posts where id = $1", fresh) == parent
    assert await site.value("select root_id from posts where id = $1", fresh) == root


async def test_a_reply_whose_parent_is_gone_goes_to_the_conversation(site: Site) -> None:
    root, parent, reply = await a_removed_reply(site)
    await take_out(site, parent)
    await site.post(f"/post/{reply}/again", "wren", {"body": "Kinder words."})
    parent_id = await site.value("select parent_id from posts where body_source = 'Kinder words.'")
    assert parent_id == root


async def test_a_reply_to_nothing_stays_readable(site: Site) -> None:
    root, parent, reply = await a_removed_reply(site)
    await take_out(site, parent)
    await take_out(site, root)
    page = (await site.get(f"/post/{reply}/decision", "wren")).text
    assert LONG in page and sentences.NOT_AGAIN["conversation"] in page and "Edit and send again" not in page
    assert went_to(await site.get(f"/post/{reply}/again", "wren")) == f"/post/{reply}/decision"
    late = await site.post(f"/post/{reply}/again", "wren", {"body": "Kinder words."})
    assert late.status_code == 403 and "Kinder words." in late.text
    assert await count(site, "Kinder words.") == 0


async def test_who_left_a_closed_group_keeps_the_words_and_sees_nothing_else_of_it(site: Site) -> None:
    _, _, reply = await a_removed_reply(site)
    await deciding.ban(
        site.db,
        site.deps.instance,
        site.people["asha"],
        site.groups["frontroom"],
        site.people["wren"].actor_id,
    )
    assert (await site.get("/g/frontroom", "wren")).status_code == 404
    page = html.unescape((await site.get(f"/post/{reply}/decision", "wren")).text)
    assert LONG in page and sentences.NOT_AGAIN["group"] in page
    home = (await site.get("/home", "wren")).text
    line = home[home.index(f"/post/{reply}/decision") :].partition("</li>")[0]
    for text in (page, line):
        assert "front room" not in text and "frontroom" not in text
        assert "Hello" not in text and "A walk" not in text and "tansy" not in text
    late = await site.post(f"/post/{reply}/again", "wren", {"body": "Kinder words."})
    assert late.status_code == 403 and "Kinder words." in late.text and "front room" not in late.text
    assert went_to(await site.post(f"/post/{reply}/remove", "wren")) == f"/post/{reply}/removed"
    assert await count(site) == 0


async def test_who_left_an_open_group_is_shown_the_way_back_in(site: Site) -> None:
    root = await a_removed_thread(site, "appointments")
    await site.post("/g/appointments/leave", "wren")
    page = (await site.get(f"/post/{root}/decision", "wren")).text
    assert sentences.NOT_AGAIN["join"] in page and 'href="/g/appointments/join"' in page


async def test_nothing_else_can_be_done_with_it(site: Site) -> None:
    root, _, reply = await a_removed_reply(site)
    assert (await site.post(f"/post/{reply}/tell-us", "wren", {"reason": "rule"})).status_code == 404
    answer = {"body": "Below my own.", "to": str(reply)}
    assert (await site.post(f"/g/frontroom/t/{root}/reply", "wren", answer)).status_code == 404
    assert (await site.get(f"/g/frontroom/t/{root}/reply?to={reply}", "wren")).status_code == 404
    own = await a_removed_thread(site)
    assert (await site.get(f"/g/frontroom/t/{own}/reply", "wren")).status_code == 404
    below = await site.post(f"/g/frontroom/t/{own}/reply", "wren", {"body": "Below my own."})
    assert below.status_code in (403, 404) and "Below my own." in below.text
    edited = await site.post(f"/post/{reply}/edit", "wren", {"body": "Other words."})
    assert edited.status_code == 403 and "Other words." in edited.text
    assert await site.value("select body_source from posts where id = $1", reply) == LONG
    assert await count(site, "Below my own.") == 0
    assert await site.value("select count(*) from reports") == 0


async def test_its_author_may_erase_it_and_then_it_is_gone_for_all(site: Site) -> None:
    root = await a_removed_thread(site, "appointments")
    page = (await site.get(f"/post/{root}/remove", "wren")).text
    assert LONG in page and "its words are gone for you too" in page and f"/post/{root}/decision" in page
    assert went_to(await site.post(f"/post/{root}/remove", "wren")) == f"/post/{root}/removed"
    assert await site.value("select standing || body_text from posts where id = $1", root) == "deleted"
    for path in (f"/post/{root}/decision", f"/post/{root}/again", f"/g/appointments/t/{root}"):
        assert (await site.get(path, "wren")).status_code == 404
    assert "/decision" not in (await site.get("/home", "wren")).text


async def test_what_was_wrong_in_the_form_is_said_and_the_words_stay(site: Site) -> None:
    root = await a_removed_thread(site)
    got = await site.post(f"/post/{root}/again", "wren", {"title": "Kept title", "body": " "})
    assert got.status_code == 400 and "Write a few words" in got.text and "Kept title" in got.text
    looked = await site.post(f"/post/{root}/again", "wren", {"body": "Not yet.", "look": "1"})
    assert looked.status_code == 200 and "Not yet." in looked.text
    assert await count(site, "Not yet.") == 0


async def test_a_profile_post_taken_down_by_staff_is_told_and_goes_to_no_more_people(site: Site) -> None:
    post = await site.writes("wren", LONG, audience="followers")
    await take_out(site, post, by="tom")
    assert f'href="/post/{post}/decision"' in (await site.get("/home", "wren")).text
    assert LONG in (await site.get(f"/post/{post}", "wren")).text
    assert (await site.get(f"/post/{post}", "marlow")).status_code == 404
    sent = await site.post(f"/post/{post}/again", "wren", {"body": "Kinder words."})
    fresh = await site.value("select id from posts where body_source = 'Kinder words.'")
    assert went_to(sent) == f"/post/{fresh}#p{fresh}"
    assert await site.value("select audience from posts where id = $1", fresh) == "followers"


async def test_a_message_sent_again_reaches_whom_it_named_and_nobody_else(site: Site) -> None:
    named = site.people["marlow"].actor_id
    post = await site.writes("wren", LONG, audience="direct", mentioned=(named,))
    await take_out(site, post, by="tom")
    await site.post(f"/post/{post}/again", "wren", {"body": "Kinder words."})
    fresh = await site.value("select id from posts where body_source = 'Kinder words.'")
    assert await site.value("select audience from posts where id = $1", fresh) == "direct"
    assert await site.value("select array_agg(actor_id) from mentions where post_id = $1", fresh) == [named]


async def test_a_program_with_the_authors_session_is_led_nowhere(site: Site) -> None:
    root = await a_removed_thread(site, "appointments")
    asked = await site.get(f"/g/appointments/t/{root}", accept="application/activity+json")
    assert asked.status_code == 404
    # The author's browser gets the page, never a way to a document that is not there.
    own = await site.get(f"/g/appointments/t/{root}", "wren", accept="application/activity+json")
    assert "location" not in own.headers
