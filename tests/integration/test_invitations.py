"""Invitations to the server: whoever has one comes in, and nobody else comes in by it."""

from __future__ import annotations

import asyncio
import html
from dataclasses import replace

import httpx2
import pytest

from fediverse_support.actions.accounts import accounts, invitations
from fediverse_support.db.pool import Db
from fediverse_support.domain.codes import fresh_code
from fediverse_support.domain.errors import AppError, Conflict, Invalid, NotFound
from fediverse_support.reads import accounts as known
from fediverse_support.web.words import reasons
from tests.conftest import Clock
from tests.integration.site import BASE, FORM, PASSWORD, TOKEN, Site, make_site, went_to

pytestmark = pytest.mark.postgres

NAMES = [f"fern_{letter}" for letter in "abcdefgh"]
"""No two of them look alike."""


@pytest.fixture(params=["invite", "closed", "approval", "open"])
async def site(db: Db, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Site:
    return await make_site(db, monkeypatch, registration=request.param)


@pytest.fixture
async def shut(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch, registration="invite")


async def invited(site: Site, *, uses: int = 1) -> str:
    address = await invitations.create(site.db, site.deps.instance, uses=uses, days=2)
    assert address.startswith(f"{BASE}/join/")
    return address.removeprefix(BASE)


async def join(site: Site, path: str, name: str, **more: str) -> httpx2.Response:
    async with site.browser() as browser:
        page = await browser.get(path)
        token = TOKEN.search(page.text)
        code = path.removeprefix("/join").removeprefix("/")
        assert token is not None and (not code or f'name="invite" value="{code}"' in page.text)
        boxes = {"age": "1", "rules": "1", "health": "1"}
        form = {"token": html.unescape(token[1]), "name": name, "password": PASSWORD, "invite": code, **boxes}
        return await browser.post("/join", data=form | more, headers=FORM)


async def standings(site: Site) -> list[str]:
    async with site.db.connection() as conn:
        rows = await conn.fetch("select standing from accounts where name like 'fern_%'")
    return [row["standing"] for row in rows]


async def ask(site: Site, name: str, invitation: str, address: str) -> str:
    """Return the code of the answer, or "in"."""
    try:
        await accounts.join(
            site.db, site.deps.instance, name=name, password=PASSWORD, hash_password=site.deps.passwords.hash,
            secret=site.deps.secret, address=address, invitation=invitation,
        )  # fmt: skip
    except AppError as error:
        return error.code
    return "in"


async def test_whoever_is_invited_comes_in_at_once_and_nobody_after_them(site: Site) -> None:
    path = await invited(site)
    assert went_to(await join(site, path, "fern_a")) == "/find"
    second = await join(site, path, "fern_b")
    assert second.status_code == 403 and reasons.REASONS["code_over"] in html.unescape(second.text)
    assert await standings(site) == ["active"]


async def test_the_page_is_the_same_for_a_wrong_invitation_and_says_nothing(shut: Site) -> None:
    path, wrong = await invited(shut), f"/join/{fresh_code()}"
    async with shut.browser() as browser:
        pages = [await browser.get(there) for there in (path, wrong, path)]
    assert {(page.status_code, page.headers["cache-control"]) for page in pages} == {(200, "no-store")}
    assert {page.headers["referrer-policy"] for page in pages} == {"no-referrer"}
    bare = {TOKEN.sub("", page.text).replace(path[6:], "").replace(wrong[6:], "") for page in pages}
    assert len(bare) == 1


async def test_wrong_used_over_and_revoked_get_the_same_answer(shut: Site, clock: Clock) -> None:
    used, revoked, late = await invited(shut), await invited(shut), await invited(shut)
    await join(shut, used, "fern_a")
    await invitations.revoke(shut.db, BASE + revoked)
    answers = [await join(shut, path, "fern_b") for path in (used, revoked, f"/join/{fresh_code()}")]
    clock.pass_by(days=2, minutes=1)
    answers.append(await join(shut, late, "fern_b"))
    assert {answer.status_code for answer in answers} == {403}
    assert len({TOKEN.sub("", answer.text) for answer in answers}) == 1
    # No name is looked up for whoever has no invitation that is good.
    assert await ask(shut, "wren", fresh_code(), "203.0.113.1") == "code_over"


async def test_what_has_to_be_fixed_uses_nothing_up_and_keeps_the_invitation(shut: Site) -> None:
    path = await invited(shut)
    for name, password in (("wren", PASSWORD), ("fern_a", "short")):
        again = await join(shut, path, name, password=password)
        assert again.status_code == 400 and f'name="invite" value="{path[6:]}"' in again.text
        assert again.headers["cache-control"] == "no-store"
    assert went_to(await join(shut, path, "fern_a")) == "/find"


async def test_of_many_who_come_at_once_as_many_come_in_as_were_invited(shut: Site) -> None:
    path = await invited(shut, uses=3)
    tries = [ask(shut, name, path[6:], f"203.0.113.{place}") for place, name in enumerate(NAMES)]
    answers = await asyncio.gather(*tries)
    assert answers.count("in") == 3 and answers.count("code_over") == len(NAMES) - 3
    assert await standings(shut) == ["active"] * 3


async def test_without_an_invitation_nobody_comes_in(shut: Site) -> None:
    assert await ask(shut, "fern_a", "", "203.0.113.1") == "not_taking_members"
    async with shut.browser() as browser:
        page = await browser.get("/join")
    assert "New members come in by invitation" in page.text and TOKEN.search(page.text) is None


async def test_the_list_shows_only_five_letters_of_what_is_still_good(shut: Site, clock: Clock) -> None:
    path = await invited(shut, uses=2)
    await join(shut, path, "fern_a")
    async with shut.db.connection() as conn:
        [one] = await known.list_invitations(conn, shut.db.now())
    assert (one.code_hint, one.uses_left, one.by) == (path[6:11], 1, "command line")
    clock.pass_by(days=3)
    async with shut.db.connection() as conn:
        assert await known.list_invitations(conn, shut.db.now()) == []


async def test_letters_of_several_invitations_revoke_none(shut: Site) -> None:
    path = await invited(shut)
    await invited(shut)
    async with shut.db.transaction() as tx:
        await tx.execute("update codes set hint = $1", path[6:11])
    with pytest.raises(Conflict):
        await invitations.revoke(shut.db, path[6:11])
    with pytest.raises(NotFound):
        await invitations.revoke(shut.db, fresh_code())
    assert await ask(shut, "fern_a", path[6:], "203.0.113.1") == "in"


@pytest.mark.parametrize(("uses", "days"), [(0, 1), (1001, 1), (1, 0), (1, 366)])
async def test_an_invitation_is_for_so_many_and_so_long(shut: Site, uses: int, days: int) -> None:
    with pytest.raises(Invalid):
        await invitations.create(shut.db, replace(shut.deps.instance), uses=uses, days=days)
