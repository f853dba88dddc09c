"""Effects become activities, deliveries and notifications here, in the transaction of the change that wanted
them.

The only maker of outgoing work. Documents are written now and sent unchanged later; only signature and date
are made
at delivery.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from federation import groups, uris, vocab, writing
from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Cancel, Effect, Erase, Notify, Relay, Send
from fediverse_support.domain.ids import ActorId, PostId, fresh_token
from fediverse_support.pipeline.step import Step
from fediverse_support.store import notifications, outgoing, queues
from fediverse_support.store.outgoing import Outgoing


async def emit(tx: Tx, step: Step, effects: tuple[Effect, ...]) -> frozenset[Host]:
    """Make every effect true for others; return the hosts whose lanes have work now."""
    hosts: set[Host] = set()
    for effect in effects:
        match effect:
            case Send():
                hosts |= await _send(tx, step, effect)
            case Relay():
                hosts |= await _relay(tx, step, effect)
            case Notify():
                await notifications.insert(tx, effect, step.now)
            case Cancel():
                await outgoing.cancel_posts(tx, [effect.post_id])
            case Erase():
                await outgoing.erase_documents(tx, effect.uris)
            case _:
                assert_never(effect)
    return frozenset(hosts)


async def wake(tx: Tx, hosts: frozenset[Host]) -> None:
    """Have the lanes of these hosts served once this transaction is committed."""
    await queues.wake(tx, "deliver", hosts)


def write(
    step: Step, sender_id: ActorId, activity: vocab.Activity, *, post_id: PostId | None, after: timedelta
) -> Outgoing:
    """Return an activity of ours as the row that will be sent."""
    return Outgoing(
        uri=_id(activity),
        actor_uri=activity.actor,
        verb=type(activity).__name__,
        object_uri=object_uri(activity),
        document=writing.write(activity).decode(),
        public=activity.audience.is_public,
        sender_id=sender_id,
        post_id=post_id,
        due_at=step.now + after,
        now=step.now,
    )


def object_uri(activity: vocab.Activity) -> Uri | None:
    """Return the id of what an activity is about; of a relay, the relayed activity's id."""
    if isinstance(activity, vocab.Flag):
        return None
    thing = activity.object
    return Uri(thing) if isinstance(thing, str) else thing.id


def _id(activity: vocab.Activity) -> Uri:
    if activity.id is None:
        raise ValueError("an activity of ours has an id")
    return activity.id


async def _send(tx: Tx, step: Step, send: Send) -> set[Host]:
    out = write(step, send.sender_id, send.activity, post_id=send.post_id, after=send.after)
    activity_id = await outgoing.insert_activity(tx, out)
    if activity_id is None:
        return set()
    mode = step.instance.federation
    hosts: set[Host] = set()
    if send.to:
        # A message that is not public goes to the inboxes of exactly those it is for.
        shared = send.activity.audience.is_public
        hosts |= await outgoing.deliver_to_actors(
            tx, activity_id, out, actors=send.to, federation=mode, shared=shared
        )
    if send.followers_of is not None:
        hosts |= await outgoing.post_to_followers(tx, out, of=send.followers_of, federation=mode)
    if send.holders_of is not None:
        hosts |= await outgoing.deliver_to_holders(tx, activity_id, out, of=send.holders_of)
    return hosts


async def _relay(tx: Tx, step: Step, relay: Relay) -> set[Host]:
    """Distribute for a group, each class of peer in its own form, once per post for what is new."""
    place = step.facts.group
    if place is None or place.id != relay.group_id or place.followers_uri is None:
        raise ValueError("a group passes on only what plays in it")
    group, followers = place.uri, place.followers_uri
    boost_id = step.instance.activity_uri(fresh_token())
    is_new = isinstance(relay.activity, vocab.Create)
    if is_new and relay.post_id is not None:
        if not await outgoing.insert_announce(tx, boost_id, relay.group_id, relay.post_id, step.now):
            return set()
    holding = None if is_new else relay.post_id
    hosts = await _wrap(tx, step, relay, group, followers, holding)
    if relay.boost is not None:
        announce = groups.boost(
            group, followers, boost_id, relay.boost, relay.activity.actor, published=step.now
        )
        hosts |= await _to_followers(tx, step, relay, announce)
    if relay.unboost and relay.post_id is not None:
        hosts |= await _unboost(tx, step, relay, group, followers)
    if relay.author_id is not None and relay.post_id is not None:
        out = write(step, relay.author_id, relay.activity, post_id=relay.post_id, after=relay.after)
        activity_id = await outgoing.insert_activity(tx, out)
        if activity_id is not None:
            hosts |= await outgoing.deliver_to_holders(
                tx, activity_id, out, of=relay.post_id, relayed_by=relay.group_id
            )
    return hosts


async def _wrap(
    tx: Tx, step: Step, relay: Relay, group: Uri, followers: Uri, holding: PostId | None
) -> set[Host]:
    """Announce the activity itself, word for word, to hosts that know groups."""
    announce = groups.relay(
        group,
        followers,
        step.instance.activity_uri(fresh_token()),
        relay.raw,
        relay.activity,
        published=step.now,
        is_public=True,
    )
    out = replace(
        write(step, relay.group_id, announce, post_id=relay.post_id, after=relay.after),
        object_uri=_id(relay.activity),
    )
    mode = step.instance.federation
    return await outgoing.post_to_followers(
        tx, out, of=relay.group_id, federation=mode, peer_class="activity", holding=holding
    )


async def _to_followers(tx: Tx, step: Step, relay: Relay, announce: vocab.Announce) -> set[Host]:
    out = write(step, relay.group_id, announce, post_id=relay.post_id, after=relay.after)
    mode = step.instance.federation
    return await outgoing.post_to_followers(tx, out, of=relay.group_id, federation=mode, peer_class="object")


async def _unboost(tx: Tx, step: Step, relay: Relay, group: Uri, followers: Uri) -> set[Host]:
    """Take the boost back from hosts that were given it."""
    post_id = relay.post_id
    if post_id is None or (found := await outgoing.find_announce(tx, relay.group_id, post_id)) is None:
        return set()
    announced, post_uri = found
    author = relay.activity.actor if uris.same_origin(relay.activity.actor, post_uri) else group
    undo = groups.unboost(
        step.instance.activity_uri(fresh_token()), groups.boost(group, followers, announced, post_uri, author)
    )
    await outgoing.undo_announce(tx, relay.group_id, post_id, step.now)
    out = write(step, relay.group_id, undo, post_id=post_id, after=relay.after)
    mode = step.instance.federation
    return await outgoing.post_to_followers(
        tx, out, of=relay.group_id, federation=mode, peer_class="object", holding=post_id
    )
