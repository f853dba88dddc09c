"""What is kept for how long, and what is bounded without: every table stands in one of the two lists below.

Whatever grows with time alone is pruned here and nowhere else. `doctor` prints the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.db.rows import count_of

MOST_AT_ONCE: Final = 5_000
"""So many rows one statement deletes at most; the next one goes on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` go after `kept_for`; `what` says which, for people.

    `sql` takes the time before which they go ($1) and how many may go at once ($2).
    """

    table: str
    what: str
    kept_for: timedelta
    sql: str


SIGNATURES: Final = """
delete from seen_signatures where digest in (select digest from seen_signatures where seen_at < $1 limit $2)
"""
DECISIONS: Final = """
delete from decisions where id in (select id from decisions where decided_at < $1 limit $2)
"""
ARRIVALS: Final = """
delete from arrivals where activity_id in (select activity_id from arrivals where last_at < $1 limit $2)
"""
RECEIPTS: Final = """
delete from receipts where id in (
    select id from receipts where standing in ('done', 'parked') and received_at < $1 limit $2)
"""
RECEIPT_BODIES: Final = """
update receipts set body = null where id in (
    select id from receipts where standing = 'parked' and body is not null and received_at < $1 limit $2)
"""
DELIVERIES: Final = """
delete from deliveries where id in (
    select id from deliveries where standing <> 'waiting' and created_at < $1 limit $2)
"""
# A post that is there keeps its Create and what passed it on: they are served to whoever asks, and listed in
# outboxes. What was looked through once is looked through again for ten days only.
ACTIVITIES: Final = """
with since as materialized (
    select coalesce(max(value::timestamptz), '1970-01-11') - interval '10 days' as at
    from settings where name = 'activities_pruned_until'
), old as materialized (
    select x.id from activities x
    where x.created_at < $1 and x.created_at >= (select at from since)
      and not exists (select 1 from deliveries d where d.activity_id = x.id)
      and not (x.verb in ('Create', 'Announce') and exists (
          select 1 from posts p where p.standing <> 'deleted' and p.uri in (
              x.object_uri,
              (select y.object_uri from activities y where y.uri = x.object_uri and y.verb = 'Create'))))
    limit $2
), marked as (
    insert into settings (name, value)
    select 'activities_pruned_until', $1::timestamptz::text where (select count(*) from old) < $2
    on conflict (name) do update set value = excluded.value
)
delete from activities where id in (select id from old)
"""
TOMBSTONES: Final = """
delete from tombstones where uri in (
    select t.uri from tombstones t
    where t.deleted_at < $1 and not exists (select 1 from posts p where p.uri = t.uri)
      and not exists (select 1 from actors a where a.uri = t.uri)
    limit $2)
"""
UNDONE: Final = """
delete from undone where (actor_uri, uri) in (select actor_uri, uri from undone where undone_at < $1 limit $2)
"""
IDEMPOTENCY: Final = """
delete from idempotency_keys where (account_id, key) in (
    select account_id, key from idempotency_keys where created_at < $1 limit $2)
"""
NOTIFICATIONS: Final = """
delete from notifications where id in (select id from notifications where created_at < $1 limit $2)
"""
SIGN_IN_FAILURES: Final = """
delete from sign_in_failures where ctid in (select ctid from sign_in_failures where failed_at < $1 limit $2)
"""
SESSIONS: Final = """
delete from sessions where token_hash in (select token_hash from sessions where expires_at < $1 limit $2)
"""
REPORTS: Final = """
delete from reports where id in (
    select id from reports where standing = 'resolved' and resolved_at < $1 limit $2)
"""
GROUP_MESSAGES: Final = """
delete from group_messages where id in (select id from group_messages where done_at < $1 limit $2)
"""
POST_EDITS: Final = """
delete from post_edits where id in (
    select e.id from (
        select id, replaced_at, row_number() over (partition by post_id order by id desc) as place
        from post_edits) e
    where e.place > 50 and e.replaced_at < $1 limit $2)
"""
LANES: Final = """
delete from lanes l where (l.kind, l.host) in (
    select k.kind, k.host from lanes k
    where (k.worker is null or not worker_lives(k.worker)) and k.due_at < $1
      and not exists (
          select 1 from deliveries d where k.kind = 'deliver' and d.host = k.host and d.standing = 'waiting')
    limit $2)
"""
PEERS: Final = """
delete from peers where host in (
    select p.host from peers p
    where p.number is null and not p.class_fixed
      and coalesce(p.last_heard_at, '-infinity') < $1 and coalesce(p.asked_at, '-infinity') < $1
      and not exists (select 1 from actors a where a.host = p.host)
    limit $2)
"""

CATCH_UPS: Final = """
delete from catch_ups where uri in (
    select uri from catch_ups where coalesce(asked_at, due_at) < $1 limit $2)
"""

CODES: Final = """
delete from codes where hash in (select hash from codes where ends_at < $1 limit $2)
"""

JOBS: Final = """
delete from jobs where id in (select id from jobs where standing = 'parked' and created_at < $1 limit $2)
"""

RULES: Final = (
    Rule("seen_signatures", "signatures that were used", timedelta(hours=13), SIGNATURES),
    Rule("decisions", "what was decided about an activity, and why", timedelta(days=7), DECISIONS),
    Rule("arrivals", "which servers took an activity", timedelta(days=7), ARRIVALS),
    Rule("receipts", "that a delivery came in, once it is applied or given up", timedelta(days=30), RECEIPTS),
    Rule("receipts", "the text of deliveries that could not be applied", timedelta(days=7), RECEIPT_BODIES),
    Rule("deliveries", "what was refused or given up", timedelta(days=30), DELIVERIES),
    Rule("activities", "activities that no post stands behind any more", timedelta(days=30), ACTIVITIES),
    Rule("tombstones", "deleted ids of what was never here", timedelta(days=60), TOMBSTONES),
    Rule("undone", "what was undone before it was heard of", timedelta(days=1), UNDONE),
    Rule("idempotency_keys", "keys of requests that apps may repeat", timedelta(hours=1), IDEMPOTENCY),
    Rule("notifications", "notices", timedelta(days=30), NOTIFICATIONS),
    Rule("sign_in_failures", "tries to sign in, join or use a code", timedelta(hours=1), SIGN_IN_FAILURES),
    Rule("sessions", "sessions, after they expired", timedelta(), SESSIONS),
    Rule("codes", "one-time addresses and invitations, after they ended", timedelta(days=1), CODES),
    Rule("reports", "reports, after they were answered", timedelta(days=730), REPORTS),
    Rule("group_messages", "messages to moderators that were done", timedelta(days=30), GROUP_MESSAGES),
    Rule("post_edits", "what edits replaced, beyond a post's newest fifty", timedelta(days=30), POST_EDITS),
    Rule("lanes", "lanes without work", timedelta(days=7), LANES),
    Rule("catch_ups", "what was asked for after a suspension", timedelta(days=7), CATCH_UPS),
    Rule("jobs", "mails and other errands that could not be done", timedelta(days=14), JOBS),
    Rule("peers", "servers nobody here knows anybody of", timedelta(days=90), PEERS),
)
"""In this order: what a later rule looks at is gone by then."""

BOUNDED: Final[dict[str, str]] = {
    "accounts": "people",
    "actors": "people",
    "names": "people and groups",
    "groups": "groups",
    "group_bans": "people and groups",
    "group_moderators": "people and groups",
    "follows": "people: one row for each two",
    "blocks": "people: one row for each two",
    "tokens": "people and their apps",
    "posts": "posts",
    "post_words": "posts: one row each, gone with the words",
    "mentions": "posts: a post names a bounded number",
    "announces": "posts: one a group",
    "copies": "posts: one row a post and way, a bit a server",
    "reactions": "people and posts",
    "removals": "posts: one row each",
    "pauses": "posts: one row each",
    "missing_posts": "posts: one row each",
    "domain_rules": "what staff decided",
    "host_names": "servers that people here met: at most twenty rows each",
    "mod_actions": "what staff did; it is never forgotten",
    "settings": "fixed names",
    "house": "fixed names",
    "wordings": "one for each change of rules and the like; people agreed to them, so none goes",
    "worker_passes": "fixed names",
    "rounds": "fixed names",
    "_pogo_migration": "releases",
    "_pogo_version": "releases",
}
"""Tables that need no rule, each with what bounds it."""


async def prune(conn: Conn, rule: Rule, now: datetime) -> bool:
    """Forget some of what has served its time by one rule; say whether there may be more."""
    done = await conn.execute(rule.sql, now - rule.kept_for, MOST_AT_ONCE)
    return count_of(done) >= MOST_AT_ONCE
