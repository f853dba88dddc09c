"""Likes, and what takes earlier things back by their id alone."""

from __future__ import annotations

from federation import uris, vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Effect, Notify, Send
from fediverse_support.domain.facts import ActorFacts, PostFacts
from fediverse_support.pipeline.handlers import groups
from fediverse_support.pipeline.handlers.people import follows
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.people import blocks
from fediverse_support.store.people import follows as store_follows
from fediverse_support.store.posts import announces
from fediverse_support.store.posts import reactions as store


async def on_like(tx: Tx, step: Step, act: Authentic[vocab.Like]) -> Change:
    """Keep one person's like once, and tell the author of it; ours leave only if addressed to somebody."""
    facts, target = step.facts, step.facts.target
    if target is None:
        return Change()
    actor_id = None if facts.actor is None else facts.actor.id
    await store.insert_like(tx, act.value.id, actor_id, act.value.actor, target.id, act.proof, step.now)
    effects: tuple[Effect, ...] = ()
    if facts.actor is not None and _is_told(facts.actor, target, act):
        effects += (
            Notify(person_id=target.author_id, kind="liked", actor_id=facts.actor.id, post_id=target.id),
        )
    if facts.is_local and actor_id is not None and act.value.audience.everyone and target.host is not None:
        effects += (Send(sender_id=actor_id, activity=act.value, to=(target.author_id,)),)
    return Change(effects, target.id)


def _is_told(actor: ActorFacts, target: PostFacts, act: Authentic[vocab.Like]) -> bool:
    """Say whether an author of ours hears of a like by somebody elsewhere.

    A group's word that somebody of another server than its own liked something names them to nobody.
    """
    if target.author_account_id is None or actor.host is None or actor.kind != "person":
        return False
    return act.proof != "group" or uris.same_origin(act.by, actor.uri)


async def on_undo_like(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Take a like back; one we never heard of is remembered as taken back."""
    undone = act.value.object
    if not isinstance(undone, vocab.Like):
        return Change()
    # A group's word counts here, too, for posts of that group alone.
    group = act.by if act.proof == "group" else None
    gone = await store.delete_like(tx, act.value.actor, undone.object, group_uri=group)
    if not gone and undone.id is not None and group is None:
        await store_follows.remember_undone(tx, act.value.actor, undone.id, step.now)
    return Change()


async def on_undo_id(tx: Tx, step: Step, act: Authentic[vocab.Undo]) -> Change:
    """Take back whatever the actor did under this id: a follow, a like, a boost or a block."""
    uri = act.value.object
    if not isinstance(uri, str):
        return Change()
    actor = act.value.actor
    if await store.delete_like_by_uri(tx, actor, uri):
        return Change()
    if await blocks.delete_by_uri(tx, actor, uri, step.now):
        return Change()
    own = await announces.find_own(tx, actor, announce_uri=uri, post_uri=None)
    if await announces.undo_announce_by_uri(tx, uri, actor, step.now):
        return Change() if own is None else await groups.lose(tx, step, own)
    return await follows.leave(tx, step, act.value, await store_follows.find_by_uri(tx, uri), uri)
