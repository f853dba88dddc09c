"""Where a post is found, its group as the viewer stands to it, and who reads what is written there."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fediverse_support.db.pool import Conn
from fediverse_support.domain.audiences import narrower, narrower_kind, widest_in
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import Audience
from fediverse_support.policy.access import Reader, may_enter
from fediverse_support.reads import groups
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.posts import threads
from fediverse_support.reads.posts.threads import PostView
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.frame import Pages, Visit
from fediverse_support.web.words import audiences

# How much of what came before a post stands above it, where a conversation has several pages.
CONTEXT: Final = 10


async def group_of(pages: Pages, visit: Visit, conn: Conn, post: PostView) -> GroupView | None:
    """Return a post's group, readable or not: people leave groups, and their words stay theirs.

    None is for posts outside of groups, and where the group is not there any more.
    """
    if post.group_slug is None:
        return None
    group = await groups.find_group(conn, post.group_slug, visit.readers, pages.deps.db.now())
    return None if group is None else as_written(group, post, visit)


def as_written(group: GroupView, post: PostView, visit: Visit) -> GroupView:
    """Return a group as it is for a post in it: nobody reads along who could not have when it was written."""
    if post.written_in is None:
        return group
    kind = narrower_kind(post.written_in, group.kind)
    reader = Reader(ids=frozenset(visit.readers), is_ours=visit.viewer is not None, is_member=group.is_member)
    return replace(group, kind=kind, is_readable=may_enter(kind, reader))


def reach_of(
    group: GroupView | None, audience: Audience | None = None, *, answers: PostView | None = None
) -> audiences.Reach:
    """Say who will read what is written in a group, as it is for its conversation, or outside of groups.

    `audience` is that of the conversation, None for a new one; `answers` is what is answered.
    """
    kind = None if group is None else group.kind
    widest = widest_in(kind)
    return audiences.reach(
        kind,
        widest if audience is None else narrower(widest, audience),
        servers=0 if group is None else group.copies_to,
        host=None if group is None else group.host,
        answers_elsewhere=answers is not None and answers.host is not None,
    )


async def address_of(
    conn: Conn, visit: Visit, group: GroupView | None, post: PostView, done: str = ""
) -> str:
    """Return the page of its conversation that a post stands on, with some of what came before it."""
    slug, after = None if group is None else group.slug, 0
    if not post.is_root:
        before = await threads.list_before(conn, post.root_id, visit.readers, post.id)
        after = before[CONTEXT - 1] if len(before) >= threads.PAGE else 0
    return addresses.conversation(slug, post.root_id, post.id, done=done, after=after)


async def landing(pages: Pages, visit: Visit, post_id: PostId, done: str = "") -> str:
    """Return where somebody finds the post they have just written or changed."""
    async with pages.deps.db.connection() as conn:
        post = await threads.find_post(conn, post_id, visit.readers)
        if post is None:
            return addresses.post(post_id, done)
        group = await group_of(pages, visit, conn, post)
        return await address_of(conn, visit, group, post, done)
