"""Logins and names: what may be chosen, what is stored."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from federation import keys
from fediverse_support.actions import names
from fediverse_support.actions.accounts import accounts
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.db.pool import Db
from fediverse_support.db.rows import only
from fediverse_support.domain.errors import AppError, Conflict, Invalid, NotFound
from fediverse_support.domain.ids import AccountId
from fediverse_support.domain.instance import Instance

HOME = Instance("https://home.example")
SECRET = b"s" * 32
GOOD = "a lamp in the window"


async def plain(password: str) -> str:
    return f"hash of {password}"


async def make(db: Db, name: str, password: str = GOOD, email: str | None = None) -> AccountId:
    return await accounts.create_account(
        db, HOME, name=name, password=password, hash_password=plain, secret=SECRET, email=email
    )


async def test_an_account_comes_with_a_person_whose_key_opens(db: Db) -> None:
    account_id = await make(db, " Wren ")
    async with db.connection() as conn:
        person = only(await conn.fetchrow("select * from actors where account_id = $1", account_id))
        assert await conn.fetchval("select actor_id from names where name = 'wren'") == person["id"]
        assert await conn.fetchval("select password_hash from accounts") == f"hash of {GOOD}"
    assert person["uri"].startswith("https://home.example/ap/u/")
    assert "wren" not in person["uri"]
    assert person["inbox_uri"] == f"{person['uri']}/inbox"
    assert person["shared_inbox_uri"] == "https://home.example/ap/inbox"
    assert person["key_id"] == f"{person['uri']}#main-key"
    private = keys.load_private(keys.unseal(person["private_key"], SECRET))
    assert keys.public_pem(private) == person["public_key_pem"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("ab", "malformed"), ("x" * 31, "malformed"), ("wr en", "malformed"), ("wrën", "malformed"),
     ("1234", "malformed"),
     ("wren\x00", "malformed"), ("", "malformed"),
     ("admin", "reserved"), ("Adm1n", "reserved"), ("mod_erator", "reserved")],
)  # fmt: skip
async def test_some_names_nobody_gets(db: Db, name: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await make(db, name)
    assert refusal.value.fields == {"name": code}


@pytest.mark.parametrize(
    ("second", "code"),
    [("marlow", "name_taken"), ("MARLOW", "name_taken"), ("mar1ow", "name_alike"), ("marl0w", "name_alike"),
     ("marlovv", "name_alike"), ("rnarlow", "name_alike"), ("_marlow_", "name_alike")],
)  # fmt: skip
async def test_a_taken_name_and_its_look_alikes_are_refused(db: Db, second: str, code: str) -> None:
    await make(db, "marlow")
    with pytest.raises(Conflict) as refusal:
        await make(db, second)
    assert refusal.value.code == code


async def test_every_wrong_field_is_named_at_once(db: Db) -> None:
    with pytest.raises(Invalid) as refusal:
        await make(db, "x", "short", "nowhere")
    assert refusal.value.fields == {"name": "malformed", "password": "too_short", "email": "malformed"}


async def test_one_name_wanted_twice_at_the_same_moment_goes_to_one(db: Db) -> None:
    results = await asyncio.gather(make(db, "tansy"), make(db, "tansy"), return_exceptions=True)
    assert sorted(isinstance(result, AppError) for result in results) == [False, True]


async def test_only_the_hash_of_a_token_is_kept(db: Db) -> None:
    account_id = await make(db, "heron")
    token = await accounts.create_token(db, "Heron", ("read", "write:statuses"))
    async with db.connection() as conn:
        row = only(await conn.fetchrow("select * from tokens"))
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert row["account_id"] == account_id
    assert row["scopes"] == ["read", "write:statuses"]


async def test_a_token_needs_an_account_and_known_scopes(db: Db) -> None:
    with pytest.raises(NotFound):
        await accounts.create_token(db, "nobody_here")
    with pytest.raises(Invalid):
        await accounts.create_token(db, "nobody_here", ("everything",))


async def test_the_instance_actor_is_made_once(db: Db) -> None:
    for _ in range(2):
        await accounts.ensure_instance_actor(db, HOME, SECRET)
    async with db.connection() as conn:
        rows = await conn.fetch("select * from actors where kind = 'instance'")
    assert [(row["uri"], row["name"], row["inbox_uri"]) for row in rows] == [
        ("https://home.example/ap/instance", "home.example", "https://home.example/ap/inbox")
    ]


def test_the_database_and_we_see_the_same_likeness() -> None:
    assert names.skeleton("_M0derat0r_") == "Moderator"
    assert names.skeleton("rnarvv1n") == "marwln"


async def test_passwords_are_argon2id_and_a_broken_hash_opens_nothing() -> None:
    passwords = Passwords()
    known = await passwords.hash(GOOD)
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(GOOD, known)
    assert not await passwords.verify(GOOD + "!", known)
    for broken in ("", "nonsense", known[:-4], "$argon2id$v=19$m=1$x$y"):
        assert not await passwords.verify(GOOD, broken)
    assert not await passwords.verify("\ud800", known)
