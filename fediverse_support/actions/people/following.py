"""Joining groups and following people, leaving them, and the answer of a moderator or of the one followed."""

from __future__ import annotations

from datetime import datetime

from federation import vocab
from fediverse_support.actions import own
from fediverse_support.db.pool import Db, Tx
from fediverse_support.domain.actors import FollowStanding, Person
from fediverse_support.domain.errors import NotAllowed, NotFound
from fediverse_support.domain.ids import ActorId, FollowId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.store import groups
from fediverse_support.store.people import follows
from fediverse_support.store.people.follows import FollowRow


async def follow(
    db: Db, instance: Instance, person: Person, target_id: ActorId, *, is_invited: bool = False
) -> FollowStanding:
    """Ask to follow a person or to join a group; return where that stands.

    `is_invited` says that a moderator gave them the way into a group that they may not read yet. Raises
    `NotFound`, also for a group that does not exist for them, and `NotAllowed`.
    """
    now = db.now()
    async with db.transaction() as tx:
        target = await follows.find_target(tx, target_id, person.actor_id, is_invited=is_invited)
        if target is None:
            raise NotFound
        await follows.take_turns(tx, person.actor_id)
        known = await follows.find_pair(tx, person.actor_id, target_id)
        if known is not None and known.standing in ("pending", "accepted"):
            return known.standing
        await own.submit(tx, instance, own.wish(instance, person.uri, target), now)
        found = await follows.find_pair(tx, person.actor_id, target_id)
    return "pending" if found is None else found.standing


async def unfollow(db: Db, instance: Instance, person: Person, target_id: ActorId) -> None:
    """Leave a group or stop following a person, at once. Doing it twice changes nothing."""
    now = db.now()
    async with db.transaction() as tx:
        known = await follows.find_pair(tx, person.actor_id, target_id)
        if known is None or known.standing not in ("pending", "accepted"):
            return
        undo = vocab.Undo(
            id=instance.activity_uri(fresh_token()),
            actor=person.uri,
            object=_as_follow(known),
            audience=vocab.Audience(to=(known.target_uri,)),
        )
        await own.submit(tx, instance, undo, now)


def _as_follow(row: FollowRow) -> vocab.Follow:
    return vocab.Follow(id=row.uri, actor=row.follower_uri, object=row.target_uri, verb=row.verb)


async def decide_member(
    db: Db, instance: Instance, person: Person, follow_id: FollowId, *, accept: bool
) -> None:
    """Say yes or no to somebody who asked: a group's moderator, or the person followed. Raises `NotFound`."""
    now = db.now()
    async with db.transaction() as tx:
        row = await follows.find_by_id(tx, follow_id)
        if row is None or row.standing != "pending" or not await may_decide(tx, person, row.target_id):
            raise NotFound
        await _answer(tx, instance, row, now, accept=accept)


async def remove_member(db: Db, instance: Instance, person: Person, follow_id: FollowId) -> None:
    """End somebody's membership of a group, or let a follower of one's own go. Raises `NotFound` unless the
    person answers for the one followed.
    """
    now = db.now()
    async with db.transaction() as tx:
        row = await follows.find_by_id(tx, follow_id)
        if (
            row is None
            or row.standing not in ("pending", "accepted")
            or not await may_decide(tx, person, row.target_id)
        ):
            raise NotFound
        if row.follower_id == person.actor_id:
            raise NotAllowed(reasons=("self",))
        await _answer(tx, instance, row, now, accept=False)


async def may_decide(tx: Tx, person: Person, target_id: ActorId) -> bool:
    """Say whether this person answers for the one followed: themselves, or a group they moderate."""
    return target_id == person.actor_id or await groups.moderates(tx, target_id, person.actor_id)


async def _answer(tx: Tx, instance: Instance, row: FollowRow, now: datetime, *, accept: bool) -> None:
    kind = vocab.Accept if accept else vocab.Reject
    answer = kind(
        id=instance.activity_uri(fresh_token()),
        actor=row.target_uri,
        object=_as_follow(row),
        audience=vocab.Audience(to=(row.follower_uri,)),
    )
    await own.submit(tx, instance, answer, now)
