"""One-time codes: kept as hashes, good so often and so long, and not used by opening their address."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta

import httpx2
import pytest

from fediverse_support.actions.accounts import accounts, codes, passwords, sessions
from fediverse_support.db.pool import Db
from fediverse_support.domain.codes import HINT_LETTERS, NewCode, Purpose, fresh_code
from fediverse_support.domain.errors import AppError, NotAllowed, NotFound
from fediverse_support.store.accounts import codes as stored
from fediverse_support.web.words import reasons, sentences
from fediverse_support.workers.errands import housekeeping
from tests.conftest import Clock
from tests.integration.site import BASE, FORM, PASSWORD, TOKEN, Site, make_site, went_to

pytestmark = pytest.mark.postgres

NEW = "a lantern on the stairs"
EVERYTHING = "select coalesce(string_agg(c::text, ' '), '') from codes c"


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def a_code(site: Site, *, uses: int = 1, purpose: Purpose = "invite") -> str:
    now = site.db.now()
    async with site.db.transaction() as tx:
        return await codes.make(tx, NewCode(purpose, now + timedelta(days=1), uses=uses, has_hint=True), now)


async def used(site: Site, code: str, purpose: Purpose = "invite") -> bool:
    try:
        async with site.db.transaction() as tx:
            await codes.use(tx, purpose, code, site.db.now())
    except NotAllowed as error:
        assert error.code == "code_over"
        return False
    return True


async def reset_path(site: Site, name: str = "wren") -> str:
    address = await passwords.offer_reset(site.db, site.deps.instance, name)
    assert address.startswith(f"{BASE}/new-password/")
    return address.removeprefix(BASE)


async def choose(site: Site, path: str, password: str = NEW, **headers: str) -> httpx2.Response:
    async with site.browser() as browser:
        token = TOKEN.search((await browser.get(path, headers=headers)).text)
        assert token is not None
        form = {"token": html.unescape(token[1]), "password": password}
        return await browser.post(path, data=form, headers=FORM | headers)


async def signs_in(site: Site, password: str) -> bool:
    try:
        await sessions.sign_in(
            site.db, "wren", password, verify=site.deps.passwords.verify, address="198.51.100.9"
        )
    except AppError:
        return False
    return True


def test_a_code_is_chance_enough_without_its_hint() -> None:
    made = {fresh_code() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-z]{31}", code) and (len(code) - HINT_LETTERS) * 5 >= 128 for code in made)


async def test_of_fifty_who_try_at_once_as_many_come_in_as_may(site: Site) -> None:
    for uses in (1, 3):
        code = await a_code(site, uses=uses)
        assert sum(await asyncio.gather(*(used(site, code) for _ in range(50)))) == uses


async def test_only_the_hash_of_a_code_is_kept(site: Site) -> None:
    code = await a_code(site)
    path = await reset_path(site)
    async with site.db.connection() as conn:
        kept = str(await conn.fetchval(EVERYTHING))
    assert kept and code not in kept and code[HINT_LETTERS:] not in kept
    assert path.rpartition("/")[2] not in kept and path.rpartition("/")[2][:HINT_LETTERS] not in kept


async def test_a_code_opens_the_one_door_that_it_is_for_until_its_time_is_over(
    site: Site, clock: Clock
) -> None:
    code = await a_code(site)
    assert not await used(site, code, "reset")
    clock.pass_by(hours=25)
    assert not await used(site, code)
    assert not await used(site, fresh_code())
    clock.pass_by(hours=25)
    await housekeeping.step(site.deps)
    async with site.db.connection() as conn:
        assert await conn.fetchval("select count(*) from codes") == 0


async def test_a_new_password_ends_every_session_and_every_token(site: Site) -> None:
    old, other = await site.session("wren"), await site.session("marlow")
    await accounts.create_token(site.db, "wren")
    path = await reset_path(site)
    assert went_to(await choose(site, path)) == "/sign-in?done=new-password"
    assert await signs_in(site, NEW) and not await signs_in(site, PASSWORD)
    async with site.browser(old) as browser:
        assert went_to(await browser.get("/home")).startswith("/sign-in")
    async with site.browser(other) as browser:
        assert (await browser.get("/home")).status_code == 200
    async with site.db.connection() as conn:
        assert await conn.fetchval("select count(*) from tokens") == 0
    async with site.browser() as browser:
        told = await browser.get("/sign-in?done=new-password")
    assert sentences.DONE["new-password"] in html.unescape(told.text)


async def test_nobody_comes_in_by_the_old_password_while_there_is_a_new_one(site: Site) -> None:
    path = await reset_path(site)

    async def slowly(password: str, known: str) -> bool:
        fits = await site.deps.passwords.verify(password, known)
        assert went_to(await choose(site, path)) == "/sign-in?done=new-password"
        return fits

    with pytest.raises(NotAllowed) as refused:
        await sessions.sign_in(site.db, "wren", PASSWORD, verify=slowly, address="198.51.100.9")
    assert refused.value.code == "no_match"
    async with site.db.connection() as conn:
        assert await conn.fetchval("select count(*) from sessions") == 0


async def test_opening_the_address_does_nothing_and_says_nothing(site: Site) -> None:
    path, wrong = await reset_path(site), f"/new-password/{fresh_code()}"
    async with site.browser() as browser:
        pages = [await browser.get(there) for there in (path, wrong, path, path)]
    for page in pages:
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
    bare = [TOKEN.sub("", page.text).replace(path, "").replace(wrong, "") for page in pages]
    assert len(set(bare)) == 1
    assert await signs_in(site, PASSWORD)
    assert went_to(await choose(site, path)) == "/sign-in?done=new-password"


async def test_wrong_used_over_and_closed_get_the_same_answer(site: Site, clock: Clock) -> None:
    spent = await reset_path(site)
    await choose(site, spent)
    replaced = await reset_path(site, "heron")
    await reset_path(site, "heron")
    closed = await reset_path(site, "asha")
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set standing = 'suspended' where name = 'asha'")
    late = await reset_path(site, "tansy")
    wrong = f"/new-password/{fresh_code()}"
    answers = [await choose(site, path) for path in (spent, replaced, closed, wrong)]
    clock.pass_by(hours=24, minutes=1)
    answers.append(await choose(site, late))
    assert {answer.status_code for answer in answers} == {403}
    assert len({TOKEN.sub("", answer.text) for answer in answers}) == 1
    assert reasons.REASONS["code_over"] in html.unescape(answers[0].text)
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


async def test_a_password_that_cannot_be_one_leaves_the_code_good(site: Site) -> None:
    path = await reset_path(site)
    refused = await choose(site, path, "short")
    assert refused.status_code == 400
    assert reasons.fix_for("password", "too_short") in html.unescape(refused.text)
    assert went_to(await choose(site, path)) == "/sign-in?done=new-password"


async def test_a_button_pressed_elsewhere_does_nothing(site: Site) -> None:
    path = await reset_path(site)
    async with site.browser() as browser:
        for headers in (FORM, FORM | {"sec-fetch-site": "cross-site"}):
            got = await browser.post(path, data={"token": "x", "password": NEW}, headers=headers)
            assert got.status_code == 403
    assert await signs_in(site, PASSWORD)


async def test_one_place_tries_so_many_codes_in_an_hour_and_another_is_not_kept_out(
    site: Site, clock: Clock
) -> None:
    good = await a_code(site)

    async def tried(code: str, address: str) -> str:
        try:
            await codes.check(site.db, "invite", code, address)
        except AppError as error:
            return error.code
        return "good"

    number = codes.TRIES_PER_PLACE + 5
    tries = await asyncio.gather(*(tried(fresh_code(), "203.0.113.9") for _ in range(number)))
    assert tries.count("code_over") == codes.TRIES_PER_PLACE and tries.count("rate_limited") == 5
    assert await tried(good, "203.0.113.9") == "rate_limited"
    assert await tried(good, "198.51.100.7") == "good"
    clock.pass_by(minutes=61)
    assert await tried(good, "203.0.113.9") == "good"


async def test_nobody_gets_an_address_for_an_account_that_is_not_there_or_closed(site: Site) -> None:
    async with site.db.transaction() as tx:
        await tx.execute("update accounts set standing = 'suspended' where name = 'asha'")
    for name in ("nobody", "asha"):
        with pytest.raises(NotFound):
            await passwords.offer_reset(site.db, site.deps.instance, name)


async def test_what_a_code_carries_comes_back_with_it(site: Site) -> None:
    now = site.db.now()
    new = NewCode("invite", now + timedelta(days=1), payload={"group": 7, "word": "warm"})
    async with site.db.transaction() as tx:
        code = await codes.make(tx, new, now)
        found = await stored.use(tx, "invite", f" {code.upper()} ", now)
    assert found is not None and found.payload == {"group": 7, "word": "warm"}
