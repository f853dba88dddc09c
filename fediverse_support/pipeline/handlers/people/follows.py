"""Joining and leaving: follows of groups and people, and the answers to them."""

from __future__ import annotations

from typing import Literal

from federation import vocab
from federation.authenticity import Authentic
from federation.uris import Uri
from fediverse_support.db.pool import Tx
from fediverse_support.domain.actors import FollowStanding
from fediverse_support.domain.effects import Effect, Notify, Send
from fediverse_support.domain.facts import ActorFacts, GroupFacts
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.verdicts import Rank
from fediverse_support.pipeline.handlers.people import notes
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.exchange import outgoing
from fediverse_support.store.people import follows as store
from fediverse_support.store.people.follows import FollowRow


async def on_follow(tx: Tx, step: Step, act: Authentic[vocab.Follow]) -> Change:
    """Take a wish to follow: say yes where nobody has to be asked, else let it wait; ours to others goes
    out."""
    facts = step.facts
    actor, target = facts.actor, facts.target_actor
    if actor is None or target is None or actor.id == target.id:
        return Change()
    uri = act.value.id
    if uri is None:
        return Change()
    known = await store.find_pair(tx, actor.id, target.id)
    standing = _answer(step, target, facts.group, known)
    follow_id = await store.upsert(tx, uri, actor.id, target.id, standing, act.value.verb, step.now)
    if target.host is not None:
        if not facts.is_local:
            return Change()
        wish = Send(sender_id=actor.id, activity=act.value, to=(target.id,))
        if facts.group is not None and known is not None and known.standing == "rejected":
            # It may hold the earlier membership still, and then answers nothing to a new wish.
            earlier = membership(actor, facts.group, known.uri, known.verb)
            return Change((say(step, vocab.Undo, earlier, by=actor, to=facts.group), wish))
        return Change((wish,))
    effects: tuple[Effect, ...] = ()
    if standing == "accepted" and actor.host is not None:
        effects += (say(step, vocab.Accept, act.value, by=target, to=actor),)
        if facts.group is not None:
            effects += await notes.welcome(tx, step, follow_id, target.id, target.uri)
    # Who moderates a group knows that they are in it.
    is_news = facts.group is not None and not facts.group.is_moderator
    if standing == "accepted" and is_news and actor.account_id is not None:
        effects += (Notify(person_id=actor.id, kind="joined", actor_id=target.id),)
    if _is_news(target, known):
        effects += await _ask(tx, step, actor, target, standing)
    return Change(effects)


def _answer(
    step: Step, target: ActorFacts, group: GroupFacts | None, known: FollowRow | None
) -> FollowStanding:
    if known is not None and known.standing == "accepted":
        return "accepted"
    if target.host is not None or step.verdict.rank is Rank.HOLD:
        return "pending"
    if group is None:
        return "pending" if target.approves_followers else "accepted"
    if group.is_moderator or (group.kind in ("open", "home-open") and not group.approval):
        return "accepted"
    return "pending"


def _is_news(target: ActorFacts, known: FollowRow | None) -> bool:
    """Say whether those who decide are told. A person is told once of each who asks: asking again and again
    must not be a way to reach them."""
    if target.kind == "group":
        return known is None or known.standing not in ("pending", "accepted")
    return known is None


async def _ask(
    tx: Tx, step: Step, actor: ActorFacts, target: ActorFacts, standing: FollowStanding
) -> tuple[Effect, ...]:
    """Tell those who decide: a group's moderators, or the person followed."""
    if standing != "pending" and target.kind == "group":
        return ()
    if target.kind == "group":
        deciders = tuple(await store.moderators_here(tx, target.id))
    else:
        deciders = () if target.account_id is None else (target.id,)
    return tuple(Notify(person_id=each, kind="follow", actor_id=actor.id) for each in deciders)


def say(
    step: Step,
    verb: type[vocab.Accept] | type[vocab.Reject] | type[vocab.Undo],
    follow: vocab.Follow,
    *,
    by: ActorFacts | GroupFacts,
    to: ActorFacts | GroupFacts,
) -> Send:
    """What one end of a follow tells the other about it: yes, no or no more, or that it is taken back."""
    said = verb(
        id=step.instance.activity_uri(fresh_token()),
        actor=by.uri,
        object=follow,
        audience=vocab.Audience(to=(to.uri,)),
    )
    return Send(sender_id=by.id, activity=said, to=(to.id,))


def membership(
    follower: ActorFacts, group: GroupFacts, uri: Uri, verb: Literal["Follow", "Join"]
) -> vocab.Follow:
    """Return the follow that was somebody's membership, as it was asked for."""
    return vocab.Follow(id=uri, actor=follower.uri, object=group.uri, verb=verb)


async def _find(tx: Tx, follow: vocab.Follow | Uri, *, target: Uri | None = None) -> FollowRow | None:
    """Return the follow an answer is about: by its id, or for old software by its two ends."""
    uri = follow if isinstance(follow, str) else follow.id
    found = None if uri is None else await store.find_by_uri(tx, uri)
    if found is None and not isinstance(follow, str):
        found = await store.find_pair_by_uri(tx, follow.actor, follow.object)
    return found if found is not None and (target is None or found.target_uri == target) else None


async def on_accept(tx: Tx, step: Step, act: Authentic[vocab.Accept]) -> Change:
    """Let a pending follow become real, if the one it aimed at says so."""
    follow = await _find(tx, act.value.object, target=act.value.actor)
    if follow is None or follow.standing != "pending":
        return Change()
    await store.set_standing(tx, follow.id, "accepted", step.now)
    effects: tuple[Effect, ...] = ()
    if follow.follower_account_id is not None:
        effects += (Notify(person_id=follow.follower_id, kind="joined", actor_id=follow.target_id),)
    if step.facts.is_local and follow.follower_host is not None:
        effects += (Send(sender_id=follow.target_id, activity=act.value, to=(follow.follower_id,)),)
        effects += await notes.welcome(tx, step, follow.id, follow.target_id, follow.target_uri)
    return Change(effects)


async def on_reject(tx: Tx, step: Step, act: Authentic[vocab.Reject]) -> Change:
    """End a follow, pending or real, if the one it aimed at says so."""
    follow = await _find(tx, act.value.object, target=act.value.actor)
    if follow is None or follow.standing not in ("pending", "accepted"):
        return Change()
    await store.set_standing(tx, follow.id, "rejected", step.now)
    effects: tuple[Effect, ...] = ()
    # A moderator's no is told; a person owes nobody a word about theirs.
    is_group = step.facts.actor is not None and step.facts.actor.kind == "group"
    if is_group and follow.follower_account_id is not None:
        effects += (Notify(person_id=follow.follower_id, kind="declined", actor_id=follow.target_id),)
    if step.facts.is_local and follow.follower_host is not None:
        await outgoing.cancel_host(tx, follow.target_id, follow.follower_host)
        effects += (Send(sender_id=follow.target_id, activity=act.value, to=(follow.follower_id,)),)
    return Change(effects)


async def on_undo_follow(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Let a follower go at once; a follow we never heard of is remembered as taken back."""
    undone = act.value.object
    if not isinstance(undone, vocab.Follow):
        return Change()
    return await leave(tx, step, act.value, await _find(tx, undone), undone.id)


async def leave(tx: Tx, step: Step, undo: vocab.Undo, follow: FollowRow | None, uri: Uri | None) -> Change:
    """End a follow for its follower, and what its target still owed their host.

    `uri` is the follow's id as the Undo has it; None where it names the two ends alone.
    """
    is_theirs = follow is not None and follow.follower_uri == undo.actor
    if uri is not None and not (is_theirs and follow is not None and follow.uri == uri):
        # This wish may still be on its way, whatever became of an earlier one.
        await store.remember_undone(tx, undo.actor, uri, step.now)
    if uri is None and follow is None and isinstance(undo.object, vocab.Follow):
        await store.remember_undone(tx, undo.actor, undo.object.object, step.now)
    if follow is None or follow.follower_uri != undo.actor:
        return Change()
    if follow.standing not in ("pending", "accepted"):
        return Change()
    await store.set_standing(tx, follow.id, "left", step.now)
    if follow.follower_host is not None and follow.target_host is None:
        await outgoing.cancel_host(tx, follow.target_id, follow.follower_host)
    if step.facts.is_local and follow.target_host is not None:
        return Change((Send(sender_id=follow.follower_id, activity=undo, to=(follow.target_id,)),))
    return Change()
