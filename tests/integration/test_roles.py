"""Who gives and takes roles in our team, and that somebody always administers it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.accounts import accounts, roles
from fediverse_support.cli import words
from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import ROLES, Person, Role
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.domain.ids import AccountId, ActorId
from fediverse_support.domain.instance import Instance

pytestmark = pytest.mark.postgres

HOME = Instance("https://home.example")


async def plain(password: str) -> str:
    return password


async def make(db: Db, name: str, *has: Role, standing: Any = "active") -> AccountId:
    return await accounts.create_account(
        db, HOME, name=name, password="a lamp in the window", hash_password=plain, secret=b"s" * 32,
        roles=has, standing=standing,
    )  # fmt: skip


async def rows(db: Db, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    async with db.connection() as conn:
        return [tuple(row) for row in await conn.fetch(sql, *values)]


def acting(account_id: AccountId, *has: Role) -> Person:
    return Person(account_id, frozenset(has), ActorId(1), Uri("x"), "x")


async def test_roles_are_a_set_and_each_change_is_in_the_record(db: Db) -> None:
    tom = await make(db, "tom", "admin")
    await make(db, "asha")
    by = acting(tom, "admin")
    assert await roles.change_roles(db, by, "ASHA", gives=["moderator", "deputy"]) == {"moderator", "deputy"}
    assert await roles.change_roles(db, None, "asha", gives=["safety-lead"], takes=["moderator"]) == {
        "deputy", "safety-lead",
    }  # fmt: skip
    # Nothing changes, and nothing is noted.
    assert await roles.change_roles(db, None, "asha", gives=["deputy"]) == {"deputy", "safety-lead"}
    assert await roles.change_roles(db, by, "asha", takes=ROLES) == frozenset()
    assert await rows(db, "select account_id, action, subject, reason from mod_actions order by id") == [
        (tom, "roles_changed", "asha", "deputy moderator"),
        (None, "roles_changed", "asha", "deputy safety-lead"),
        (tom, "roles_changed", "asha", "member"),
    ]


@pytest.mark.parametrize("role", [None, *(role for role in ROLES if role != "admin")])
async def test_only_an_admin_gives_roles(db: Db, role: Role | None) -> None:
    await make(db, "tom", "admin")
    asha = await make(db, "asha")
    with pytest.raises(NotFound):
        await roles.change_roles(db, acting(asha, *([role] if role else [])), "asha", gives=["admin"])
    assert await rows(db, "select roles from accounts where name = 'asha'") == [([],)]


async def test_the_last_admin_stays_one(db: Db) -> None:
    await make(db, "tom", "admin", "moderator")
    await make(db, "asha", "moderator", "safety-lead")
    # One who waits, or whose account is closed, administers nothing.
    await make(db, "wren", "admin", standing="pending")
    some: tuple[Role, ...] = ("admin",)
    for takes in (some, ROLES):
        with pytest.raises(Conflict, match="last_admin") as refusal:
            await roles.change_roles(db, None, "tom", takes=takes)
        assert words.sentence_for(refusal.value).startswith("tom is the only admin here.")
    assert await roles.change_roles(db, None, "tom", takes=["moderator"]) == {"admin"}
    await roles.change_roles(db, None, "asha", gives=["admin"])
    assert await roles.change_roles(db, None, "tom", takes=["admin"]) == frozenset()


async def test_two_admins_who_take_it_from_each_other_at_once_leave_one(db: Db) -> None:
    for name in ("tom", "asha"):
        await make(db, name, "admin")
    done = await asyncio.gather(
        *(roles.change_roles(db, None, name, takes=["admin"]) for name in ("tom", "asha")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "frozenset"]
    assert await rows(db, "select count(*) from accounts where 'admin' = any (roles)") == [(1,)]


async def test_only_active_accounts_get_roles(db: Db) -> None:
    await make(db, "wren", standing="pending")
    for name in ("wren", "nobody", ""):
        with pytest.raises(NotFound):
            await roles.change_roles(db, None, name, gives=["moderator"])
