"""Logins with their first person actor, access tokens, and the instance's own actor."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Final

from federation.uris import Uri
from fediverse_support.actions import local_keys, names
from fediverse_support.actions.accounts import codes
from fediverse_support.actions.accounts.sessions import subject
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.actors import Role
from fediverse_support.domain.errors import Invalid, NotAllowed, NotFound, RateLimited
from fediverse_support.domain.ids import AccountId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.mails import parse_address
from fediverse_support.domain.places import place_of
from fediverse_support.reads import house
from fediverse_support.store.accounts import accounts, requests, sessions
from fediverse_support.store.accounts.accounts import AccountStanding
from fediverse_support.store.people.local_actors import NewActor, insert_local_actor

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 1024
JOIN_WINDOW: Final = timedelta(hours=1)
JOINS_PER_PLACE: Final = 10
"""A house or a workshop has one address, and its people may well come together."""
MOST_WAITING: Final = 200
"""So many accounts wait for our team at once; nobody fills its list, or this server, with requests."""
ASK_AGAIN: Final = timedelta(hours=6)
SCOPES: Final = ("read", "write", "follow", "push", "admin:read", "admin:write")
SCOPE: Final = re.compile(r"(read|write|admin:read|admin:write)(:[a-z_]{2,20})?\Z|(follow|push|profile)\Z")

HashPassword = Callable[[str], Awaitable[str]]
"""`adapters.passwords.Passwords.hash`, handed in because actions reach no adapter."""


async def create_account(
    db: Db,
    instance: Instance,
    *,
    name: str,
    password: str,
    hash_password: HashPassword,
    secret: bytes,
    email: str | None = None,
    roles: Collection[Role] = (),
    standing: AccountStanding = "active",
    invitation: str = "",
) -> AccountId:
    """Make a login and the person actor that speaks for it; return the account's id.

    `secret` seals the actor's private key. An `email` that is given here counts as confirmed. Raises
    `Invalid` with every field that is wrong (`name`: malformed or reserved, `password`: too_short or
    too_long, `email`: malformed) and `Conflict` (`name_taken`, `name_alike`); and
    `RateLimited` (`full`) for one that waits while as many wait as may. An `invitation` is used once, in the
    same moment; raises `NotAllowed` (`code_over`) unless it is good.
    """
    name = _checked(name, password, email)
    email = None if email is None else parse_address(email)
    password_hash = await hash_password(password)
    key = await local_keys.make_key_pair(secret)
    now = db.now()
    uri = instance.person_uri(fresh_token())
    async with db.transaction() as tx:
        # The name first: whoever comes second at the same moment waits here and then hears that it is taken.
        await names.refuse_taken(tx, name)
        if standing == "pending":
            await _refuse_when_full(tx)
        if invitation:
            await codes.use(tx, "invite", invitation, now)
        account_id = await accounts.insert_account(
            tx, name=name, email=email, password_hash=password_hash, roles=roles, standing=standing, now=now
        )
        person = NewActor(
            kind="person",
            uri=uri,
            name=name,
            display_name=name,
            url=instance.profile_url(name),
            public_key_pem=key.public_pem,
            sealed_key=key.sealed,
            approves_followers=True,
            account_id=account_id,
        )
        actor_id = await insert_local_actor(tx, instance, person, now)
        assert actor_id is not None  # noqa: S101 (its URI is random)
        await accounts.take_name(tx, name, actor_id, now)
    return account_id


async def join(
    db: Db,
    instance: Instance,
    *,
    name: str,
    password: str,
    hash_password: HashPassword,
    secret: bytes,
    address: str,
    invitation: str = "",
) -> bool:
    """Make the account that somebody at `address` asked for; say whether our team has to let it in first.

    Whoever brings an `invitation` comes in at once, whatever strangers may do: our team vouched for them.

    Raises what `create_account` raises, `NotAllowed` while nobody may come in this way, and `RateLimited`
    where too many came from this place in an hour, or (code `full`) while as many wait as may. All of this is
    found out before anything costs much.
    """
    checked = _checked(name, password, None)
    if invitation:
        await codes.check(db, "invite", invitation, address)
    now = db.now()
    async with db.transaction() as tx:
        registration = (await house.find(tx, instance.overrides)).registration
        if not invitation and registration not in ("open", "approval"):
            raise NotAllowed(code="not_taking_members")
        waits = registration == "approval" and not invitation
        if waits:
            await _refuse_when_full(tx)
        await names.refuse_taken(tx, checked)
        since = await sessions.count_try(
            tx, {subject("joins", place_of(address)): JOINS_PER_PLACE}, now - JOIN_WINDOW, now
        )
    if since is not None:
        raise RateLimited(max(since + JOIN_WINDOW - now, timedelta(minutes=1)))
    await create_account(
        db,
        instance,
        name=name,
        password=password,
        hash_password=hash_password,
        secret=secret,
        standing="pending" if waits else "active",
        invitation=invitation,
    )
    return waits


async def _refuse_when_full(tx: Tx) -> None:
    if await requests.count_waiting(tx, MOST_WAITING) >= MOST_WAITING:
        raise RateLimited(ASK_AGAIN, code="full")


async def create_token(
    db: Db, name: str, scopes: tuple[str, ...] = SCOPES, *, person: str | None = None
) -> str:
    """Make an access token of the client API and return it; only its hash is kept.

    It speaks for the account's name without a group, or for another of its names, `person`. Raises `NotFound`
    where there is no active account of that name (`no_account`), or it has no such person (`no_person`), and
    `Invalid` for an unknown scope.
    """
    unknown = [scope for scope in scopes if not SCOPE.match(scope)]
    if unknown or not scopes:
        which = f"unknown scope {unknown[0]!r}" if unknown else "no scope"
        raise Invalid({"scopes": "unknown"}, known=" ".join(SCOPES), which=which)
    token = secrets.token_urlsafe(32)
    token_hash = hashlib.sha256(token.encode()).digest()
    async with db.transaction() as tx:
        wanted = None if person is None else person.strip().lower()
        found = await accounts.insert_token(
            tx, token_hash, name.strip().lower(), scopes, db.now(), person=wanted
        )
    if found is None and person is not None:
        raise NotFound(code="no_person", name=name.strip(), person=person.strip())
    if found is None:
        raise NotFound(code="no_account", name=name.strip())
    return token


async def ensure_instance_actor(db: Db, instance: Instance, secret: bytes) -> None:
    """Make the actor that signs for the instance itself, unless it exists; called at every start."""
    async with db.connection() as conn:
        if await accounts.has_actor(conn, instance.actor_uri):
            return
        decided = await house.find(conn, instance.overrides)
    key = await local_keys.make_key_pair(secret)
    actor = NewActor(
        kind="instance",
        uri=instance.actor_uri,
        name=instance.host,
        display_name=decided.name,
        url=Uri(f"{instance.base_url}/about"),
        public_key_pem=key.public_pem,
        sealed_key=key.sealed,
        approves_followers=True,
    )
    async with db.transaction() as tx:
        await insert_local_actor(tx, instance, actor, db.now())


def _checked(name: str, password: str, email: str | None) -> str:
    wrong: dict[str, str] = {}
    values: dict[str, object] = {}
    try:
        name = names.check_name(name)
    except Invalid as error:
        wrong |= error.fields
        values |= error.values
    try:
        check_password(password)
    except Invalid as error:
        wrong |= error.fields
        values |= error.values
    if email is not None and parse_address(email) is None:
        wrong["email"] = "malformed"
    if wrong:
        raise Invalid(wrong, **values)
    return name


def check_password(password: str) -> None:
    """Raise `Invalid` (`password`: too_short, too_long or malformed) unless it can be one."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        code = "too_short" if len(password) < SHORTEST_PASSWORD else "too_long"
        raise Invalid({"password": code}, least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
    if not password.isprintable():
        raise Invalid({"password": "malformed"})
