"""Actors of other servers, as their own origin described them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation import uris, vocab
from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn, Tx
from fediverse_support.domain import plaintext, richtext
from fediverse_support.domain.actors import ActorKind, ActorStanding
from fediverse_support.domain.ids import ActorId

KINDS: Final[dict[str, ActorKind]] = {
    "Person": "person",
    "Group": "group",
    "Application": "instance",
    "Service": "service",
    "Organization": "person",
}

UPSERT: Final = """
insert into actors (
    uri, kind, host, name, handle_host, display_name, summary_html, url, inbox_uri, shared_inbox_uri,
    outbox_uri, followers_uri, moderators_uri, key_id, public_key_pem, approves_followers, discoverable,
    indexable, standing, fetched_at, created_at, updated_at)
values (
    $1, $2, $3, $4, $3, $5, $6, $7, $8, $9, $10, $11, $12,
    case when not exists (select 1 from actors o where o.key_id = $13 and o.uri <> $1) then $13 end,
    $14, $15, $16, $17, $18, $19, $19, $19)
on conflict (uri) do update set
    name = excluded.name, display_name = excluded.display_name, summary_html = excluded.summary_html,
    url = excluded.url, inbox_uri = excluded.inbox_uri, shared_inbox_uri = excluded.shared_inbox_uri,
    outbox_uri = excluded.outbox_uri, followers_uri = excluded.followers_uri,
    moderators_uri = excluded.moderators_uri,
    key_id = excluded.key_id, public_key_pem = excluded.public_key_pem,
    approves_followers = excluded.approves_followers, discoverable = excluded.discoverable,
    indexable = excluded.indexable, fetched_at = excluded.fetched_at, updated_at = excluded.updated_at,
    standing = case when actors.standing in ('suspended', 'deleted') then actors.standing
                    else excluded.standing end
where actors.host is not null and actors.kind = excluded.kind
returning id
"""
UPSERT_GROUP: Final = """
insert into groups (actor_id, kind, title, language, approval, posting_restricted, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (actor_id) do update set title = excluded.title,
    kind = case when excluded.kind = 'circle' then excluded.kind else groups.kind end,
    language = excluded.language,
    approval = excluded.approval, posting_restricted = excluded.posting_restricted
"""


async def upsert(tx: Tx, actor: vocab.Actor, now: datetime) -> ActorId | None:
    """Store what an actor's own server said about it; None when a known actor changed its kind.

    A key id belongs to the first actor that showed it; another one that claims it is stored without a key.
    A private group elsewhere is stored as `circle`, as soon as it says so, and stays one: what was private
    does not become public here.
    """
    key = next((key for key in actor.keys if key.owner == actor.id), None)
    host = uris.host(actor.id)
    title = plaintext.one_line(actor.name or actor.preferred_username, 200)
    found = await tx.fetchval(
        UPSERT,
        actor.id,
        KINDS[actor.kind],
        host,
        actor.preferred_username,
        title,
        richtext.clean(actor.summary),
        actor.url,
        actor.inbox,
        actor.shared_inbox,
        actor.outbox,
        actor.followers,
        actor.moderators,
        None if key is None else key.id,
        None if key is None else key.pem,
        actor.approves_followers,
        actor.discoverable,
        actor.indexable,
        "limited" if actor.suspended else "visible",
        now,
    )
    if found is None:
        return None
    if actor.kind == "Group":
        kind = "circle" if actor.approves_followers else "open"
        await tx.execute(
            UPSERT_GROUP,
            found,
            kind,
            title,
            actor.language or "und",
            actor.approves_followers,
            actor.posting_restricted,
            now,
        )
    return ActorId(found)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An actor's key as we have it. `host` is None for ours."""

    id: ActorId
    uri: Uri
    host: Host | None
    kind: ActorKind
    standing: ActorStanding
    public_key_pem: str
    fetched_at: datetime | None


FIND_KEY: Final = """
select id, uri, host, kind, standing, public_key_pem, fetched_at from actors
where key_id = $1 and public_key_pem is not null
"""


async def find_key(conn: Conn, key_id: Uri) -> KeyRow | None:
    """Return the stored key of this id."""
    row = await conn.fetchrow(FIND_KEY, key_id)
    return None if row is None else KeyRow(**row)


KNOWN: Final = """
select uri, fetched_at, (host is null or fetched_at > $2) as is_fresh from actors where uri = any ($1::text[])
"""


async def known(conn: Conn, wanted: Sequence[Uri], fresh_since: datetime) -> dict[Uri, bool]:
    """Return which of these actors we have, and whether what we have is fresh."""
    rows = await conn.fetch(KNOWN, list(wanted), fresh_since)
    return {Uri(row["uri"]): bool(row["is_fresh"]) for row in rows}


FIND_ID: Final = "select id from actors where uri = $1 and standing <> 'deleted'"


async def find_id(conn: Conn, uri: Uri) -> ActorId | None:
    """Return the row id of a living actor."""
    found: ActorId | None = await conn.fetchval(FIND_ID, uri)
    return found


FIND_OWNER: Final = """
select a.id, a.uri, exists (
    select 1 from actors o where o.host = $1 and o.shared_inbox_uri = $2 and o.id <> a.id) as is_shared
from actors a
where a.host = $1 and $2 in (a.inbox_uri, a.shared_inbox_uri) and a.standing in ('visible', 'limited')
order by a.inbox_uri = $2 desc, a.id limit 1
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """An actor with a certain inbox. `is_shared` says that others have it too."""

    id: ActorId
    uri: Uri
    is_shared: bool


async def find_owner(conn: Conn, host: Host, inbox: Uri) -> Owner | None:
    """Return whom to ask about an inbox of a host: whose it is, or one of those who share it."""
    row = await conn.fetchrow(FIND_OWNER, host, inbox)
    return None if row is None else Owner(**row)


DESCRIBE: Final = """
with changed as (
    update actors set display_name = $2, summary_html = $3, discoverable = $4, indexable = $5, updated_at = $6
    where uri = $1 and host is not null and standing in ('visible', 'limited')
    returning id
)
update groups set title = $2 where actor_id in (select id from changed)
"""


async def describe(tx: Tx, actor: vocab.Actor, now: datetime) -> None:
    """Take over what an actor says about itself, and nothing that others rely on."""
    name = plaintext.one_line(actor.name or actor.preferred_username, 200)
    summary = richtext.clean(actor.summary)
    await tx.execute(DESCRIBE, actor.id, name, summary, actor.discoverable, actor.indexable, now)


MARK_DELETED: Final = """
update actors set
    standing = 'deleted', display_name = '', summary_html = '', summary_source = '', updated_at = $2
where id = $1
"""


async def mark_deleted(tx: Tx, actor_id: ActorId, now: datetime) -> None:
    """Keep an actor's row and key only, so that nothing it was can come back."""
    await tx.execute(MARK_DELETED, actor_id, now)


LIST_PEOPLE: Final = """
select id from actors
where uri = any ($1::text[]) and host is not null and kind <> 'group' and standing in ('visible', 'limited')
order by id
"""


async def list_people(tx: Tx, uris: Sequence[Uri]) -> tuple[ActorId, ...]:
    """Return those of these actors that are people of other servers."""
    return tuple(ActorId(row["id"]) for row in await tx.fetch(LIST_PEOPLE, list(uris))) if uris else ()
