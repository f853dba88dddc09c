"""What a group elsewhere passed on becomes what can be proven: fetched, confirmed, or taken at its word."""

from __future__ import annotations

from typing import assert_never, cast

from federation import authenticity, groups, uris, vocab
from federation.authenticity import Authentic, ByGroup, Refused, ToConfirm, ToFetch, ToRestore
from federation.errors import FederationError, Gone, Unreachable
from federation.uris import Uri
from federation.vocab import Activity
from fediverse_support.deps import Deps
from fediverse_support.domain import question
from fediverse_support.lookups import Budget
from fediverse_support.store.people import follows, remote_actors
from fediverse_support.store.posts import announces, posts


async def unfold(deps: Deps, act: Authentic[Activity], budget: Budget) -> list[Authentic[Activity]]:
    """Return what is to be applied for a delivery: mostly itself; for a relay, what it carries.

    Raises `Unreachable` where a server that has to be asked does not answer.
    """
    value = act.value
    match value:
        case vocab.Announce(object=str() as uri):
            await _boosted(deps, value.actor, Uri(uri), budget)
            return [act]
        case vocab.Announce():
            return await _relayed(deps, cast(Authentic[vocab.Announce], act), budget)
        case vocab.Create(object=str() as uri):
            await hear(deps, value.actor, Uri(uri), budget, named=value.audience.everyone)
            return []
        case vocab.Update(object=vocab.Actor() as actor):
            await deps.remote.ensure_actors((actor.id,), budget, anew=True)
            return [act]
        case vocab.Update(object=str() as uri):
            if Uri(uri) == value.actor:
                await deps.remote.ensure_actors((value.actor,), budget, anew=True)
            else:
                await hear(deps, value.actor, Uri(uri), budget)
            return []
        case vocab.Undo(object=vocab.Delete() as undone):
            is_own = undone.actor == value.actor and uris.same_origin(undone.object, value.actor)
            if is_own and await _is_known(deps, undone.object):
                await look(deps, undone.object, budget, restores=True)
            return [act]
        case vocab.Update(object=vocab.Post() as post):
            if not await _is_known(deps, post.id):
                # The edit came before the post: without the new words now, the old ones would come and stay.
                await hear(deps, value.actor, post.id, budget, named=post.audience.everyone)
            return [act]
        case _:
            return [act]


async def hear(
    deps: Deps, teller: Uri, uri: Uri, budget: Budget, *, named: tuple[Uri, ...] = (), is_gone: bool = False
) -> None:
    """Fetch what somebody only spoke of, if it is here already, is said to be for us, or they are followed.

    Otherwise a stranger could have anything stored here. `is_gone` is what they say. Raises as `look` does.
    """
    is_for_us = any(deps.instance.is_ours(to) for to in named)
    if is_for_us or await _is_known(deps, uri) or await _is_heard(deps, teller):
        await look(deps, uri, budget, is_gone=is_gone)


async def look(
    deps: Deps,
    uri: Uri,
    budget: Budget,
    *,
    announced_by: Uri | None = None,
    restores: bool = False,
    is_gone: bool = False,
) -> None:
    """Fetch a post that somebody spoke of, `restores` where its author took a deletion back, `is_gone` where
    somebody says that it is deleted.

    Raises `Unreachable`; every other failure means that there is nothing.
    """
    if deps.instance.is_ours(uri):
        return
    try:
        await deps.remote.learn(
            uri, budget, announced_by=announced_by, restores=restores, is_gone=is_gone
        )
    except Unreachable:
        raise
    except FederationError:
        return


async def _is_known(deps: Deps, uri: Uri) -> bool:
    async with deps.db.connection() as conn:
        return bool(await posts.known_uris(conn, [uri]))


async def _is_heard(deps: Deps, actor: Uri) -> bool:
    """Say whether somebody here follows this actor: only then is anything fetched on its word."""
    async with deps.db.connection() as conn:
        return await follows.is_followed(conn, actor)


async def _boosted(deps: Deps, actor: Uri, uri: Uri, budget: Budget) -> None:
    if not await _is_known(deps, uri) and await _is_heard(deps, actor):
        await look(deps, uri, budget, announced_by=actor)


async def _relayed(deps: Deps, act: Authentic[vocab.Announce], budget: Budget) -> list[Authentic[Activity]]:
    relay = authenticity.from_relay(act)
    match relay:
        case ByGroup(inner) if _is_decision(inner):
            return await _decided(deps, inner, act.value.actor, budget)
        case ByGroup(inner):
            # What our own people did, we know ourselves; nobody else's word counts for it.
            is_heard = await _is_heard(deps, act.value.actor)
            return [inner] if is_heard and not deps.instance.is_ours(inner.value.actor) else []
        case ToFetch(uri, group) if await _is_heard(deps, group):
            await look(deps, uri, budget, announced_by=group)
            announced = act.value.id
            if announced is not None:
                async with deps.db.transaction() as tx:
                    await announces.note_announce(tx, group, uri, announced, deps.db.now())
        case ToConfirm(uri) if await _is_known(deps, uri):
            # Of a group that was left, its posts are still here.
            return await _confirmed(deps, relay, budget)
        case ToRestore(uri, group, inner, is_by_author) if await _is_known(deps, uri):
            if is_by_author:
                await look(deps, uri, budget, restores=True)
            return await _decided(deps, inner, group, budget)
        case Refused() | ToFetch() | ToConfirm() | ToRestore():
            pass
        case _:
            assert_never(relay)
    return []


async def _confirmed(deps: Deps, relay: ToConfirm, budget: Budget) -> list[Authentic[Activity]]:
    """Return what a relayed deletion comes to: an author's own word, a group's decision, or nothing where the
    origin said by its answer that the post is gone."""
    own = relay.own
    if own is not None and await _wrote(deps, own.value.actor, relay.uri):
        return [own]
    if deps.instance.is_ours(relay.uri) or not await _is_gone(
        deps, relay.uri, relay.act.value.actor, budget
    ):
        return await _decided(deps, relay.act, relay.group, budget)
    return []


async def _wrote(deps: Deps, actor: Uri, uri: Uri) -> bool:
    """Say whether this actor is the author of a post, as we stored it."""
    async with deps.db.connection() as conn:
        post = await posts.find_by_uri(conn, uri)
    return post is not None and post.author_uri == actor


def _is_decision(inner: Authentic[Activity]) -> bool:
    value = inner.value
    if isinstance(value, vocab.Undo) and not isinstance(value.object, str):
        value = value.object
    return groups.is_moderation(value)


async def _decided(
    deps: Deps, inner: Authentic[Activity], group: Uri, budget: Budget
) -> list[Authentic[Activity]]:
    """Return what a group's moderators decided, once it is known that they are; ours decide nothing there."""
    actor = inner.value.actor
    if deps.instance.is_ours(actor):
        return []
    if not uris.same_origin(actor, group) and await _plays_here(deps, inner):
        await deps.remote.learn_moderator(group, actor, budget)
    return [inner]


async def _plays_here(deps: Deps, inner: Authentic[Activity]) -> bool:
    """Say whether a decision is about anything we have: else nobody is asked about who made it."""
    about = question.ask(inner.value).target
    if about is None:
        return False
    async with deps.db.connection() as conn:
        return bool(await posts.known_uris(conn, [about])) or bool(
            await remote_actors.known(conn, [about], deps.db.now())
        )


async def _is_gone(deps: Deps, uri: Uri, by: Uri, budget: Budget) -> bool:
    """Ask the origin of a post whether it is gone; what is gone there is erased here by that.

    Raises `Unreachable` where the author is said to have deleted it; a moderator's word needs no origin.
    """
    try:
        await deps.remote.learn(uri, budget, is_gone=uris.same_origin(by, uri))
    except Gone:
        return True
    except Unreachable:
        if uris.same_origin(by, uri):
            raise
    except FederationError:
        return False
    return False
