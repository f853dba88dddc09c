"""Search: names, words, and a pasted address, which is how a member answers a post of another server.

What another server refuses, what does not exist, and what this server has blocked give the same empty answer.
"""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import Response

from federation import uris
from federation.errors import FederationError
from fediverse_support.db.pool import Conn
from fediverse_support.domain.buckets import Buckets
from fediverse_support.domain.ids import ActorId
from fediverse_support.reads.people import actors
from fediverse_support.reads.posts import posts, search
from fediverse_support.web.mastodon import render
from fediverse_support.web.mastodon.calls import Call, Handler
from fediverse_support.web.mastodon.composing import handle_of
from fediverse_support.web.mastodon.errors import Refused, invalid, json

MOST = 40
LONGEST = 2048
LONGEST_WORDS = 200


def everything(buckets: Buckets) -> Handler:
    """Make GET /api/v2/search; `buckets` says how often one person may have other servers asked."""

    async def answer(call: Call) -> Response:
        kind = call.params.text("type")
        if kind not in ("", "accounts", "statuses", "hashtags"):
            raise invalid("type", "inclusion", "Type is not one of accounts, statuses and hashtags")
        people, written = await _found(call, buckets, want_people=kind in ("", "accounts"))
        return json(
            {
                "accounts": people if kind in ("", "accounts") else [],
                "statuses": written if kind in ("", "statuses") else [],
                "hashtags": [],
            }
        )

    return answer


def people(buckets: Buckets) -> Handler:
    """Make GET /api/v1/accounts/search."""

    async def answer(call: Call) -> Response:
        return json((await _found(call, buckets, want_people=True))[0])

    return answer


async def _found(call: Call, buckets: Buckets, *, want_people: bool) -> tuple[list[Any], list[Any]]:
    text = call.params.text("q").strip()
    viewer = call.person.actor_id
    if not text or len(text) > LONGEST:
        return [], []
    async with call.deps.db.connection() as conn:
        actor_id, post_id = await _named(conn, call, text, viewer)
    if actor_id is None and post_id is None and call.params.flag("resolve") and _is_remote(text, call):
        actor_id = post_id = await _asked(call, buckets, text)
    async with call.deps.db.connection() as conn:
        actor_ids = [actor_id] if actor_id is not None else []
        post_ids = [post_id] if post_id is not None else []
        if not actor_ids and not post_ids and len(text) <= LONGEST_WORDS and "://" not in text:
            limit, offset = call.params.whole("limit", 20, MOST), call.params.whole("offset", 0, 1000)
            actor_ids = (
                await actors.search(conn, text.lstrip("@!"), viewer, limit, offset) if want_people else []
            )
            post_ids = await search.in_posts(conn, text, viewer, limit, offset)
        seen = await actors.load(conn, actor_ids, viewer)
        read = await posts.load(conn, post_ids, viewer)
    instance = call.deps.instance
    return (
        [render.account(seen[each], instance) for each in actor_ids if each in seen],
        render.statuses((read[each] for each in post_ids if each in read), instance, signed_in=True),
    )


async def _named(conn: Conn, call: Call, text: str, viewer: ActorId) -> tuple[int | None, int | None]:
    """Return what is known already under exactly this address or handle."""
    if (address := uris.find(text)) is not None:
        return await search.at_address(conn, call.deps.instance, address, viewer)
    handle = handle_of(text, call.deps.instance)
    if handle is None:
        return None, None
    return await actors.find_by_handle(conn, handle, viewer), None


def _is_remote(text: str, call: Call) -> bool:
    """Only an address or a whole handle of another server is worth a question to it."""
    if (address := uris.find(text)) is not None:
        return not call.deps.instance.is_ours(address)
    handle = handle_of(text, call.deps.instance)
    return handle is not None and handle.host is not None


async def _asked(call: Call, buckets: Buckets, text: str) -> int | None:
    """Ask the other server once. Every failure is the same nothing."""
    wait = buckets.take(str(call.person.account_id), call.deps.db.now().timestamp())
    if wait > 0:
        refused = Refused(429, "Too many requests")
        refused.headers = {"retry-after": str(math.ceil(wait))}
        raise refused
    try:
        return await call.deps.remote.find(text, by=str(call.person.account_id))
    except FederationError:
        return None
