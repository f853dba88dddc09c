"""The lists clients open with: home, public, notifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from fediverse_support.reads import notices
from fediverse_support.reads.posts import followed, timelines
from fediverse_support.reads.posts.posts import Entry
from fediverse_support.reads.posts.windows import Window
from fediverse_support.web.mastodon import paging, render
from fediverse_support.web.mastodon.calls import Call
from fediverse_support.web.mastodon.errors import json

TYPES: Final = {
    "mention": "mention",
    "reply": "mention",
    "liked": "favourite",
    "follow": "follow",
    "follow_request": "follow_request",
}
"""Our kinds of notification that have a name in this API; the others are for the pages."""


async def home(call: Call) -> Response:
    """GET /api/v1/timelines/home."""
    window = paging.window(call.params)
    async with call.deps.db.connection() as conn:
        found = await followed.home(conn, call.person.actor_id, window)
    return _page(call, window, found)


async def public(call: Call) -> Response:
    """GET /api/v1/timelines/public: for people of this server; anybody else gets an empty list."""
    window = paging.window(call.params)
    if call.viewer is None:
        return json([])
    local, remote = call.params.flag("local"), call.params.flag("remote")
    async with call.deps.db.connection() as conn:
        found = await timelines.public(
            conn, call.viewer, window, local=True if local else (False if remote else None)
        )
    return _page(call, window, found)


async def notifications(call: Call) -> Response:
    """GET /api/v1/notifications: mentions, replies, likes, new followers and those who ask."""
    window = paging.window(call.params, default=40, most=80)
    wanted, unwanted = call.params.many("types"), call.params.many("exclude_types")
    kinds = [kind for kind, name in TYPES.items() if (not wanted or name in wanted) and name not in unwanted]
    person = call.person
    async with call.deps.db.connection() as conn:
        found = await notices.of_account(
            conn, person.account_id, person.actor_id, kinds, window, call.params.id("account_id")
        )
    page, more = paging.cut(window, found)
    instance = call.deps.instance
    return json(
        [render.notification(each, TYPES[each.kind], instance) for each in page],
        headers=paging.link(instance, call.path, call.query, [each.id for each in page], more),
    )


def _page(call: Call, window: Window, found: Sequence[Entry]) -> Response:
    page, more = paging.cut(window, list(found))
    return json(
        render.entries(page, call.deps.instance, signed_in=True),
        headers=paging.link(call.deps.instance, call.path, call.query, [each.id for each in page], more),
    )
