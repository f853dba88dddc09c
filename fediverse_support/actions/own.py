"""How an action hands what a person did to the pipeline, and turns a refusal into a sentence."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NoReturn

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

SENTENCES: Final = {
    "account_not_active": "Your account is waiting for our team. You can read, but not write yet.",
    "banned_from_group": "You cannot write in this group. You can ask our team why.",
    "not_a_member": "Only members of this group can write here. You can ask to join.",
    "posting_restricted": "Only moderators start conversations in this group. You can reply.",
    "thread_locked": "A moderator paused this conversation. You can still read it.",
    "parent_gone": "The post you are answering is not here any more.",
    "not_the_author": "Only the person who wrote this can change it.",
    "names_suspended_domain": "We do not exchange posts with that server.",
    "domain_suspended": "We do not exchange posts with that server.",
}


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

    Raises `NotFound` or `NotAllowed`, with a sentence for the person, where policy says no.
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
    sentence = next(
        (SENTENCES[reason] for reason in reasons if reason in SENTENCES), "You cannot do this here."
    )
    raise NotAllowed(sentence, reasons=reasons)
