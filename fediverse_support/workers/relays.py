"""What a group elsewhere passed on becomes what can be proven: fetched, confirmed, or taken at its word."""

from __future__ import annotations

from typing import cast

from federation import authenticity, vocab
from federation.authenticity import Authentic, ByGroup, Refused, ToConfirm, ToFetch
from federation.errors import FederationError, Gone, Unreachable
from federation.uris import Uri
from federation.vocab import Activity
from fediverse_support.deps import Deps
from fediverse_support.remote import Budget
from fediverse_support.store import posts, relayed


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
        case vocab.Update(object=vocab.Post() as post):
            if not await _is_known(deps, post.id):
                # The edit came before the post: without the new words now, the old ones would come and stay.
                await hear(deps, value.actor, post.id, budget, named=post.audience.everyone)
            return [act]
        case _:
            return [act]


async def hear(deps: Deps, teller: Uri, uri: Uri, budget: Budget, *, named: tuple[Uri, ...] = ()) -> None:
    """Fetch what somebody only spoke of, if it is here already, is said to be for us, or they are followed.

    Otherwise a stranger could have anything stored here. Raises as `look` does.
    """
    is_for_us = any(deps.instance.is_ours(to) for to in named)
    if is_for_us or await _is_known(deps, uri) or await _is_heard(deps, teller):
        await look(deps, uri, budget)


async def look(deps: Deps, uri: Uri, budget: Budget, *, announced_by: Uri | None = None) -> None:
    """Fetch a post that somebody spoke of. Raises `Unreachable`; every other failure means that there is
    nothing."""
    if deps.instance.is_ours(uri):
        return
    try:
        await deps.remote.learn(uri, budget, announced_by=announced_by)
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
        return await relayed.is_followed(conn, actor)


async def _boosted(deps: Deps, actor: Uri, uri: Uri, budget: Budget) -> None:
    if not await _is_known(deps, uri) and await _is_heard(deps, actor):
        await look(deps, uri, budget, announced_by=actor)


async def _relayed(deps: Deps, act: Authentic[vocab.Announce], budget: Budget) -> list[Authentic[Activity]]:
    relay = authenticity.from_relay(act)
    # Of a group that was left, its posts are still here; that one is gone, their own origin confirms.
    if not isinstance(relay, ToConfirm) and not await _is_heard(deps, act.value.actor):
        return []
    match relay:
        case ByGroup(inner):
            # What our own people did, we know ourselves; nobody else's word counts for it.
            return [] if deps.instance.is_ours(inner.value.actor) else [inner]
        case ToFetch(uri, group):
            await look(deps, uri, budget, announced_by=group)
            async with deps.db.transaction() as tx:
                await relayed.note_announce(tx, group, uri, act.value.id, deps.db.now())
        case ToConfirm(uri, group):
            await _confirm(deps, uri, group, budget)
        case Refused():
            pass
    return []


async def _confirm(deps: Deps, uri: Uri, group: Uri, budget: Budget) -> None:
    """Ask the origin of a post whether it is gone. If it is still there, its group took it out, for this
    group alone."""
    if deps.instance.is_ours(uri) or not await _is_known(deps, uri):
        return
    try:
        await deps.remote.learn(uri, budget)
    except Gone:
        return
    async with deps.db.transaction() as tx:
        await relayed.remove_from_group(tx, uri, group)
