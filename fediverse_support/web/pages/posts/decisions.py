"""What a moderator took out or did not let appear, for its author: to read, and to edit and send again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import AppError, NotFound
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.policy import access
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.posts import own_posts, threads
from fediverse_support.reads.posts.own_posts import TakenOut
from fediverse_support.reads.posts.threads import PostView
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.places import group_of, landing, reach_of
from fediverse_support.web.pages.posts.posts import (
    draft_of,
    get_mine,
    once_for,
    problem_of,
)
from fediverse_support.web.pages.posts.views import AgainView, DecisionView
from fediverse_support.web.words import sentences


@dataclass(frozen=True, slots=True)
class Taken:
    """A post that a moderator took out, with the place where its author may send it again.

    `group` is None outside of groups, and where the author may not read it any more; `answers` is what a
    reply would answer.
    """

    post: PostView
    group: GroupView | None
    answers: PostView | None
    place: TakenOut

    @property
    def hindrance(self) -> str:
        """Why it cannot be sent again, as a key of `sentences.NOT_AGAIN`; empty when it can."""
        group = self.group
        if group is None and self.post.group_slug is not None:
            return "group"
        if group is not None and not access.has_joined(group):
            return "banned" if group.is_banned else "waiting" if group.is_waiting else "join"
        if self.post.is_root:
            return "" if group is None or access.may_start(group) else "moderators"
        if self.answers is None:
            return "conversation"
        return "" if access.may_write(group, self.answers) else "paused"


async def _get_taken(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Taken:
    """Return the viewer's own post that was taken out; raise `NotFound` for every other."""
    post = await get_mine(conn, request, visit)
    place = await own_posts.find_taken_out(conn, post.id, post.author_id)
    if place is None:
        raise NotFound
    group, answers = await group_of(pages, visit, conn, post), None
    if place.parent_id is not None:
        answers = await _answered(conn, visit, place.parent_id)
    return Taken(post, group if group is not None and group.is_readable else None, answers, place)


async def _answered(conn: Conn, visit: Visit, post_id: PostId) -> PostView | None:
    """Return what a reply would answer; with the first post, all of a conversation is paused."""
    post = await threads.find_post(conn, post_id, visit.readers)
    if post is None or post.is_root or post.is_locked:
        return post
    root = await threads.find_post(conn, post.root_id, visit.readers)
    return structs.replace(post, is_locked=root is not None and root.is_locked)


async def list_again(
    conn: Conn, visit: Visit, group: GroupView | None, root: PostView, replies: Sequence[PostView]
) -> set[PostId]:
    """Return which of the viewer's posts in a conversation, that were taken out, they may send again.

    `group` is one that they may read, None outside of groups.
    """
    kept = [post for post in (root, *replies) if post.is_kept]
    if not kept or (group is not None and not access.has_joined(group)):
        return set()
    asked = {post.parent_id for post in kept if post.parent_id is not None} - {root.id}
    above = await threads.list_quoted(conn, sorted(asked), visit.readers)
    again = set()
    for post in kept:
        parent = None if post.parent_id is None else above.get(post.parent_id)
        answers = root if root.is_visible and (parent is None or parent.is_gone) else parent
        if post.is_root:
            may = group is None or access.may_start(group)
        else:
            may = answers is not None and access.may_write(group, access.below(answers, root))
        again |= {post.id} if may else set()
    return again


async def show_decision(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/decision`: one's own words, what was decided, and the way on."""
    taken = await _get_taken(pages, request, visit, conn)
    return pages.page(
        visit,
        "posts/decision.html",
        DecisionView(
            post=taken.post,
            group=taken.group,
            who=sentences.taken_out(taken.place.by_host),
            reason=taken.place.reason,
            hindrance=taken.hindrance,
            not_again=sentences.NOT_AGAIN.get(taken.hindrance, ""),
        ),
    )


async def show_again(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/again`: the composer, with the old words in it."""
    taken = await _get_taken(pages, request, visit, conn)
    post = taken.post
    if taken.hindrance:
        return see_other(addresses.decision(post.id))
    visit = visit.acting_as(post.author_id)
    draft = Draft(body=post.body_source or post.excerpt, title=post.title, warning=post.warning)
    return _again_page(pages, visit, taken, draft)


def _again_page(
    pages: Pages, visit: Visit, taken: Taken, draft: Draft, error: AppError | None = None
) -> Response:
    problem = problem_of(error)
    return pages.page(
        visit,
        "posts/again.html",
        AgainView(
            post=taken.post,
            group=taken.group,
            answers=taken.answers,
            draft=draft,
            errors=problem.fixes,
            problem=problem.sentence,
            reach=reach_of(taken.group, taken.place.audience, answers=taken.answers),
            you=visit.you,
            back=addresses.decision(taken.post.id),
            first_posts_held=visit.house.newcomer_posts_held > 0,
        ),
        status=problem.status,
    )


async def again(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Publish it as a new post; whatever stands against it, the words stay on the page."""
    async with pages.deps.db.connection() as conn:
        taken = await _get_taken(pages, request, visit, conn)
    visit = visit.acting_as(taken.post.author_id)
    if taken.hindrance:
        return pages.kept(visit, form, 403, sentences.NOT_AGAIN[taken.hindrance])
    post, answers = taken.post, taken.answers
    draft = draft_of(form, language=post.language)
    if form.ticked("look"):
        return _again_page(pages, visit, taken, draft)
    try:
        done = await posting.send_again(
            pages.deps.db, pages.deps.instance, visit.person, post.id, draft, idempotency_key=once_for(form)
        )
    except AppError as error:
        return _again_page(pages, visit, taken, draft, error)
    if answers is not None:
        return see_other(await landing(pages, visit, done.post_id))
    return see_other(addresses.conversation(post.group_slug, done.post_id, done.post_id))
