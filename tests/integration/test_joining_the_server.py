"""Asking for an account: so often from one place, so many at once; nothing costs much before that."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2
import pytest

from fediverse_support.actions.accounts import accounts
from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import AppError
from fediverse_support.web.words import sentences
from fediverse_support.workers.errands import housekeeping
from tests.conftest import Clock
from tests.integration.site import FORM, PASSWORD, TOKEN, Site, make_site

pytestmark = pytest.mark.postgres

NAMES = [f"fern_{letter}" for letter in "abcdefghjkmnpqru"]
"""No two of them look alike."""
WAITING = "select count(*) from accounts where standing = 'pending'"


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


class Door:
    """Asks for accounts, and counts how often a password was hashed for it."""

    def __init__(self, site: Site, *, waits: bool = True) -> None:
        mode = "approval" if waits else "open"
        self.site, self.hashed = site, 0
        self.instance = replace(site.deps.instance, overrides=(("registration", mode),))

    async def hash(self, password: str) -> str:
        self.hashed += 1
        return f"quick:{password}"

    async def ask(self, name: str, address: str = "203.0.113.9") -> str:
        """Return the code of the answer, or "asked"."""
        try:
            await accounts.join(
                self.site.db, self.instance, name=name, password=PASSWORD,
                hash_password=self.hash, secret=self.site.deps.secret, address=address,
            )  # fmt: skip
        except AppError as error:
            return error.code
        return "asked"


async def many_wait(site: Site, number: int) -> None:
    async with site.db.transaction() as tx:
        await tx.execute(
            "insert into accounts (name, password_hash, standing, created_at)"
            " select 'waits' || n, 'x', 'pending', now() from generate_series(1, $1::int) n",
            number,
        )


async def join_form(browser: httpx2.AsyncClient, name: str) -> httpx2.Response:
    token = TOKEN.search((await browser.get("/join")).text)
    assert token is not None
    form = {"token": token[1], "name": name, "password": PASSWORD, "age": "1", "rules": "1", "health": "1"}
    return await browser.post("/join", data=form, headers=FORM)


@pytest.mark.parametrize("waits", [True, False])
async def test_one_place_asks_so_often_in_an_hour_and_costs_no_more(
    site: Site, clock: Clock, waits: bool
) -> None:
    door = Door(site, waits=waits)
    codes = [await door.ask(name) for name in NAMES[:13]]
    assert codes == ["asked"] * accounts.JOINS_PER_PLACE + ["rate_limited"] * 3
    assert door.hashed == accounts.JOINS_PER_PLACE
    assert await door.ask("heather", "198.51.100.7") == "asked"
    clock.pass_by(minutes=50)
    await housekeeping.step(site.deps)
    assert await door.ask("moss_now") == "rate_limited"
    clock.pass_by(minutes=11)
    assert await door.ask("moss_now") == "asked"


async def test_a_burst_of_requests_at_once_is_counted_as_it_comes(site: Site) -> None:
    door = Door(site)
    codes = await asyncio.gather(*(door.ask(name) for name in NAMES))
    assert codes.count("asked") == door.hashed == accounts.JOINS_PER_PLACE


async def test_a_subscribers_whole_network_is_one_place(site: Site) -> None:
    door = Door(site)
    codes = [await door.ask(name, f"2001:db8:1:2::{n}") for n, name in enumerate(NAMES[:11])]
    assert codes[-1] == "rate_limited"
    assert await door.ask("heather", "2001:db8:1:3::1") == "asked"


async def test_signing_in_meanwhile_forgives_no_request(site: Site, clock: Clock) -> None:
    door = Door(site)
    for name in NAMES[: accounts.JOINS_PER_PLACE]:
        await door.ask(name)
    clock.pass_by(minutes=20)
    async with site.browser() as browser:
        token = TOKEN.search((await browser.get("/sign-in")).text)
        assert token is not None
        form = {"token": token[1], "name": "wren", "password": PASSWORD}
        assert (await browser.post("/sign-in", data=form, headers=FORM)).status_code == 303
    assert await door.ask("heather") == "rate_limited"


async def test_a_name_that_is_not_free_costs_no_hash_and_no_try(site: Site) -> None:
    door = Door(site)
    assert {await door.ask("wren") for _ in range(12)} == {"name_taken"}
    assert door.hashed == 0
    assert await door.ask("heather") == "asked"


async def test_so_many_wait_and_no_more_until_our_team_has_read(site: Site) -> None:
    await many_wait(site, accounts.MOST_WAITING - await site.value(WAITING) - 1)
    door = Door(site)
    codes = await asyncio.gather(*(door.ask(name, f"192.0.2.{n}") for n, name in enumerate(NAMES[:3])))
    assert sorted(codes) == ["asked", "full", "full"]
    assert await site.value(WAITING) == accounts.MOST_WAITING
    before = door.hashed
    assert await door.ask("heather") == "full" and door.hashed == before
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set standing = 'deleted' where name = 'waits1'")
    assert await door.ask("heather") == "asked"


async def test_who_waits_elsewhere_keeps_nobody_out_of_an_open_server(site: Site) -> None:
    await many_wait(site, accounts.MOST_WAITING)
    assert await Door(site, waits=False).ask("heather") == "asked"


async def test_the_page_says_calmly_when_to_ask_again_and_keeps_the_name(site: Site) -> None:
    names = NAMES[:12]
    async with site.browser() as browser:
        got = [await join_form(browser, name) for name in names]
        assert [each.status_code for each in got] == [200] * accounts.JOINS_PER_PLACE + [429, 429]
        assert got[-1].headers["retry-after"] == "3600"
        assert "Please wait 60 minutes." in got[-1].text and f'value="{names[-1]}"' in got[-1].text
        assert PASSWORD not in got[-1].text
        await many_wait(site, accounts.MOST_WAITING)
        full = await join_form(browser, "heather")
    assert full.status_code == 429 and sentences.FULL in full.text and 'value="heather"' in full.text
    assert full.headers["retry-after"] == str(int(accounts.ASK_AGAIN.total_seconds()))
