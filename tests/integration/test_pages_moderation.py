"""Joining groups, telling our team, and what moderators and admins decide on pages."""

from __future__ import annotations

import html
import re

import pytest

from fediverse_support.db.pool import Db
from tests.integration.site import TOKEN, Site, make_site, went_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def test_joining_an_open_group_needs_a_yes_to_copies(site: Site) -> None:
    refused = await site.post("/g/appointments/join", "heron")
    assert refused.status_code == 400 and "There is something to fix" in refused.text
    joined = await site.post("/g/appointments/join", "heron", {"copies": "1"})
    assert went_to(joined) == "/g/appointments?done=joined"
    assert went_to(await site.post("/g/appointments/leave", "heron")) == "/home?done=left"
    assert "Join here" in (await site.get("/g/appointments", "heron")).text


async def test_a_home_group_is_joined_by_invitation_and_a_moderators_yes(site: Site) -> None:
    text = html.unescape((await site.get("/mod/members", "asha")).text)
    address = re.search(r"https://support\.example(/g/frontroom/join\?invite=\S+?)<", text)
    assert address is not None
    page = await site.get(address[1], "heron")
    invite = TOKEN.sub("", page.text)
    assert page.status_code == 200 and "Ask to join" in invite
    bent = address[1][:-3] + "xyz"
    assert (await site.get(bent, "heron")).status_code == 404
    assert (await site.get(address[1].replace("frontroom", "neverwas"), "heron")).status_code == 404
    asked = await site.post("/g/frontroom/join", "heron", {"invite": address[1].partition("=")[2]})
    assert went_to(asked) == "/home?done=asked"
    assert "A moderator will answer within a day." in (await site.get("/home", "heron")).text
    assert (await site.get("/g/frontroom", "heron")).status_code == 404
    number = await site.value("select id from follows where standing = 'pending'")
    assert (await site.post(f"/mod/members/{number}", "wren", {"decision": "accept"})).status_code == 404
    await site.post(f"/mod/members/{number}", "asha", {"decision": "accept"})
    assert (await site.get("/g/frontroom", "heron")).status_code == 200


async def test_telling_our_team_reaches_a_moderator_and_nobody_else(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom")
    assert (await site.post(f"/post/{root}/tell-us", "tansy", {"reason": "nonsense"})).status_code == 400
    assert (await site.post(f"/post/{root}/tell-us", "heron", {"reason": "worried"})).status_code == 404
    told = await site.post(f"/post/{root}/tell-us", "tansy", {"reason": "worried", "body": "He sounded low."})
    assert went_to(told) == f"/g/frontroom/t/{root}?done=told"
    text = (await site.get("/mod/reports", "asha")).text
    assert "Someone is worried about a person" in text and "He sounded low." in text and "tansy" not in text
    assert (await site.get("/mod/reports", "marlow")).status_code == 404
    assert "He sounded low." not in (await site.get("/mod/reports", "tom")).text
    number = await site.value("select id from reports")
    assert (await site.post(f"/mod/reports/{number}", "tom")).status_code == 404
    await site.post(f"/mod/reports/{number}", "asha")
    assert "Nothing is waiting." in (await site.get("/mod/reports", "asha")).text


async def test_a_moderator_takes_a_post_down_and_its_place_stays(site: Site) -> None:
    root = await site.writes("marlow", "Hello.", group="frontroom")
    reply = await site.writes("tansy", "Out of order.", parent=root)
    assert (await site.post(f"/post/{reply}/take-down", "wren")).status_code == 404
    await site.post(f"/post/{reply}/take-down", "asha", {"reason": "Not kind."})
    text = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert "Out of order." not in text
    assert "This post is not shown here." in text and "author knows" not in text


async def test_only_staff_see_and_set_rules_for_other_servers(site: Site) -> None:
    for path in ("/admin/servers", "/admin/servers/loud.example", "/admin/servers/look?domain=x.example"):
        for name in ("wren", "asha"):
            assert (await site.get(path, name)).status_code == 404
    page = (await site.get("/admin/servers/loud.example", "tom")).text
    assert page.index("If you suspend it, this stops") < page.index("Put this rule in force")
    form = {"severity": "suspend", "reason": "Reports go unanswered.", "note": "Ask again in May."}
    assert (await site.post("/admin/servers/loud.example", "asha", form)).status_code == 404
    assert (
        went_to(await site.post("/admin/servers/loud.example", "tom", form)) == "/admin/servers?done=rule-set"
    )
    assert await site.value("select severity from domain_rules where domain = 'loud.example'") == "suspend"
    assert "Reports go unanswered." in (await site.get("/admin/servers", "tom")).text
    cleared = await site.post("/admin/servers/loud.example", "tom", {"decision": "clear"})
    assert went_to(cleared) == "/admin/servers?done=rule-cleared"
    assert await site.value("select count(*) from domain_rules") == 0


async def test_what_a_rule_does_is_said_as_it_is(site: Site) -> None:
    page = (await site.get("/admin/servers/loud.example", "tom")).text
    # Suspending severs no follow, and nothing shows the reason to members by itself.
    assert "nobody has to join or follow anew" in page
    assert "follow again themselves" not in page and "Links between people are cut" not in page
    assert "Hidden from people who do not follow them" not in page and "members and visitors" not in page


@pytest.mark.parametrize("severity", ["allow", "limit", "hold", "suspend"])
async def test_each_rule_can_be_set(site: Site, severity: str) -> None:
    await site.post("/admin/servers/loud.example", "tom", {"severity": severity})
    assert await site.value("select severity from domain_rules") == severity


@pytest.mark.parametrize("typed", ["", "not a server", "https://", "support.example", "-", "x" * 400, "a..b"])
async def test_a_server_name_that_is_none_gets_a_sentence(site: Site, typed: str) -> None:
    async with site.browser(await site.session("tom")) as browser:
        got = await browser.get("/admin/servers/look", params={"domain": typed})
    assert got.status_code == 400 and "There is something to fix" in got.text


async def test_a_rule_without_a_choice_says_what_to_fix_and_keeps_the_reason(site: Site) -> None:
    got = await site.post("/admin/servers/loud.example", "tom", {"reason": "Because of May."})
    assert got.status_code == 400 and "Choose a rule" in got.text and "Because of May." in got.text


async def test_first_posts_wait_for_a_moderator(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await make_site(db, monkeypatch, newcomer_posts_held=1)
    got = await site.post("/g/frontroom/write", "wren", {"title": "Hello", "body": LONG})
    number = await site.value("select id from posts where standing = 'held'")
    assert went_to(got) == f"/g/frontroom/t/{number}#p{number}"
    own = (await site.get(f"/g/frontroom/t/{number}", "wren")).text
    assert "Your post is saved. Someone from our team reads first posts before they appear." in own
    assert (await site.get(f"/g/frontroom/t/{number}", "tansy")).status_code == 404
    held = (await site.get("/mod/held", "asha")).text
    assert LONG in held and held.index("<details") < held.index(LONG)
    assert LONG not in (await site.get("/mod/held", "tom")).text
    assert (await site.get("/mod/held", "wren")).status_code == 404
    assert (await site.post(f"/mod/held/{number}", "tom", {"decision": "approve"})).status_code == 404
    approved = await site.post(f"/mod/held/{number}", "asha", {"decision": "approve"})
    assert went_to(approved) == "/mod/held?done=approved"
    assert LONG in (await site.get(f"/g/frontroom/t/{number}", "tansy")).text
    late = await site.post(f"/mod/held/{number}", "asha", {"decision": "refuse"})
    assert late.status_code == 409 and "decided about this already" in late.text


async def test_a_refused_post_stays_unseen(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await make_site(db, monkeypatch, newcomer_posts_held=1)
    await site.post("/g/frontroom/write", "wren", {"body": LONG})
    number = await site.value("select id from posts where standing = 'held'")
    await site.post(f"/mod/held/{number}", "asha", {"decision": "refuse", "reason": "An advert."})
    assert (await site.get(f"/g/frontroom/t/{number}", "tansy")).status_code == 404
    assert LONG not in (await site.get("/mod/held", "asha")).text
