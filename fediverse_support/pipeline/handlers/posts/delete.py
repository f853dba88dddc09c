"""Posts taken back by their authors, posts taken down by moderators, and goodbyes of actors."""

from __future__ import annotations

from dataclasses import replace

from federation import uris, vocab
from federation.authenticity import Authentic
from fediverse_support.db.pool import Tx
from fediverse_support.domain.effects import Cancel, Effect, Erase, Notify, Relay, Send
from fediverse_support.domain.facts import PostFacts
from fediverse_support.domain.ids import fresh_token
from fediverse_support.domain.moderation import reason_given
from fediverse_support.pipeline.handlers import moderation
from fediverse_support.pipeline.handlers.people import people
from fediverse_support.pipeline.step import Change, Step
from fediverse_support.store.moderation import messages, removals
from fediverse_support.store.posts import missing
from fediverse_support.store.posts import posts as store


async def on_delete(tx: Tx, step: Step, act: Authentic[vocab.Delete]) -> Change:
    """Erase a post for its author, hide it for a moderator, say goodbye to an actor, remember an unknown
    id."""
    facts, target = step.facts, step.facts.target
    if target is not None:
        return await _delete_post(tx, step, act, target)
    if facts.target_actor is not None and act.value.is_missing and act.proof == "fetch":
        return await people.let_go(tx, facts.target_actor, step.now)
    if facts.target_actor is not None:
        return await people.farewell(tx, facts.target_actor, step.now)
    if uris.same_origin(act.value.actor, act.value.object):
        await messages.erase_by_uri(tx, act.value.object, act.value.actor)
        await store.insert_tombstone(tx, act.value.object, act.value.former_type, step.now)
    return Change()


async def _delete_post(tx: Tx, step: Step, act: Authentic[vocab.Delete], target: PostFacts) -> Change:
    if target.standing == "deleted":
        return Change((), target.id)
    if act.value.is_missing and act.proof == "fetch":
        await missing.hide(tx, target.id)
        return Change((), target.id)
    group = step.facts.group
    if act.proof == "group" or (group is not None and not group.is_local and act.value.actor == group.uri):
        return await _taken_out_elsewhere(tx, step, act, target)
    by_author = act.value.actor == target.author_uri or act.proof == "fetch"
    effects: tuple[Effect, ...] = (Cancel(post_id=target.id),)
    if by_author:
        await store.erase_posts(tx, [target.id], step.now)
        if target.audience == "direct":
            await messages.erase_by_uri(tx, target.uri, target.author_uri)
        effects += (Erase(uris=(target.uri,)),)
    else:
        by = group.id if group is not None and group.is_local else None
        reason = reason_given(act.value.reason)
        await removals.take_out(tx, target.id, by, reason, step.now)
        if target.author_account_id is not None:
            author = target.author_id
            effects += (Notify(person_id=author, kind="removed", post_id=target.id, words=reason),)
    if target.standing == "held" or target.audience == "group":
        return Change(effects, target.id)
    return Change(effects + _withdrawal(step, act, target, by_author=by_author), target.id)


async def _taken_out_elsewhere(
    tx: Tx, step: Step, act: Authentic[vocab.Delete], target: PostFacts
) -> Change:
    """Hide a post in a group elsewhere that took it out. Nobody is asked to delete it: it may come back."""
    group = step.facts.group
    if group is None:
        return Change()
    author_here = None if target.author_account_id is None else target.author_id
    return await moderation.take_out(
        tx, step, target.id, author_here, group.id, reason_given(act.value.reason)
    )


def _withdrawal(
    step: Step, act: Authentic[vocab.Delete], target: PostFacts, *, by_author: bool
) -> tuple[Effect, ...]:
    """Ask every host that has a copy to delete it."""
    group = step.facts.group
    effects: tuple[Effect, ...] = ()
    own = target.author_id if target.host is None and by_author else None
    if group is not None and group.is_local and group.kind == "open" and act.raw is not None:
        effects += (
            Relay(
                group_id=group.id,
                activity=act.value,
                raw=act.raw,
                post_id=target.id,
                unboost=True,
                author_id=own,
            ),
        )
    elif own is not None:
        effects += (Send(sender_id=own, activity=act.value, post_id=target.id, holders_of=target.id),)
    if target.host is None and not by_author:
        # Whoever asked for it, only the author's word counts with hosts that do not know groups.
        wish = _in_the_authors_name(step, act.value, target)
        effects += (Send(sender_id=target.author_id, activity=wish, post_id=target.id, holders_of=target.id),)
    return effects


def _in_the_authors_name(step: Step, delete: vocab.Delete, target: PostFacts) -> vocab.Delete:
    return replace(delete, id=step.instance.activity_uri(fresh_token()), actor=target.author_uri, reason=None)
