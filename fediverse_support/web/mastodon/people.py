"""People and groups: looking at them, and following, which for a group is joining."""

from __future__ import annotations

from starlette.responses import Response

from fediverse_support.actions.people import following
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.ids import ActorId, FollowId
from fediverse_support.reads.people import actors, followers
from fediverse_support.reads.people.actors import ActorView
from fediverse_support.reads.posts import timelines
from fediverse_support.web.mastodon import paging, render
from fediverse_support.web.mastodon.calls import Call
from fediverse_support.web.mastodon.composing import handle_of
from fediverse_support.web.mastodon.errors import json


async def verify_credentials(call: Call) -> Response:
    """GET /api/v1/accounts/verify_credentials."""
    view = await _seen(call, call.person.actor_id)
    return json(render.credential_account(view, call.deps.instance))


async def show(call: Call) -> Response:
    """GET /api/v1/accounts/:id."""
    return json(render.account(await _seen(call, call.id), call.deps.instance))


async def several(call: Call) -> Response:
    """GET /api/v1/accounts?id[]=."""
    ids = call.params.ids("id")
    async with call.deps.db.connection() as conn:
        found = await actors.load(conn, ids, call.viewer)
    return json(
        [render.account(found[each], call.deps.instance) for each in dict.fromkeys(ids) if each in found]
    )


async def lookup(call: Call) -> Response:
    """GET /api/v1/accounts/lookup?acct=: what we know already; nothing is fetched."""
    handle = handle_of(call.params.text("acct"), call.deps.instance)
    if handle is None:
        raise NotFound
    async with call.deps.db.connection() as conn:
        actor_id = await actors.find_by_handle(conn, handle, call.viewer)
        view = await actors.find(conn, actor_id, call.viewer) if actor_id is not None else None
    if view is None:
        raise NotFound
    return json(render.account(view, call.deps.instance))


async def relationships(call: Call) -> Response:
    """GET /api/v1/accounts/relationships?id[]=."""
    async with call.deps.db.connection() as conn:
        found = await actors.relations(conn, call.person.actor_id, call.params.ids("id"))
    return json([render.relationship(each) for each in found])


async def follow(call: Call) -> Response:
    """POST /api/v1/accounts/:id/follow: ask to follow a person or to join a group."""
    view = await _seen(call, call.id)
    if view.id == call.person.actor_id:
        raise NotFound
    await following.follow(call.deps.db, call.deps.instance, call.person, view.id)
    return await _relationship(call, view.id)


async def unfollow(call: Call) -> Response:
    """POST /api/v1/accounts/:id/unfollow: stop following, or leave."""
    view = await _seen(call, call.id)
    await following.unfollow(call.deps.db, call.deps.instance, call.person, view.id)
    return await _relationship(call, view.id)


async def asking(call: Call) -> Response:
    """GET /api/v1/follow_requests: who waits for the caller's answer, longest wait first."""
    person_id = call.person.actor_id
    async with call.deps.db.connection() as conn:
        waiting = [each.actor_id for each in await followers.list_asking(conn, person_id)]
        found = await actors.load(conn, waiting, person_id)
    return json([render.account(found[each], call.deps.instance) for each in waiting if each in found])


async def authorize(call: Call) -> Response:
    """POST /api/v1/follow_requests/:id/authorize: let somebody follow the caller."""
    return await _decide(call, accept=True)


async def reject(call: Call) -> Response:
    """POST /api/v1/follow_requests/:id/reject: say no to somebody who asks."""
    return await _decide(call, accept=False)


async def remove_follower(call: Call) -> Response:
    """POST /api/v1/accounts/:id/remove_from_followers."""
    deps, view = call.deps, await _seen(call, call.id)
    if (follow_id := await _follow_by(call, view.id)) is not None:
        await following.remove_member(deps.db, deps.instance, call.person, follow_id)
    return await _relationship(call, view.id)


async def _decide(call: Call, *, accept: bool) -> Response:
    deps, view = call.deps, await _seen(call, call.id)
    if (follow_id := await _follow_by(call, view.id)) is None:
        raise NotFound
    await following.decide_member(deps.db, deps.instance, call.person, follow_id, accept=accept)
    return await _relationship(call, view.id)


async def _follow_by(call: Call, follower_id: ActorId) -> FollowId | None:
    async with call.deps.db.connection() as conn:
        return await followers.find_follow(conn, call.person.actor_id, follower_id)


async def statuses(call: Call) -> Response:
    """GET /api/v1/accounts/:id/statuses: what a person wrote, or a group's threads."""
    window = paging.window(call.params)
    params = call.params
    # There are no pinned posts and no tags here, so neither list has anything in it.
    nothing = bool(params.flag("pinned")) or bool(params.text("tagged"))
    media, plain = bool(params.flag("only_media")), bool(params.flag("exclude_reblogs"))
    async with call.deps.db.connection() as conn:
        view = await actors.find(conn, call.id, call.viewer)
        if view is None:
            raise NotFound
        if nothing:
            found = []
        elif view.is_group:
            found = await timelines.in_group(
                conn, view.id, call.viewer, window, announced=not plain, media=media
            )
        else:
            replies = not params.flag("exclude_replies")
            found = await timelines.by_author(
                conn, view.id, call.viewer, window, replies=replies, media=media
            )
    page, more = paging.cut(window, found)
    signed_in = call.viewer is not None
    return json(
        render.entries(page, call.deps.instance, signed_in=signed_in),
        headers=paging.link(call.deps.instance, call.path, call.query, [each.id for each in page], more),
    )


async def _seen(call: Call, actor_id: int) -> ActorView:
    async with call.deps.db.connection() as conn:
        view = await actors.find(conn, actor_id, call.viewer)
    if view is None:
        raise NotFound
    return view


async def _relationship(call: Call, actor_id: ActorId) -> Response:
    """Return the relationship as it is now; somebody who left a closed group no longer sees it, and gets
    the plain no."""
    async with call.deps.db.connection() as conn:
        found = await actors.relations(conn, call.person.actor_id, (actor_id,))
    return json(render.relationship(found[0] if found else actors.Relation(actor_id, None, None)))
