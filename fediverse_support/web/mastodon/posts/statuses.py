"""Statuses one by one: writing, reading, changing, deleting, answering, liking."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from fediverse_support.actions.posts import posting, reacting
from fediverse_support.domain.errors import NotAllowed, NotFound
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import MAX_BODY, MAX_TITLE, MAX_WARNING
from fediverse_support.policy import access
from fediverse_support.reads.people import actors
from fediverse_support.reads.posts import posts
from fediverse_support.reads.posts.posts import Entry, PostView
from fediverse_support.web.mastodon import composing, render
from fediverse_support.web.mastodon.calls import Call
from fediverse_support.web.mastodon.composing import Words
from fediverse_support.web.mastodon.errors import Refused, invalid, json, unprocessable
from fediverse_support.web.mastodon.params import Params

LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*\Z")
NOT_YET: Final = {
    "media_ids": "Pictures and files cannot be sent here yet",
    "poll": "Polls cannot be made here yet",
    "scheduled_at": "Posts cannot be sent later here yet",
    "quote_id": "Posts cannot be quoted here yet",
    "quoted_status_id": "Posts cannot be quoted here yet",
}
ANYONE: Final = {"most_above": 40, "most_below": 60, "depth": 20}
SIGNED_IN: Final = {"most_above": 4096, "most_below": 4096, "depth": 4096}


async def create(call: Call) -> Response:
    """POST /api/v1/statuses: a thread in a group, a reply, or a post of one's own."""
    words = _words(call.params, is_new=True)
    _check(words, call.params)
    key = "".join(filter(str.isprintable, call.headers.get("idempotency-key", "")))[:200] or None
    parent_id = call.params.id("in_reply_to_id")
    async with call.deps.db.connection() as conn:
        parent = None
        if parent_id is not None:
            above = await posts.find_entry(conn, parent_id, call.viewer)
            if above is None:
                raise NotFound
            parent = above.post
        draft = await composing.draft_for(
            conn, call.deps.instance, words, call.person.actor_id, parent=parent
        )
    if not draft.body.strip():
        raise invalid("text", "blank", "Text can't be blank")
    try:
        done = await posting.publish(
            call.deps.db, call.deps.instance, call.person, draft, idempotency_key=key
        )
    except NotAllowed as error:
        raise unprocessable(error) from error
    return json(_status(call, await _post(call, done.post_id)))


async def show(call: Call) -> Response:
    """GET /api/v1/statuses/:id."""
    line = await _entry(call, call.id)
    return json(render.entry(line, call.deps.instance, signed_in=call.viewer is not None))


async def several(call: Call) -> Response:
    """GET /api/v1/statuses?id[]=."""
    ids = call.params.ids("id")
    async with call.deps.db.connection() as conn:
        found = await posts.load(conn, ids, call.viewer)
    return json([_status(call, found[each]) for each in dict.fromkeys(ids) if each in found])


async def update(call: Call) -> Response:
    """PUT /api/v1/statuses/:id: other words in the same place; what is not given stays."""
    post = await _own(call)
    words = _changed(_words(call.params), call.params, post)
    _check(words, call.params)
    async with call.deps.db.connection() as conn:
        handles = composing.handles_in(words.text, call.deps.instance)
        named = await actors.named(conn, handles, call.viewer)
    draft = composing.edited(words, post, named, call.deps.instance)
    if not draft.body.strip():
        raise invalid("text", "blank", "Text can't be blank")
    try:
        await posting.edit(call.deps.db, call.deps.instance, call.person, post.id, draft)
    except NotAllowed as error:
        raise unprocessable(error) from error
    return json(_status(call, await _post(call, post.id)))


async def delete(call: Call) -> Response:
    """DELETE /api/v1/statuses/:id: gone for good; the answer holds the text, for writing it anew."""
    post = await _own(call)
    gone = {**_status(call, post), "text": composing.source_of(post, names_group=True)}
    await posting.delete(call.deps.db, call.deps.instance, call.person, post.id)
    return json(gone)


async def source(call: Call) -> Response:
    """GET /api/v1/statuses/:id/source: for its author alone."""
    return json(render.source(await _own(call)))


async def context(call: Call) -> Response:
    """GET /api/v1/statuses/:id/context."""
    limits = ANYONE if call.viewer is None else SIGNED_IN
    async with call.deps.db.connection() as conn:
        found = await posts.around(conn, call.id, call.viewer, **limits)
        if found is None:
            line = await posts.find_entry(conn, call.id, call.viewer)
            found = None if line is None else await posts.around(conn, line.post.id, call.viewer, **limits)
    if found is None:
        raise NotFound
    instance, signed_in = call.deps.instance, call.viewer is not None
    return json(
        {
            "ancestors": render.statuses(found.above, instance, signed_in=signed_in),
            "descendants": render.statuses(found.below, instance, signed_in=signed_in),
        }
    )


async def favourite(call: Call) -> Response:
    """POST /api/v1/statuses/:id/favourite: a thank-you that only its receiver hears of."""
    line = await _entry(call, call.id)
    await reacting.like(call.deps.db, call.deps.instance, call.person, line.post.id)
    return json(_status(call, await _post(call, line.post.id)))


async def unfavourite(call: Call) -> Response:
    """POST /api/v1/statuses/:id/unfavourite."""
    line = await _entry(call, call.id)
    await reacting.unlike(call.deps.db, call.deps.instance, call.person, line.post.id)
    return json(_status(call, await _post(call, line.post.id)))


async def nobody(call: Call) -> Response:
    """GET /api/v1/statuses/:id/favourited_by and the like: who did is not told; a hidden status is still
    not there."""
    await _entry(call, call.id)
    return json([])


async def not_here(call: Call) -> Response:
    """POST /api/v1/statuses/:id/reblog and what else is not offered: 404 for the hidden, 422 for what can
    be read."""
    await _entry(call, call.id)
    raise Refused(422, "This is not possible here")


def _words(params: Params, *, is_new: bool = False) -> Words:
    for name, sentence in NOT_YET.items():
        if params.many(name):
            raise invalid(name, "unsupported", sentence)
    language = params.text("language")
    text = params.text("status").replace("\r\n", "\n").strip()
    warning = params.text("spoiler_text").strip()
    if not text and (is_new or params.has("status")):
        # Nothing but a content note is nothing to fold: the note is what they have to say.
        text, warning = warning, ""
    return Words(
        text=text,
        warning=warning,
        sensitive=bool(params.flag("sensitive")),
        language=language if LANGUAGE.match(language) else "und",
        visibility=params.text("visibility") or None,
        title=params.text("title") or None,
        group_id=params.id("group_id"),
    )


def _changed(words: Words, params: Params, post: PostView) -> Words:
    kept: dict[str, Any] = {"language": words.language if words.language != "und" else post.language}
    if not params.has("status"):
        kept |= {"text": post.body_source or "", "title": words.title or post.title or None}
    if not params.has("spoiler_text"):
        kept["warning"] = post.warning
    if not params.has("sensitive"):
        kept["sensitive"] = post.sensitive
    return replace(words, **kept)


def _check(words: Words, params: Params) -> None:
    if not words.text:
        raise invalid("text", "blank", "Text can't be blank")
    for name, text, most in (
        ("text", words.text, MAX_BODY),
        ("title", words.title or "", MAX_TITLE),
        ("spoiler_text", words.warning, MAX_WARNING),
    ):
        if len(text) > most:
            raise invalid(name, "too_long", f"{name} is too long: at most {most} characters")


def _status(call: Call, view: PostView) -> dict[str, Any]:
    return render.status(view, call.deps.instance, signed_in=call.viewer is not None)


async def _entry(call: Call, entry_id: int) -> Entry:
    async with call.deps.db.connection() as conn:
        found = await posts.find_entry(conn, entry_id, call.viewer)
    if found is None:
        raise NotFound
    return found


async def _post(call: Call, post_id: PostId) -> PostView:
    async with call.deps.db.connection() as conn:
        found = await posts.find(conn, post_id, call.viewer)
    if found is None:
        raise NotFound
    return found


async def _own(call: Call) -> PostView:
    """Return a post of the caller's; somebody else's is not there for changing."""
    post = await _post(call, PostId(call.id))
    if not access.may_remove(post, is_author=post.author.id == call.person.actor_id):
        raise NotFound
    return post
