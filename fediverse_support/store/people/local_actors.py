"""Actors of this instance: the one INSERT that makes them. Remote ones are in `remote_actors`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation import keys
from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.actors import ActorKind
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.richtext import SafeHtml

INSERT: Final = """
insert into actors (
    id, uri, kind, name, display_name, summary_html, summary_source, url, inbox_uri, shared_inbox_uri,
    outbox_uri, followers_uri, moderators_uri, key_id, public_key_pem, private_key, approves_followers,
    account_id, for_group_id, created_at, updated_at
) values (
    case when $2 = 'person' then new_person_id() else new_id() end, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
    $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)
on conflict (uri) do nothing
returning id
"""

RENAME: Final = "update actors set display_name = $2, updated_at = $3 where uri = $1 and host is null"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewActor:
    """A local actor to be made. `sealed_key` is the private key under the instance's secret."""

    kind: ActorKind
    uri: Uri
    name: str
    public_key_pem: str
    sealed_key: bytes
    url: Uri | None = None
    display_name: str = ""
    summary_html: SafeHtml = SafeHtml("")
    summary_source: str = ""
    approves_followers: bool = False
    account_id: AccountId | None = None
    for_group_id: ActorId | None = None


async def rename(tx: Tx, uri: Uri, display_name: str, now: datetime) -> None:
    """Give an actor of ours another name to be shown."""
    await tx.execute(RENAME, uri, display_name, now)


async def insert_local_actor(tx: Tx, instance: Instance, actor: NewActor, now: datetime) -> ActorId | None:
    """Write an actor of ours with the addresses that follow from its URI.

    None when the URI exists already.
    """
    is_instance, is_group = actor.kind == "instance", actor.kind == "group"
    row = await tx.fetchval(
        INSERT,
        actor.uri,
        actor.kind,
        actor.name,
        actor.display_name,
        actor.summary_html,
        actor.summary_source,
        actor.url,
        instance.inbox_uri if is_instance else f"{actor.uri}/inbox",
        instance.inbox_uri,
        f"{actor.uri}/outbox",
        None if is_instance else f"{actor.uri}/followers",
        f"{actor.uri}/moderators" if is_group else None,
        keys.key_id(actor.uri),
        actor.public_key_pem,
        actor.sealed_key,
        actor.approves_followers,
        actor.account_id,
        actor.for_group_id,
        now,
    )
    return None if row is None else ActorId(row)


LIST_READERS: Final = """
select a.id from actors a, posts p
where a.uri = any ($1::text[]) and a.account_id is not null and a.account_id is distinct from $3
  and p.id = $2 and can_see(p, array[a.id])
"""


async def list_readers(
    tx: Tx, uris: Sequence[Uri], post_id: PostId, *, besides: AccountId | None
) -> tuple[ActorId, ...]:
    """Return those of these actors that are ours and may read the post, without the names of one account."""
    rows = await tx.fetch(LIST_READERS, list(uris), post_id, besides) if uris else []
    return tuple(ActorId(row["id"]) for row in rows)
