"""Reports, and the append-only record of what staff did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.db.rows import only
from fediverse_support.domain.ids import AccountId, ActorId, PostId, ReportId

INSERT_REPORT: Final = """
insert into reports (uri, reporter_id, from_host, target_id, group_id, post_ids, reason, body, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (uri) do nothing
returning id
"""
TARGETS: Final = """
select
    (select coalesce(array_agg(p.id), '{}') from posts p
     where p.uri = any ($1::text[])
       and ($2 or p.audience in ('public', 'unlisted'))
       and ($2 or p.group_id is null
            or exists (select 1 from groups g where g.actor_id = p.group_id and g.kind = 'open'))
    ) as post_ids,
    (select id from actors where uri = any ($1::text[]) and kind = 'person' limit 1) as target_id,
    (select coalesce(array_agg(u.uri order by u.place), '{}')
     from unnest($1::text[]) with ordinality as u (uri, place)
     where not exists (select 1 from posts p where p.uri = u.uri)
       and not exists (select 1 from actors a where a.uri = u.uri and a.kind = 'person')
    ) as absent
"""
POSTS: Final = "select group_id, author_id from posts where id = any ($1::bigint[]) order by id"


@dataclass(frozen=True, slots=True)
class Targets:
    """What a report names: posts, a person, and the ids of what is not here, or is no person."""

    post_ids: list[PostId]
    target_id: ActorId | None
    absent: list[Uri]


async def find_targets(tx: Tx, uris: Sequence[Uri], *, trusted: bool) -> Targets:
    """Return what a report names; only public posts unless the reporter is ours."""
    return Targets(**only(await tx.fetchrow(TARGETS, list(uris), trusted)))


async def insert_report(
    tx: Tx,
    *,
    uri: Uri | None,
    reporter_id: ActorId | None,
    from_host: Host | None,
    target_id: ActorId | None,
    post_ids: Sequence[PostId],
    told_id: ActorId | None = None,
    reason: str,
    body: str,
    now: datetime,
) -> ReportId | None:
    """Store a report, for the moderators of the first post's group; None when it is stored already.

    Without posts it is for those of the group `told_id`, or of the instance.
    """
    posts = await tx.fetch(POSTS, list(post_ids))
    group_id = posts[0]["group_id"] if posts else told_id
    about = target_id or (posts[0]["author_id"] if posts else None)
    found = await tx.fetchval(
        INSERT_REPORT, uri, reporter_id, from_host, about, group_id, list(post_ids), reason, body, now
    )
    return None if found is None else ReportId(found)


RESOLVE: Final = """
update reports set standing = 'resolved', resolved_at = $2, resolved_by = $3
where id = $1 and standing = 'open'
"""


async def resolve_report(tx: Tx, report_id: ReportId, account_id: AccountId, now: datetime) -> bool:
    """Close a report; False when it is closed already."""
    return await tx.execute(RESOLVE, report_id, now, account_id) == "UPDATE 1"


LOG: Final = (
    "insert into mod_actions (account_id, action, subject, reason, created_at) values ($1, $2, $3, $4, $5)"
)


async def log_action(
    tx: Tx, account_id: AccountId | None, action: str, subject: str, reason: str, now: datetime
) -> None:
    """Append to the moderation record; `account_id` is None for the command line."""
    await tx.execute(LOG, account_id, action, subject, reason, now)
