"""Coming in and going out: sign-in, sessions, and joining the server."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from fediverse_support.actions.accounts import sessions
from fediverse_support.db.pool import Db
from fediverse_support.domain import places
from fediverse_support.domain.errors import NotAllowed, RateLimited
from fediverse_support.web.words import audiences
from tests.conftest import Clock
from tests.integration.site import FORM, PASSWORD, TOKEN, Site, make_site, went_to

pytestmark = pytest.mark.postgres

LONG = "Words I took an hour to find."


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def sign_in(browser: httpx2.AsyncClient, name: str, password: str, **more: str) -> httpx2.Response:
    page = await browser.get("/sign-in")
    token = TOKEN.search(page.text)
    assert token is not None
    form = {"token": html.unescape(token[1]), "name": name, "password": password, **more}
    return await browser.post("/sign-in", data=form, headers=FORM)


async def test_signing_in_and_out(site: Site) -> None:
    async with site.browser() as browser:
        got = await sign_in(browser, " Wren ", PASSWORD)
        assert went_to(got) == "/home"
        cookie = next(c for c in got.headers.get_list("set-cookie") if c.startswith("__Host-session"))
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= {
            part.strip().lower() for part in cookie.split(";")
        }
        page = await browser.get("/@wren")
        token = TOKEN.search(page.text)
        assert token is not None and "Sign out" in page.text
        out = await browser.post("/sign-out", data={"token": token[1]}, headers=FORM)
        assert went_to(out) == "/sign-in?done=signed-out"
        assert went_to(await browser.get("/home")).startswith("/sign-in")


async def test_a_new_session_replaces_one_that_was_planted(site: Site) -> None:
    planted = await site.session("heron")
    async with site.browser(planted) as browser:
        page = await browser.get("/@heron")
        token = TOKEN.search(page.text)
        assert token is not None
        form = {"token": token[1], "name": "wren", "password": PASSWORD}
        await browser.post("/sign-in", data=form, headers=FORM)
        assert browser.cookies["__Host-session"] != planted
    assert (await site.get("/home", "heron")).status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("wren", "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("wren\x00", "x"),
        ("w" * 5000, "x"),
        ("wren", "p" * 20000),
    ],
)
async def test_wrong_details_get_one_sentence_that_gives_nothing_away(
    site: Site, name: str, password: str
) -> None:
    async with site.browser() as browser:
        got = await sign_in(browser, name, password)
    assert got.status_code == 403
    assert "That name and password do not match." in got.text


async def guess(site: Site, address: str, password: str = "wrong", **more: Any) -> str:
    """Try a password for Wren from an address; return the code of the answer, or "in"."""
    verify = site.deps.passwords.verify
    try:
        await sessions.sign_in(site.db, "wren", password, verify=verify, address=address, **more)
    except (NotAllowed, RateLimited) as error:
        return error.code
    return "in"


async def test_guessing_is_stopped_for_a_place_and_forgiven_after_a_while(site: Site, clock: Clock) -> None:
    async with site.browser() as browser:
        statuses = [(await sign_in(browser, "wren", "wrong")).status_code for _ in range(12)]
        assert statuses[:10] == [403] * 10 and statuses[10:] == [429, 429]
        right = await sign_in(browser, "wren", PASSWORD)
        assert right.status_code == 429 and "Please wait 15 minutes." in right.text
        assert went_to(await sign_in(browser, "marlow", PASSWORD)) == "/home"
        clock.pass_by(minutes=16)
    async with site.browser() as browser:
        assert went_to(await sign_in(browser, "wren", PASSWORD)) == "/home"


async def test_nobody_is_kept_out_by_guesses_from_somewhere_else(site: Site) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    assert [await guess(site, "203.0.113.9") for _ in range(11)][-1] == "rate_limited"
    assert await guess(site, "198.51.100.7", PASSWORD, pause=pause) == "in" and pauses == []
    # From very many places: slower, for each of them, and still never refused at first.
    for number in range(30):
        await guess(site, f"192.0.2.{number}", pause=pause)
    pauses.clear()
    assert await guess(site, "198.51.100.8", PASSWORD, pause=pause) == "in"
    assert pauses == [sessions.PAUSE]
    few = [await guess(site, "198.51.100.9", pause=pause) for _ in range(5)]
    assert few == ["no_match"] * sessions.TRIES_WHILE_GUESSED + ["rate_limited"] * 2


async def test_a_device_that_was_here_before_comes_in_from_the_place_that_guesses(site: Site) -> None:
    async with site.browser() as known:
        assert went_to(await sign_in(known, "wren", PASSWORD)) == "/home"
        known.cookies.delete("__Host-session")
        async with site.browser() as stranger:  # from the same address
            assert [(await sign_in(stranger, "wren", "wrong")).status_code for _ in range(11)][-1] == 429
            assert (await sign_in(stranger, "wren", PASSWORD)).status_code == 429
            device = known.cookies["__Host-device"]
            assert "wren" not in device
            # The cookie is good for the name it was given for, and only whole.
            stranger.cookies.set("__Host-device", device[:-2] + "xx", domain="support.example")
            assert (await sign_in(stranger, "wren", PASSWORD)).status_code == 429
        assert went_to(await sign_in(known, "wren", PASSWORD)) == "/home"
        known.cookies.delete("__Host-session")
        for _ in range(sessions.TRIES_PER_NAME):
            assert (await sign_in(known, "marlow", "wrong")).status_code == 403
        assert (await sign_in(known, "marlow", PASSWORD)).status_code == 429


async def test_a_known_device_has_a_limit_of_its_own(site: Site) -> None:
    codes = [await guess(site, "203.0.113.9", device="one") for _ in range(12)]
    assert codes == ["no_match"] * sessions.TRIES_PER_NAME + ["rate_limited"] * 2
    assert await guess(site, "203.0.113.9", PASSWORD, device="two") == "in"


async def test_quick_exit_leaves_nothing_in_the_browser(site: Site) -> None:
    async with site.browser() as browser:
        await sign_in(browser, "wren", PASSWORD)
        assert len(browser.cookies) == 2
        await browser.get("/exit")
        assert len(browser.cookies) == 0


async def test_a_neighbourhood_of_addresses_is_one_place(site: Site) -> None:
    addresses = [f"2001:db8:5:6::{number:x}" for number in range(1, 13)]
    codes = [await guess(site, address) for address in addresses]
    assert codes == ["no_match"] * sessions.TRIES_PER_NAME + ["rate_limited"] * 2
    assert await guess(site, "2001:db8:5:7::1", PASSWORD) == "in"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_what_counts_as_one_place(address: str, place: str) -> None:
    assert places.place_of(address) == place


async def test_no_words_are_said_to_be_kept_where_none_were_typed(site: Site) -> None:
    async with site.browser() as browser:
        for _ in range(sessions.TRIES_PER_NAME):
            await sign_in(browser, "wren", "wrong")
        got = await sign_in(browser, "wren", PASSWORD)
        assert got.status_code == 429 and "words" not in got.text.partition("<main")[2].partition("</main")[0]
        assert 'value="wren"' in got.text and got.headers["retry-after"] == "900"
        with_words = await sign_in(browser, "wren", PASSWORD, body=LONG)
        assert "Your words are kept." in with_words.text and LONG in with_words.text


async def test_an_account_that_waits_hears_so_only_with_the_right_password(site: Site) -> None:
    await site.person(await create(site, "newcomer", standing="pending"))
    async with site.browser() as browser:
        assert "waiting for our team" in (await sign_in(browser, "newcomer", PASSWORD)).text
        assert "do not match" in (await sign_in(browser, "newcomer", "wrong")).text


async def create(site: Site, name: str, **more: Any) -> Any:
    from fediverse_support.actions.accounts import accounts

    return await accounts.create_account(
        site.db,
        site.deps.instance,
        name=name,
        password=PASSWORD,
        hash_password=site.deps.passwords.hash,
        secret=site.deps.secret,
        **more,
    )


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "/%0d%0aset-cookie:x",
        "/exit",
        " /x",
    ],
)
async def test_signing_in_never_leads_to_another_host(site: Site, back: str) -> None:
    async with site.browser() as browser:
        to = went_to(await sign_in(browser, "wren", PASSWORD, back=back))
    assert urlsplit(to).netloc == "" and to.startswith("/") and not to.startswith(("//", "/\\", "/exit"))


async def test_words_survive_the_end_of_a_session(site: Site, clock: Clock) -> None:
    await site.session("wren")
    clock.pass_by(days=15)
    got = await site.post("/g/frontroom/write", "wren", {"title": "Tea", "body": LONG})
    assert got.status_code == 403
    assert "You were signed out. Sign in and your words will be here." in got.text and LONG in got.text
    async with site.browser() as browser:
        browser.cookies.update(got.cookies)
        token = TOKEN.search(got.text)
        assert token is not None
        form = {"token": token[1], "name": "wren", "password": PASSWORD, "back": "/g/frontroom/write"}
        again = await browser.post("/sign-in", data={**form, "title": "Tea", "body": LONG}, headers=FORM)
        assert again.status_code == 200 and LONG in again.text and 'name="look"' in again.text
        token = TOKEN.search(again.text)
        assert token is not None
        look = {"token": token[1], "title": "Tea", "body": LONG, "look": "1"}
        page = await browser.post("/g/frontroom/write", data=look, headers=FORM)
    assert page.status_code == 200 and LONG in page.text and audiences.AUDIENCE["home"] in page.text
    assert await site.value("select count(*) from posts") == 0


async def test_words_survive_a_session_whose_cookie_is_gone(site: Site) -> None:
    root = await site.writes("tansy", "Hello.", group="frontroom", title="Tea")
    below = await site.writes("marlow", "And hello.", parent=root)
    token = site.sessions.form_token(await site.session("wren"))
    path = f"/g/frontroom/t/{root}/reply"
    async with site.browser() as browser:
        typed = {"token": token, "body": LONG, "to": str(below)}
        got = await browser.post(path, data=typed, headers=FORM)
        assert got.status_code == 403 and LONG in got.text
        assert "You were signed out. Sign in and your words will be here." in got.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', got.text))
        assert fields["back"] == path and fields["to"] == str(below)
        form = {**fields, "name": "wren", "password": PASSWORD}
        again = await browser.post("/sign-in", data=form, headers=FORM)
        assert again.status_code == 200 and LONG in again.text
        look = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again.text))
        page = await browser.post(path, data={**look, "body": LONG}, headers=FORM)
        assert page.status_code == 200 and LONG in page.text and "Reply to marlow" in page.text
    assert await site.value("select count(*) from posts") == 2


async def test_a_form_that_another_site_sends_is_not_answered_with_a_way_in(site: Site) -> None:
    async with site.browser() as browser:
        for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            form = {"body": LONG, "token": "x"}
            got = await browser.post("/g/frontroom/write", data=form, headers=headers)
            assert got.status_code == 403 and LONG not in got.text and 'name="password"' not in got.text
    assert await site.value("select count(*) from posts") == 0


async def test_a_sign_in_form_of_a_browser_that_was_closed_asks_once_more(site: Site) -> None:
    async with site.browser() as browser:
        form = {"token": "of another visit", "name": "wren", "password": PASSWORD, "back": "/find"}
        got = await browser.post("/sign-in", data={**form, "body": LONG}, headers=FORM)
        assert got.status_code == 403 and LONG in got.text and 'value="wren"' in got.text
        assert 'name="back" value="/find"' in got.text and PASSWORD not in got.text
        assert "__Host-session" not in browser.cookies


async def join_form(browser: httpx2.AsyncClient, **form: str) -> httpx2.Response:
    token = TOKEN.search((await browser.get("/join")).text)
    assert token is not None
    boxes = {"age": "1", "rules": "1", "health": "1"}
    return await browser.post("/join", data={"token": token[1], **boxes, **form}, headers=FORM)


async def test_joining_the_server_asks_first_where_approval_is_needed(site: Site) -> None:
    async with site.browser() as browser:
        got = await join_form(browser, name="Fern", password=PASSWORD, role="admin", standing="active")
    assert got.status_code == 200 and "No one else sees that you asked." in got.text
    assert await site.value("select standing from accounts where name = 'fern'") == "pending"
    assert await site.value("select roles from accounts where name = 'fern'") == []


async def test_joining_an_open_server_signs_in_at_once(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await make_site(db, monkeypatch, registration="open")
    async with site.browser() as browser:
        assert went_to(await join_form(browser, name="fern", password=PASSWORD)) == "/find"
        assert (await browser.get("/home")).status_code == 200


@pytest.mark.parametrize("registration", ["invite", "closed"])
async def test_a_server_that_takes_nobody_says_so(
    db: Db, monkeypatch: pytest.MonkeyPatch, registration: str
) -> None:
    site = await make_site(db, monkeypatch, registration=registration)
    got = await site.get("/join")
    assert got.status_code == 200 and 'name="password"' not in got.text
    async with site.browser() as browser:
        await browser.get("/sign-in")
        token = site.sessions.form_token(browser.cookies["__Host-visit"])
        form = {"token": token, "name": "fern", "password": PASSWORD, "age": "1", "rules": "1", "health": "1"}
        await browser.post("/join", data=form, headers=FORM)
    assert await site.value("select count(*) from accounts where name = 'fern'") == 0


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "fern", "password": "short"}, "Make the password 12 characters or longer"),
        ({"name": "wren", "password": PASSWORD}, "Choose another name, this one is not free"),
        ({"name": "vvren", "password": PASSWORD}, "Choose another name, this one is not free"),
        ({"name": "admin", "password": PASSWORD}, "Choose another name, this one is not free"),
        ({"name": "Fern!", "password": PASSWORD}, "Use 3 to 30 small letters, digits or underscores"),
        ({"name": "", "password": PASSWORD}, "Type a sign-in name"),
        ({"name": "fern", "password": "x" * 2000}, "Make the password shorter than 1,000 characters"),
    ],
)
async def test_joining_says_what_to_fix(site: Site, form: dict[str, str], sentence: str) -> None:
    async with site.browser() as browser:
        got = await join_form(browser, **form)
    assert got.status_code == 400 and sentence in got.text
    assert form["password"] not in got.text


async def test_a_name_that_cannot_be_had_is_refused_alike_whoever_has_it(site: Site) -> None:
    gone = await create(site, "fern")
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set standing = 'deleted' where id = $1", gone)
        await tx.execute("update actors set standing = 'deleted' where account_id = $1", gone)
    answers = set()
    # A person, a closed group, an open one, a name once taken, a reserved one, and one that looks alike.
    for name in ("wren", "frontroom", "appointments", "fern", "admin", "fr0ntroom"):
        async with site.browser() as browser:
            got = await join_form(browser, name=name, password=PASSWORD)
        answers.add((got.status_code, TOKEN.sub("", got.text).replace(name, "NAME")))
    assert len(answers) == 1 and "not free" in answers.pop()[1]


async def test_staff_open_an_account_that_waits_or_do_not(site: Site) -> None:
    fern = await create(site, "fern", standing="pending")
    moss = await create(site, "moss", standing="pending")
    assert (await site.get("/@fern")).status_code == 404
    assert "fern" in (await site.get("/mod/members", "tom")).text
    assert "fern" not in (await site.get("/mod/members", "asha")).text
    for name in ("asha", "wren"):
        assert (await site.post(f"/mod/accounts/{fern}", name, {"decision": "accept"})).status_code == 404
    assert went_to(await site.post(f"/mod/accounts/{fern}", "tom", {"decision": "accept"})).endswith("let-in")
    await site.post(f"/mod/accounts/{moss}", "tom", {"decision": "decline"})
    assert (await site.post(f"/mod/accounts/{moss}", "tom", {"decision": "accept"})).status_code == 409
    async with site.browser() as browser:
        assert went_to(await sign_in(browser, "fern", PASSWORD)) == "/home"
    async with site.browser() as browser:
        assert "do not match" in (await sign_in(browser, "moss", PASSWORD)).text


async def test_a_burst_of_guesses_at_once_is_counted_as_it_comes(site: Site) -> None:
    codes = await asyncio.gather(*(guess(site, "203.0.113.9") for _ in range(25)))
    assert codes.count("no_match") == sessions.TRIES_PER_NAME
    assert codes.count("rate_limited") == 25 - sessions.TRIES_PER_NAME
