"""Coming in and going out: sign-in, sessions, and joining the server."""

from __future__ import annotations

import asyncio
import html
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from fediverse_support.actions import sessions
from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import NotAllowed, RateLimited
from fediverse_support.web.pages import words
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


async def test_guessing_is_slowed_down_for_a_name_and_forgiven_after_a_while(
    site: Site, clock: Clock
) -> None:
    async with site.browser() as browser:
        statuses = [(await sign_in(browser, "wren", "wrong")).status_code for _ in range(12)]
        assert statuses[:10] == [403] * 10 and statuses[10:] == [429, 429]
        right = await sign_in(browser, "wren", PASSWORD)
        assert right.status_code == 429 and "Please wait 15 minutes." in right.text
        assert went_to(await sign_in(browser, "marlow", PASSWORD)) == "/home"
        clock.pass_by(minutes=16)
    async with site.browser() as browser:
        assert went_to(await sign_in(browser, "wren", PASSWORD)) == "/home"


async def test_an_account_that_waits_hears_so_only_with_the_right_password(site: Site) -> None:
    await site.person(await create(site, "newcomer", standing="pending"))
    async with site.browser() as browser:
        assert "waiting for our team" in (await sign_in(browser, "newcomer", PASSWORD)).text
        assert "do not match" in (await sign_in(browser, "newcomer", "wrong")).text


async def create(site: Site, name: str, **more: Any) -> Any:
    from fediverse_support.actions import accounts

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
    assert page.status_code == 200 and LONG in page.text and words.AUDIENCE["home"] in page.text
    assert await site.value("select count(*) from posts") == 0


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
    assert await site.value("select role from accounts where name = 'fern'") == "member"


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
        ({"name": "wren", "password": PASSWORD}, "Choose another name, this one is taken"),
        ({"name": "vvren", "password": PASSWORD}, "Choose another name, this one is taken"),
        ({"name": "admin", "password": PASSWORD}, "Choose another name, this one is taken"),
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
    async def guess() -> str:
        try:
            await sessions.sign_in(
                site.db, "wren", "wrong", verify=site.deps.passwords.verify, address="203.0.113.9"
            )
        except (NotAllowed, RateLimited) as error:
            return error.code
        return "in"

    codes = await asyncio.gather(*(guess() for _ in range(25)))
    assert codes.count("no_match") == sessions.TRIES_PER_NAME
    assert codes.count("rate_limited") == 25 - sessions.TRIES_PER_NAME
