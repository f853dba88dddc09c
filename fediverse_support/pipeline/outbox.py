"""Effects become activities, deliveries and notifications here, in the transaction of the change that wanted
them.

The only maker of outgoing work. Documents are written now and sent unchanged later; only signature and date
are made at delivery. What new posts send round is put on a sheet first, and written for many at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from federation import groups, uris, vocab, writing
from federation.authenticity import Authentic
from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Cancel, Effect, Erase, Notify, Relay, Send
from fediverse_support.domain.house import Federation
from fediverse_support.domain.ids import ActorId, PostId, fresh_token
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.jobs import NewJob
from fediverse_support.domain.mails import Letter
from fediverse_support.pipeline.step import Step
from fediverse_support.store import jobs, notices
from fediverse_support.store.exchange import decisions, fanning, outgoing, queues
from fediverse_support.store.exchange.decisions import Record
from fediverse_support.store.exchange.fanning import FanOut
from fediverse_support.store.exchange.outgoing import Outgoing
from fediverse_support.store.posts import announces
from fediverse_support.store.posts.announces import Announced


@dataclass(slots=True)
class Sheet:
    """What one transaction still has to write: its new relays, and its lines of the log.

    `federation` is the mode as it was when facts were loaded last. `put_off` is what only a rule about a
    server refuses, of those that may wait for its end.
    """

    instance: Instance
    now: datetime
    federation: Federation = "off"
    news: list[tuple[Step, Relay, Announced]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    hosts: set[Host] = field(default_factory=set)
    may_wait: bool = False
    put_off: list[Authentic[vocab.Activity]] = field(default_factory=list)


async def emit(tx: Tx, sheet: Sheet, step: Step, effects: tuple[Effect, ...]) -> None:
    """Make every effect true for others, now or when the sheet is flushed."""
    for effect in effects:
        if isinstance(effect, Relay) and isinstance(effect.activity, vocab.Create):
            sheet.news.append((step, effect, _announced(step, effect)))
            continue
        if not isinstance(effect, Notify):
            await flush(tx, sheet)  # what was wanted earlier leaves earlier
        match effect:
            case Send():
                sheet.hosts |= await _send(tx, step, effect)
            case Relay():
                sheet.hosts |= await _relay(tx, step, effect)
            case Notify():  # mail and push are errands written here for whoever chose them; nobody can yet
                await notices.insert(tx, effect, step.now)
            case Cancel():
                await outgoing.cancel_posts(tx, [effect.post_id])
            case Erase():
                await outgoing.erase_documents(tx, effect.uris)
            case _:
                assert_never(effect)


async def flush(tx: Tx, sheet: Sheet) -> frozenset[Host]:
    """Write what is on the sheet; return all the hosts whose lanes have work since it was begun."""
    news, sheet.news = sheet.news, []
    records, sheet.records = sheet.records, []
    if news:
        first = await announces.insert_announces(tx, [announced for _, _, announced in news], sheet.now)
        wanted = [
            out
            for step, relay, announced in news
            if announced.uri in first
            for out in _fan_outs(step, relay, announced)
        ]
        if wanted:
            sheet.hosts |= await fanning.fan_out(tx, wanted, sheet.federation)
    if records:
        await decisions.record(tx, records, sheet.now)
    return frozenset(sheet.hosts)


async def send_letter(tx: Tx, letter: Letter, now: datetime) -> None:
    """Write to one of our people once this transaction is committed, to an address that they confirmed."""
    payload: dict[str, str | int] = {"letter": letter.name, "account": letter.account_id}
    if letter.to is not None:
        payload["to"] = letter.to
    cause = f"{letter.name} {letter.account_id}"
    job = NewJob(kind="mail", lane=letter.domain, cause=cause, due_at=now, payload=payload)
    await jobs.enqueue(tx, job, now)


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
    mode = step.facts.federation
    hosts: set[Host] = set()
    if send.to:
        # A message that is not public goes to the inboxes of exactly those it is for.
        shared = send.activity.audience.is_public
        hosts |= await outgoing.deliver_to_actors(
            tx, activity_id, out, actors=send.to, federation=mode, shared=shared
        )
    if send.followers_of is not None:
        hosts |= await fanning.fan_out(tx, [FanOut(out, of=send.followers_of)], mode)
    if send.holders_of is not None:
        hosts |= await outgoing.deliver_to_holders(tx, activity_id, out, of=send.holders_of)
    return hosts


def _announced(step: Step, relay: Relay) -> Announced:
    if relay.post_id is None:
        raise ValueError("a new post has a row")
    return Announced(step.instance.activity_uri(fresh_token()), relay.group_id, relay.post_id)


def _fan_outs(step: Step, relay: Relay, announced: Announced) -> list[FanOut]:
    """Distribute a new post for a group, each class of peer in its own form."""
    group, followers = _place(step, relay)
    author_host = None if step.facts.actor is None else step.facts.actor.host
    wrapped = _wrapped(step, relay)
    forms = [FanOut(wrapped, of=relay.group_id, form="activity", author_host=author_host)]
    if relay.boost is not None:
        author = relay.activity.actor
        boost = groups.boost(group, followers, announced.uri, relay.boost, author, published=step.now)
        out = write(step, relay.group_id, boost, post_id=relay.post_id, after=relay.after)
        forms.append(replace(forms[0], out=out, form="object"))
    return forms


def _place(step: Step, relay: Relay) -> tuple[Uri, Uri]:
    place = step.facts.group
    if place is None or place.id != relay.group_id or place.followers_uri is None:
        raise ValueError("a group passes on only what plays in it")
    return place.uri, place.followers_uri


async def _relay(tx: Tx, step: Step, relay: Relay) -> set[Host]:
    """Tell everybody whom a group sent a post what became of it, each class of peer in its own form.

    What is about no post, but about somebody, goes to all of its followers' servers that know groups.
    """
    if relay.post_id is None:
        everywhere = FanOut(_wrapped(step, relay), of=relay.group_id, form="activity")
        return await fanning.fan_out(tx, [everywhere], step.facts.federation)
    hosts = await outgoing.post_to_holding_followers(
        tx, _wrapped(step, relay), of=relay.group_id, peer_class="activity", holding=relay.post_id,
        takes_back=isinstance(relay.activity, vocab.Delete),
    )  # fmt: skip
    if relay.unboost:
        hosts |= await _unboost(tx, step, relay)
    if relay.author_id is not None:
        out = write(step, relay.author_id, relay.activity, post_id=relay.post_id, after=relay.after)
        activity_id = await outgoing.insert_activity(tx, out)
        if activity_id is not None:
            hosts |= await outgoing.deliver_to_holders(
                tx, activity_id, out, of=relay.post_id, relayed_by=relay.group_id
            )
    return hosts


def _wrapped(step: Step, relay: Relay) -> Outgoing:
    """Announce the activity itself, word for word, to hosts that know groups."""
    group, followers = _place(step, relay)
    announce = groups.relay(
        group,
        followers,
        step.instance.activity_uri(fresh_token()),
        relay.raw,
        relay.activity,
        published=step.now,
        is_public=True,
    )
    out = write(step, relay.group_id, announce, post_id=relay.post_id, after=relay.after)
    return replace(out, object_uri=_id(relay.activity))


async def _unboost(tx: Tx, step: Step, relay: Relay) -> set[Host]:
    """Take the boost back from hosts that were given it."""
    group, followers = _place(step, relay)
    post_id = relay.post_id
    if post_id is None or (found := await announces.find_announce(tx, relay.group_id, post_id)) is None:
        return set()
    announced, post_uri = found
    author = relay.activity.actor if uris.same_origin(relay.activity.actor, post_uri) else group
    undo = groups.unboost(
        step.instance.activity_uri(fresh_token()), groups.boost(group, followers, announced, post_uri, author)
    )
    await announces.undo_announce(tx, relay.group_id, post_id, step.now)
    out = write(step, relay.group_id, undo, post_id=post_id, after=relay.after)
    return await outgoing.post_to_holding_followers(
        tx, out, of=relay.group_id, peer_class="object", holding=post_id, takes_back=True
    )
