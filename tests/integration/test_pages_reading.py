"""What pages show, and to whom."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from fediverse_support.actions.people import following
from fediverse_support.db.pool import Db
from fediverse_support.domain.moderation import DomainRule
from tests.conftest import Clock, Queries
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def a_remote_reply(site: Site, root: int, group: str, text: str) -> None:
    now = site.db.now()
    async with site.db.connection() as conn:
        io = await conn.fetchval(
            "insert into actors (uri, kind, host, name, handle_host, display_name, inbox_uri, created_at, "
            "updated_at) values ('https://masto.example/u/io', 'person', 'masto.example', 'io', "
            "'masto.example', 'Io', 'https://masto.example/inbox', $1, $1) returning id",
            now,
        )
        await conn.execute(
            "insert into posts (uri, kind, author_id, host, group_id, written_in, root_id, parent_id, "
            "audience, standing, body_html, body_text, published_at, active_at, created_at) values "
            "('https://masto.example/n/1', 'Note', $1, 'masto.example', $2, 'open', $3, $3, 'public', "
            "'visible', $4, $4, $5, $5, $5)",
            io,
            site.groups[group],
            root,
            text,
            now,
        )


async def test_the_front_page_welcomes_visitors_and_sends_members_home(site: Site) -> None:
    got = await site.get("/")
    assert got.status_code == 200
    assert "Getting ready for appointments" in got.text
    assert "The front room" not in got.text
    home = await site.get("/", "wren")
    assert (home.status_code, home.headers["location"]) == (303, "/home")


async def test_every_page_carries_the_walls_of_a_quiet_house(site: Site) -> None:
    for path, name in (("/", None), ("/help", None), ("/g/appointments", "wren"), ("/g/nothing", None)):
        headers = (await site.get(path, name)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert "noindex" in headers["x-robots-tag"]
    assert (await site.get("/g/appointments", "wren")).headers["cache-control"] == "no-store"


async def test_no_page_asks_anything_of_another_host_or_carries_script_or_style(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="frontroom", title="Hello")
    for path, name in (("/", None), ("/home", "wren"), (f"/g/frontroom/t/{root}", "wren"), ("/help", None)):
        text = (await site.get(path, name)).text
        assert "<script" not in text and " style=" not in text and "<style" not in text
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


@pytest.mark.parametrize("path", ["/g/{}", "/g/{}/join", "/g/{}/leave", "/g/{}/write", "/g/{}/t/{root}"])
async def test_a_home_group_is_for_others_a_name_that_never_existed(site: Site, path: str) -> None:
    root = await site.writes("wren", "Only for the front room.", group="frontroom", title="Tea")
    await following.follow(
        site.db, site.deps.instance, site.people["heron"], site.groups["frontroom"], is_invited=True
    )
    await site.account("nobody_yet")
    there, nowhere = path.format("frontroom", root=root), path.format("neverwas", root=root)
    for name in (None, "nobody_yet"):
        real, unreal = await site.get(there, name), await site.get(nowhere, name)
        assert (real.status_code, unreal.status_code) == (404, 404)
        assert real.text == unreal.text
        assert real.headers.items() == unreal.headers.items()
    if not path.endswith("/join"):  # who asked knows the door, and sees nothing through it
        asked, unreal = await site.get(there, "heron"), await site.get(nowhere, "heron")
        assert (asked.status_code, asked.text) == (404, unreal.text)


@pytest.mark.parametrize(
    ("typed", "where"),
    [("/@wren/", "/@wren"), ("/g/appointments/", "/g/appointments"), ("/find/?done=left", "/find?done=left"),
     ("/g/frontroom/", "/g/frontroom"), ("/g/neverwas//", "/g/neverwas")],
)  # fmt: skip
async def test_a_slash_at_the_end_leads_to_the_page_without(site: Site, typed: str, where: str) -> None:
    got = await site.get(typed)
    assert (got.status_code, got.headers["location"]) == (308, where)


@pytest.mark.parametrize("typed", ["//evil.example/", "/\\evil.example/", "///", "/%0d%0ax/", "/@wren%20x/"])
async def test_a_slash_at_the_end_never_leads_away(site: Site, typed: str) -> None:
    async with site.browser() as browser:
        got = await browser.get(f"https://support.example{typed}")
    assert got.status_code in (200, 404) and "location" not in got.headers


async def test_an_address_with_our_own_name_in_it_is_the_same_page(site: Site) -> None:
    for short in ("/@wren", "/g/appointments"):
        assert (await site.get(f"{short}@support.example")).status_code == 200
        assert (await site.get(f"{short}@elsewhere.example")).status_code == 404
    assert (await site.get("/g/frontroom@support.example")).status_code == 404


async def test_what_comes_first_for_each_is_their_own_work(site: Site) -> None:
    await site.account("moss", roles=["moderator"])
    expected = {
        "wren": ["Your groups", "Find", "You"],
        "asha": ["Waiting", "Your groups", "Find", "You"],
        "moss": ["Waiting", "Other servers", "Your groups", "You"],
        "tom": ["Other servers", "Waiting", "Your groups", "You"],
    }
    for name, links in expected.items():
        text = (await site.get("/home", name)).text
        main = text[text.index('aria-label="Main"') :].partition("</nav>")[0]
        assert re.findall(r"<a [^>]*>([^<]+)</a>", main) == links


async def test_find_lists_what_each_may_look_at(site: Site) -> None:
    seen = {name: (await site.get("/find", name)).text for name in (None, "heron", "wren")}
    assert [("The front room" in t, "Everyday chat" in t) for t in seen.values()] == [
        (False, False),
        (False, True),
        (True, True),
    ]


async def test_a_group_page_shows_titles_and_first_lines_but_none_behind_a_content_note(site: Site) -> None:
    await site.writes("wren", "Three words on my hand.", group="appointments", title="Before I go in")
    await site.writes(
        "marlow", "Forty candles.", group="appointments", title="Sunday", warning="death and grief"
    )
    text = (await site.get("/g/appointments")).text
    assert "Before I go in" in text and "Three words on my hand." in text
    assert "Content note: <bdi>death and grief</bdi>" in text and "Forty candles." not in text


async def test_conversations_come_twenty_a_page_latest_reply_first(site: Site, clock: Clock) -> None:
    roots = []
    for number in range(23):
        clock.pass_by(minutes=5)
        roots.append(
            await site.writes("wren", f"Words {number}.", group="frontroom", title=f"Talk {number:02}")
        )
    clock.pass_by(minutes=5)
    await site.writes("tansy", "Yes.", parent=roots[0])
    first = (await site.get("/g/frontroom", "wren")).text
    titles = re.findall(r"Talk (\d\d)</a>", first)
    assert titles == ["00", *(f"{n:02}" for n in range(22, 3, -1))]
    older = re.search(r'href="(/g/frontroom\?before=[^"]+)">Older conversations', first)
    assert older is not None
    rest = (await site.get(older[1], "wren")).text
    assert re.findall(r"Talk (\d\d)</a>", rest) == ["03", "02", "01"]
    assert "Older conversations" not in rest


@pytest.mark.parametrize(
    "before", ["x", "1-x", "-", "99999999999999999999-1", "1-1", "1000000000000-5", "%00"]
)
async def test_a_bent_page_address_is_no_error(site: Site, before: str) -> None:
    assert (await site.get(f"/g/appointments?before={before}")).status_code == 200


async def test_a_conversation_is_flat_in_time_and_says_where_people_write_from(site: Site) -> None:
    root = await site.writes("wren", "How do you ask?", group="appointments", title="A longer slot")
    first = await site.writes("tansy", "I call ahead.", parent=root)
    await site.writes("marlow", "So do I.", parent=first)
    await a_remote_reply(site, root, "appointments", "Last slot of the day.")
    text = (await site.get(f"/g/appointments/t/{root}")).text
    order = [text.index(t) for t in ("How do you ask?", "I call ahead.", "So do I.", "Last slot of the day.")]
    assert order == sorted(order)
    assert "Replying to <bdi>tansy</bdi>" in text
    assert "from <bdi>masto.example</bdi>" in text
    assert "That is the whole conversation so far." in text
    assert '<div class="text" lang="' in text and 'dir="auto"' in text


async def test_a_reply_address_leads_to_its_place_in_the_conversation(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments")
    reply = await site.writes("tansy", "Hello too.", parent=root)
    got = await site.get(f"/g/appointments/t/{reply}")
    assert (got.status_code, got.headers["location"]) == (303, f"/g/appointments/t/{root}#p{reply}")
    assert (await site.get(f"/g/cafe/t/{root}", "wren")).status_code == 404


async def test_a_content_note_covers_the_words(site: Site) -> None:
    root = await site.writes("marlow", "Forty candles.", group="frontroom", warning="death and grief")
    text = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert re.search(
        r"<details class=\"fold\"><summary[^>]*><span>Content note: <bdi>death and grief</bdi></span>", text
    )


async def test_a_suspended_server_is_gone_from_the_page_at_once(site: Site) -> None:
    from fediverse_support.actions.moderation import moderating

    root = await site.writes("wren", "How do you ask?", group="appointments")
    await a_remote_reply(site, root, "appointments", "Last slot of the day.")
    assert "Last slot" in (await site.get(f"/g/appointments/t/{root}")).text
    await moderating.set_domain_rule(
        site.db, site.deps.instance, None, DomainRule("masto.example", "suspend")
    )
    assert "Last slot" not in (await site.get(f"/g/appointments/t/{root}")).text
    await moderating.clear_domain_rule(site.db, None, "masto.example")
    assert "Last slot" in (await site.get(f"/g/appointments/t/{root}")).text


async def test_titles_name_the_kind_of_page_only(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments", title="A longer slot")
    member = (await site.get(f"/g/appointments/t/{root}", "wren")).text
    assert "<title>Conversation – Fediverse Support</title>" in member
    assert "<title>Group – Fediverse Support</title>" in (await site.get("/g/appointments", "wren")).text
    visitor = (await site.get(f"/g/appointments/t/{root}")).text
    assert "<title>A longer slot – Fediverse Support</title>" in visitor


async def test_home_shows_news_by_group_and_what_concerns_only_you(site: Site) -> None:
    root = await site.writes("tansy", "Soup.", group="frontroom", title="Soup on Sunday")
    await site.writes("wren", "Bread too.", parent=root)
    text = (await site.get("/home", "tansy")).text
    assert "Soup on Sunday" in text and "wren replied to you" in text
    assert "Nothing new in" in text and "That is everything new. You are up to date." in text
    assert "wren replied to you" not in (await site.get("/home", "marlow")).text
    visitor = await site.get("/home")
    assert (visitor.status_code, visitor.headers["location"]) == (303, "/sign-in?back=%2Fhome")


async def test_a_profile_shows_others_only_what_stands_in_the_open(site: Site) -> None:
    await site.writes("wren", "Behind the door.", group="frontroom", title="Indoors")
    await site.writes("wren", "In the open.", group="appointments", title="Outdoors")
    for name in (None, "heron", "tansy"):
        text = (await site.get("/@wren", name)).text
        assert "Outdoors" in text and "Indoors" not in text and "The front room" not in text
    assert "Indoors" in (await site.get("/@wren", "wren")).text
    assert (await site.get("/@nobody_at_all")).status_code == 404


async def test_programs_are_sent_from_pages_to_the_documents(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments")
    accept = {"accept": "application/activity+json"}
    for path, start in (
        ("/", "https://support.example/ap/instance"),
        ("/g/appointments", "https://support.example/ap/g/"),
        (f"/g/appointments/t/{root}", "https://support.example/ap/o/"),
        ("/@wren", "https://support.example/ap/u/"),
    ):
        got = await site.get(path, **accept)
        assert got.status_code == 302 and got.headers["location"].startswith(start)
    assert (await site.get("/g/frontroom", **accept)).status_code == 404


async def test_nothing_is_counted(site: Site) -> None:
    root = await site.writes("wren", "Hello.", group="appointments", title="Hello")
    for _ in range(3):
        await site.writes("tansy", "Hello too.", parent=root)
    for path in ("/g/appointments", f"/g/appointments/t/{root}", "/find", "/@wren", "/home"):
        text = re.sub(r"<[^>]+>", " ", (await site.get(path, "wren")).text)
        assert not re.search(r"\b\d+ (?:repl|post|member|people|follow|like)", text)


async def test_a_page_takes_few_questions_and_few_bytes(site: Site, queries: Queries, clock: Clock) -> None:
    for number in range(22):
        clock.pass_by(minutes=1)
        root = await site.writes(
            "wren", "Words that help a little. " * 12, group="frontroom", title=f"Talk {number}"
        )
    for _ in range(31):
        await site.writes("tansy", "I hear you. It was like that for me too. " * 8, parent=root)
    await site.session("wren")
    for path, most in (("/g/frontroom", 3), (f"/g/frontroom/t/{root}", 4), ("/home", 3), ("/find", 2)):
        queries.forget()
        got = await site.get(path, "wren")
        assert got.status_code == 200
        assert queries.count <= most, queries.seen
        assert len(gzip.compress(got.content)) < 30_000
    style = re.search(r'href="(/static/style\.[0-9a-f]+\.css)"', got.text)
    assert style is not None
    css = await site.get(style[1])
    assert css.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(gzip.compress(css.content)) < 8192


async def test_help_needs_no_database_and_leaves_no_trace(site: Site, queries: Queries) -> None:
    queries.forget()
    got = await site.get("/help")
    assert got.status_code == 200 and queries.count == 0
    assert "Call the emergency number where you are." in got.text
    assert len(got.content) < 10_000 and "set-cookie" not in got.headers


async def test_quick_exit_ends_the_session_and_leads_somewhere_neutral(site: Site) -> None:
    async with site.browser(await site.session("wren")) as browser:
        got = await browser.get("/exit")
        assert got.status_code == 303
        assert got.headers["location"].startswith("https://") and "support" not in got.headers["location"]
        assert "max-age=0" in got.headers["set-cookie"].lower()
    assert (await site.get("/home", "wren")).status_code == 303


async def test_an_address_that_leads_nowhere_gets_a_page_and_programs_get_none(site: Site) -> None:
    got = await site.get("/nowhere/at/all")
    assert got.status_code == 404
    assert "This page is not here, or you do not have a way in. We say the same for both." in got.text
    assert "<html" not in (await site.get("/api/v1/nothing")).text


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "1e3", "٣", "1%00", "%2e%2e"])
async def test_a_bent_number_is_a_page_that_is_not_here(site: Site, number: str) -> None:
    for path in (f"/g/appointments/t/{number}", f"/post/{number}/edit", f"/post/{number}/tell-us"):
        assert (await site.get(path, "wren")).status_code == 404


@pytest.mark.parametrize("path", ["/@%00", "/@wren%00", "/g/%00", "/g/frontroom%00/join", "/mod/held%00"])
async def test_a_zero_character_in_an_address_is_a_page_that_is_not_here(site: Site, path: str) -> None:
    for name in (None, "wren", "tom"):
        assert (await site.get(path, name)).status_code == 404


async def test_what_a_person_typed_is_shown_as_they_typed_it(site: Site) -> None:
    bait = "{{ 7*7 }} %s {0} '; -- <b>bold</b> <script>x</script>"
    root = await site.writes("wren", bait, group="frontroom", title=bait)
    for path in ("/g/frontroom", f"/g/frontroom/t/{root}", "/home", "/@wren"):
        text = (await site.get(path, "wren")).text
        assert "{{ 7*7 }} %s {0}" in text and "<script>" not in text and "<b>bold</b>" not in text


async def test_a_database_that_is_away_says_so_kindly(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from fediverse_support.db.pool import DatabaseUnavailable

    def gone(*_: Any) -> Any:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(Db, "connection", gone)
    got = await site.get("/g/appointments")
    assert got.status_code == 503 and "Get help now" in got.text and got.headers["retry-after"] == "60"
