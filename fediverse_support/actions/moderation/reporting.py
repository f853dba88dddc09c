"""Telling our team about a post or a person."""

from __future__ import annotations

from typing import Final

from fediverse_support.db.pool import Db
from fediverse_support.domain import plaintext
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import Invalid, NotFound
from fediverse_support.domain.ids import ActorId, PostId, ReportId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.moderation import ReportReason
from fediverse_support.store.moderation import reports
from fediverse_support.store.posts import posts

MAX_BODY: Final = 5000
MAX_POSTS: Final = 50
REASONS: Final = frozenset({"worried", "rule", "elsewhere", "spam", "legal", "violation", "other"})


async def report(
    db: Db,
    instance: Instance,
    person: Person,
    *,
    target_id: ActorId | None,
    post_ids: tuple[PostId, ...],
    reason: ReportReason,
    body: str,
) -> ReportId:
    """Store a report for the moderators of the group, or of the instance. Nobody else learns who told.

    Raises `Invalid` for the words, `NotFound` for a post the person may not read.
    """
    if len(body) > MAX_BODY or "\0" in body:
        raise Invalid({"body": "too_long"})
    if reason not in REASONS or len(post_ids) > MAX_POSTS or (target_id is None and not post_ids):
        raise Invalid({"reason": "unknown"})
    now = db.now()
    async with db.transaction() as tx:
        for post_id in post_ids:
            if await posts.find_visible(tx, post_id, person.actor_id) is None:
                raise NotFound
        found = await reports.insert_report(
            tx,
            uri=None,
            reporter_id=person.actor_id,
            from_host=None,
            target_id=target_id,
            post_ids=post_ids,
            reason=reason,
            body=plaintext.tidy(body),
            now=now,
        )
        assert found is not None  # noqa: S101  (without a URI nothing can collide)
    return found
