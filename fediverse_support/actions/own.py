"""How an action hands what a person did to the pipeline, and turns a verdict into a refusal."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from federation import authenticity, vocab, writing
from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.errors import NotAllowed, NotFound
from fediverse_support.domain.ids import PostId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline import outbox
from fediverse_support.pipeline.apply import apply
from fediverse_support.pipeline.step import Outcome


async def submit(
    tx: Tx,
    instance: Instance,
    activity: vocab.Activity,
    now: datetime,
    *,
    post_id: PostId | None = None,
    approved: bool = False,
) -> Outcome:
    """Send an activity of one of our actors through the door, and wake the lanes that have work then.

    Raises `NotFound` or `NotAllowed`, with policy's codes, where it says no.
    """
    act = authenticity.from_local(activity, activity.actor, writing.write(activity))
    outcome = await apply(tx, instance, act, now, post_id=post_id, approved=approved)
    if outcome.verdict.rank >= Rank.DROP:
        refuse(outcome.verdict.reasons)
    await outbox.wake(tx, outcome.hosts)
    return outcome


def wish(instance: Instance, person: Uri, target: Uri) -> vocab.Follow:
    """Return one of our people's wish to follow somebody, or to join a group."""
    return vocab.Follow(
        id=instance.activity_uri(fresh_token()),
        actor=person,
        object=target,
        audience=vocab.Audience(to=(target,)),
    )


def refuse(reasons: tuple[str, ...]) -> NoReturn:
    """Raise the refusal for these reasons; what is not theirs to see does not exist."""
    if {"target_unknown", "target_not_visible", "no_such_group", "deleted_before"} & set(reasons):
        raise NotFound
    raise NotAllowed(reasons=reasons)
