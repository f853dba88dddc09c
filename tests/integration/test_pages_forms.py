"""What people write and change on pages. Words are never lost on the way."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import timedelta
from typing import Any

import pytest

from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Db
from fediverse_support.db.rows import only
from fediverse_support.domain.ids import FollowId
from fediverse_support.domain.posts import MAX_BODY
from fediverse_support.speech import ENGLISH
from fediverse_support.web.words import audiences
from tests.conftest import Clock
from tests.integration.site import FORM, Site, make_site, went_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "https://support.example"},
    ],
)
async def test_a_form_sent_by_another_site_does_nothing(site: Site, headers: dict[str, str]) -> None:
    got = await site.post("/g/frontroom/write", "wren", {"body": LONG}, **headers)
    assert got.status_code == 403
    assert await site.value("select count(*) from posts") == 0


async def test_a_form_without_this_sessions_token_does_nothing_and_keeps_the_words(site: Site) -> None:
    foreign = site.sessions.form_token(await site.session("marlow"))
    for token in ("", "x", foreign, "é"):
        got = await site.post("/g/frontroom/write", "wren", {"body": LONG, "token": token})
        assert got.status_code == 403 and LONG in got.text
    assert await site.value("select count(*) from posts") == 0


async def test_writing_leads_to_the_post_in_its_conversation(site: Site) -> None:
    got = await site.post("/g/frontroom/write", "wren", {"title": "Tea", "body": LONG, "warning": ""})
    number = await site.value("select id from posts")
    assert went_to(got) == f"/g/frontroom/t/{number}#p{number}"
    assert LONG in (await site.get(f"/g/frontroom/t/{number}", "tansy")).text


async def test_a_form_sent_twice_posts_once(site: Site) -> None:
    form = {"body": LONG, "once": "abcdefgh12345678"}
    first = await site.post("/g/frontroom/write", "wren", form)
    assert went_to(first) == went_to(await site.post("/g/frontroom/write", "wren", form))
    assert await site.value("select count(*) from posts") == 1


async def test_other_words_from_the_same_form_are_another_post(site: Site) -> None:
    once = "abcdefgh12345678"
    await site.post("/g/frontroom/write", "wren", {"body": LONG, "once": once})
    again = await site.post("/g/frontroom/write", "wren", {"body": "And one thing more.", "once": once})
    assert "And one thing more." in (await site.get(went_to(again).partition("#")[0], "tansy")).text
    assert await site.value("select count(*) from posts") == 2


async def test_a_text_far_too_long_comes_back_whole(site: Site) -> None:
    body = "夜" * 20_000
    got = await site.post("/g/frontroom/write", "wren", {"body": body})
    assert got.status_code == 400 and body in got.text


async def test_words_for_an_address_that_no_group_can_have_are_kept(site: Site) -> None:
    got = await site.post("/g/%00/write", "wren", {"body": LONG})
    assert got.status_code == 404 and LONG in got.text


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"body": ""}, "Write a few words"),
        ({"body": "  \n "}, "Write a few words"),
        ({"body": "x" * (MAX_BODY + 1)}, "Make the text shorter than 5,000 characters"),
        ({"body": LONG, "title": "t" * 201}, "Make the title shorter than 200 characters"),
        ({"body": LONG, "warning": "w" * 201}, "Make the content note shorter than 200 characters"),
    ],
)
async def test_what_has_to_change_is_said_and_every_word_stays(
    site: Site, form: dict[str, str], sentence: str
) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom")
    mine = await site.writes("wren", "Mine.", group="frontroom")
    for path in ("/g/frontroom/write", f"/g/frontroom/t/{root}/reply", f"/post/{mine}/edit"):
        if "title" in form and path.endswith("/reply"):
            continue  # replies have no title
        got = await site.post(path, "wren", form)
        assert got.status_code == 400
        assert "<title>To fix:" in got.text and "There is something to fix" in got.text
        assert sentence in got.text and 'aria-invalid="true"' in got.text
        for value in form.values():
            assert html.escape(value.strip()) in got.text


async def test_words_with_odd_characters_are_kept_or_cleaned_never_an_error(site: Site) -> None:
    for body in (
        "a\x00b",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "\u202eevil",
        "٣" * 50,
    ):
        got = await site.post("/g/frontroom/write", "wren", {"body": body, "title": body})
        assert got.status_code in (303, 400)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x=" + b"y" * 600_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"\xff\xfe=%ff%fe&body=%f0", "application/x-www-form-urlencoded", 403),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
async def test_a_form_that_is_none_gets_a_sentence(
    site: Site, content: bytes, kind: str, status: int
) -> None:
    async with site.browser(await site.session("wren")) as browser:
        got = await browser.post(
            "/g/frontroom/write", content=content, headers={"content-type": kind, **FORM}
        )
    assert got.status_code == status and "<h1>" in got.text


async def test_a_fault_hands_back_what_was_typed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(posting, "publish", breaks)
    got = await site.post("/g/frontroom/write", "wren", {"body": LONG})
    assert got.status_code == 500
    assert LONG in got.text and "What you wrote is below." in got.text and "a bug" not in got.text


@pytest.mark.parametrize("kind", ["home", "home-open", "circle", "open"])
async def test_the_exact_audience_sentence_is_tied_to_the_button(site: Site, kind: Any) -> None:
    await site.group("fourth", "A fourth room", kind, moderators=("asha",))
    root = await site.writes("asha", "Hello.", group="fourth")
    sentence = audiences.reach(kind, "public" if kind == "open" else "group").sentence
    for path in ("/g/fourth/write", f"/g/fourth/t/{root}", f"/g/fourth/t/{root}/reply", f"/post/{root}/edit"):
        text = html.unescape((await site.get(path, "asha")).text)
        room = re.search(rf'<form class="room {kind}".*?</form>', text, re.S)
        assert room is not None
        assert re.search(r'<div id="audience".*?' + re.escape(sentence) + r".*?</div>", room[0], re.S)
        assert '<button class="btn main" aria-describedby="audience">' in room[0]


async def test_a_reply_goes_where_it_belongs(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom")
    other = await site.writes("tansy", "Hello too.", parent=root)
    elsewhere = await site.writes("tansy", "Not here.", group="appointments")
    await site.post(f"/g/frontroom/t/{root}/reply", "wren", {"body": LONG, "to": str(other)})
    assert await site.value("select parent_id from posts where body_source = $1", LONG) == other
    strayed = await site.post(f"/g/frontroom/t/{root}/reply", "wren", {"body": LONG, "to": str(elsewhere)})
    assert strayed.status_code == 404 and LONG in strayed.text


async def test_no_mark_and_no_control_character_reaches_a_neighbour(site: Site) -> None:
    tower = "o" + "\u0335\u0301\u0316" * 60
    form = {"title": f"T{tower}", "body": f"x\x1by{tower}\u202e", "warning": f"w\u202e{tower}\x9b"}
    await site.post("/g/frontroom/write", "wren", form)
    async with site.db.connection() as conn:
        row = only(await conn.fetchrow("select * from posts"))
    for text in (row["title"], row["body_html"], row["body_source"], row["warning"]):
        assert len([c for c in text if unicodedata.category(c) == "Mn"]) <= 5
        assert "\x1b" not in text and "\x9b" not in text
    assert "\u202e" not in row["title"] + row["warning"]
    page = (await site.get("/g/frontroom", "tansy")).text
    assert f"<bdi>{row['warning']}</bdi>" in page


async def test_only_the_author_edits_and_removes(site: Site) -> None:
    root = await site.writes("wren", "First words.", group="frontroom", title="Tea")
    for path, form in ((f"/post/{root}/edit", {"body": "Mine now."}), (f"/post/{root}/remove", {})):
        assert (await site.get(path, "tansy")).status_code == 404
        assert (await site.post(path, "tansy", form)).status_code == 404
        assert (await site.get(path, "heron")).status_code == 404
    assert "First words." in (await site.get(f"/post/{root}/edit", "wren")).text
    edited = await site.post(f"/post/{root}/edit", "wren", {"title": "Tea", "body": "Second words."})
    assert went_to(edited) == f"/g/frontroom/t/{root}?done=saved#p{root}"
    assert "Second words." in (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    removed = await site.post(f"/post/{root}/remove", "wren")
    assert went_to(removed) == f"/post/{root}/removed"
    assert "It never left this server." in (await site.get(f"/post/{root}/removed", "wren")).text
    assert (await site.get(f"/post/{root}/removed", "tansy")).status_code == 404
    assert (await site.get(f"/g/frontroom/t/{root}", "tansy")).status_code == 404


async def test_the_undo_window_is_said_and_ends(site: Site, clock: Clock) -> None:
    root = await site.writes("wren", "Hello.", group="appointments")
    until = ENGLISH.clock(clock.at + timedelta(minutes=10), clock.at.astimezone())
    mine = (await site.get(f"/g/appointments/t/{root}", "wren")).text
    assert f"It goes to other servers at {until}. You can undo it until then." in mine
    assert "You can undo it" not in (await site.get(f"/g/appointments/t/{root}", "tansy")).text
    clock.pass_by(minutes=11)
    assert "You can undo it" not in (await site.get(f"/g/appointments/t/{root}", "wren")).text


async def test_undoing_in_time_means_it_never_left(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments")
    await site.post(f"/post/{root}/remove", "wren")
    assert "This never left. It is gone." in (await site.get(f"/post/{root}/removed", "wren")).text


async def test_a_link_alone_changes_nothing(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="frontroom")
    for path in (f"/post/{root}/remove", "/sign-out", "/g/frontroom/leave", f"/mod/held/{root}"):
        await site.get(path, "wren")
    assert "Hello." in (await site.get(f"/g/frontroom/t/{root}", "wren")).text


@pytest.mark.parametrize("audience", ["followers", "direct"])
async def test_a_reply_from_a_page_is_read_by_no_more_people_than_what_it_answers(
    site: Site, audience: Any
) -> None:
    marlow = site.people["marlow"]
    asked = await following.follow(site.db, site.deps.instance, marlow, site.people["wren"].actor_id)
    number = FollowId(await site.value("select max(id) from follows where follower_id = $1", marlow.actor_id))
    await following.decide_member(site.db, site.deps.instance, site.people["wren"], number, accept=True)
    post = await site.writes("wren", "For few.", audience=audience, mentioned=(marlow.actor_id,))
    sent = await site.post(f"/post/{post}/reply", "marlow", {"body": "For as few."})
    reply = await site.value("select id from posts where body_source = 'For as few.'")
    assert (asked, went_to(sent)) == ("pending", f"/post/{post}#p{reply}")
    assert await site.value("select audience from posts where id = $1", reply) == audience
    assert (await site.get(f"/post/{reply}", "tansy")).status_code == 404
    assert (await site.get(f"/post/{reply}")).status_code == 404
