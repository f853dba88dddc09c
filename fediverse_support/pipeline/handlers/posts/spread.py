"""Who hears of a new post: its group's followers, those it is sent to, our people who are told."""

from __future__ import annotations

from datetime import timedelta

from federation import vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Effect, Notify, Relay, Send
from fediverse_support.domain.facts import Facts
from fediverse_support.domain.ids import ActorId, PostId, fresh_token
from fediverse_support.pipeline.step import Step
from fediverse_support.store.people import local_actors, remote_actors
from fediverse_support.store.posts import announces


async def everywhere(
    tx: Tx, step: Step, act: Authentic[vocab.Create], post: vocab.Post, post_id: PostId
) -> tuple[Send | Relay, ...]:
    """Who is written to, then what the group sends round.

    In this order: a server that learns of a post by its group's boost fetches it, and what it has already it
    does not look at again when the Create comes, so that nobody it names would be told.
    """
    sent = await direct(tx, step, act.value, post, post_id)
    return (*sent, *distribution(step, act, post, post_id))


def distribution(
    step: Step, act: Authentic[vocab.Create] | Authentic[vocab.Observe], post: vocab.Post, post_id: PostId
) -> tuple[Relay, ...]:
    """What the group sends round: only an open group of ours, only what is public, only with the author's
    own text."""
    group = step.facts.group
    if group is None or not group.is_local or group.kind != "open" or act.raw is None:
        return ()
    if step.facts.audience not in ("public", "unlisted") or not isinstance(act.value, vocab.Create):
        return ()
    boost = post.id if post.in_reply_to is None else None
    return (
        Relay(
            group_id=group.id,
            activity=act.value,
            raw=act.raw,
            post_id=post_id,
            boost=boost,
            after=_delay(step.facts),
        ),
    )


async def announce_here(tx: Tx, step: Step, post: vocab.Post, post_id: PostId) -> None:
    """Note a new thread of a closed group as its announce: nothing goes round, but its members see one."""
    group = step.facts.group
    if group is None or not group.is_local or group.kind == "open" or post.in_reply_to is not None:
        return
    uri = step.instance.activity_uri(fresh_token())
    await announces.insert_announce(tx, uri, group.id, post_id, step.now)


def _delay(facts: Facts) -> timedelta:
    """Our people may take a post back before it leaves."""
    return facts.undo_for if facts.is_local else timedelta()


async def direct(
    tx: Tx, step: Step, activity: vocab.Create, post: vocab.Post, post_id: PostId
) -> tuple[Send, ...]:
    """Whom the author's own server tells: a group elsewhere, the one answered, those named, the author's
    followers."""
    facts = step.facts
    group, actor = facts.group, facts.actor
    if not facts.is_local or actor is None or (group is not None and not group.federates):
        return ()
    to = await remote_actors.list_people(tx, tuple(mention.href for mention in post.mentions))
    if group is not None and not group.is_local:
        to = (group.id, *to)
    parent = facts.parent
    if parent is not None and parent.host is not None and facts.audience != "direct":
        to = (parent.author_id, *to)
    followers = actor.id if group is None and facts.audience in ("public", "unlisted", "followers") else None
    if not to and followers is None:
        return ()
    return (
        Send(
            sender_id=actor.id,
            activity=activity,
            to=tuple(dict.fromkeys(to)),
            followers_of=followers,
            post_id=post_id,
            after=_delay(facts),
        ),
    )


async def news(tx: Tx, step: Step, post: vocab.Post, post_id: PostId) -> tuple[Effect, ...]:
    """Which of our people hear of it: the one answered and those mentioned, if they may read it."""
    facts = step.facts
    actor = facts.actor
    if actor is None:
        return ()
    told: dict[ActorId, Notify] = {}
    parent, own = facts.parent, actor.account_id
    if parent is not None and parent.author_account_id is not None:
        for person in await local_actors.list_readers(tx, (parent.author_uri,), post_id, besides=own):
            told[person] = Notify(person_id=person, kind="reply", actor_id=actor.id, post_id=post_id)
    if facts.names_ours or facts.is_local:
        named = tuple(mention.href for mention in post.mentions)
        for person in await local_actors.list_readers(tx, named, post_id, besides=own):
            told.setdefault(
                person, Notify(person_id=person, kind="mention", actor_id=actor.id, post_id=post_id)
            )
    return tuple(told.values())
