"""A conversation, and replying in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions import posting
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.errors import AppError, Invalid, NotFound
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads import threads
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.threads import PostView
from fediverse_support.web.negotiation import ap_redirect, wants_activity
from fediverse_support.web.pages import addresses, words
from fediverse_support.web.pages.forms import Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.groups import get_readable, may_write, title_for
from fediverse_support.web.pages.posts import draft_of, once_for, problem_of, replying_audience
from fediverse_support.web.pages.view import beginning


@dataclass(frozen=True, slots=True)
class Scene:
    """A conversation's first post with the group it is in; `group` is None outside of groups."""

    group: GroupView | None
    root: PostView

    @property
    def kind(self) -> GroupKind:
        """Who reads along: outside of groups everybody may."""
        return "open" if self.group is None else self.group.kind

    @property
    def base(self) -> str:
        """The conversation's address."""
        return addresses.conversation(None if self.group is None else self.group.slug, self.root.id)

    @property
    def takes_replies(self) -> bool:
        """Somebody may answer here."""
        if not self.root.is_visible or self.root.standing not in ("visible", "limited"):
            return False
        return not self.root.is_locked or (self.group is not None and self.group.moderates)

    @property
    def may_reply(self) -> bool:
        """The viewer may answer here."""
        return self.takes_replies and (self.group is None or may_write(self.group))

    @property
    def may_join(self) -> bool:
        """The viewer could answer here after joining the group."""
        group = self.group
        return (
            self.takes_replies
            and group is not None
            and not (may_write(group) or group.is_banned or group.is_waiting)
        )


async def _get_scene(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Scene:
    """Find the conversation in the address; raise `NotFound` for what this viewer may not read."""
    slug, number = request.path_params.get("slug"), row_id(request.path_params["post_id"])
    group = None if slug is None else await get_readable(pages, visit, conn, slug)
    root = None if number is None else await threads.find_post(conn, PostId(number), visit.actor_id)
    if root is None or root.group_id != (None if group is None else group.id):
        raise NotFound
    is_gone = root.is_root and root.standing in ("removed", "deleted")
    if not (root.is_visible or root.is_kept or is_gone):
        raise NotFound
    return Scene(group, root)


async def show_thread(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/t/{post_id}`: the whole conversation, flat, in the order it was written, thirty a page."""
    scene = await _get_scene(pages, request, visit, conn)
    root = scene.root
    if wants_activity(request.scope) and root.host is None and root.is_visible:
        return ap_redirect(root.uri)
    if not root.is_root:
        slug = None if scene.group is None else scene.group.slug
        return see_other(addresses.conversation(slug, root.root_id, root.id))
    after = row_id(request.query_params.get("after", "")) or 0
    found = await threads.list_replies(conn, root.id, visit.actor_id, after)
    if not (root.is_visible or root.is_kept or found):
        raise NotFound
    return _thread_page(pages, visit, scene, found, after)


def _thread_page(pages: Pages, visit: Visit, scene: Scene, found: Sequence[PostView], after: int) -> Response:
    group, root, replies = scene.group, scene.root, found[: threads.PAGE]
    shown = {post.id: post for post in replies if post.is_visible}
    heading = heading_of(root)
    return pages.page(
        visit,
        "threads/thread.html",
        title=title_for(visit, group, "Conversation", heading),
        group=group,
        root=root,
        heading=heading,
        replies=replies,
        after=after,
        base=scene.base,
        next_after=replies[-1].id if len(found) > threads.PAGE else 0,
        quotes={p.id: shown[p.parent_id] for p in replies if p.parent_id in shown},
        undo=undoable(pages, visit, scene.kind, [root, *replies]),
        may_reply=visit.viewer is not None and scene.may_reply,
        may_join=visit.viewer is not None and scene.may_join,
        moderates=group is not None
        and visit.viewer is not None
        and (group.moderates or visit.viewer.person.is_staff),
        moderator_ids=group.moderator_ids if group else [],
        audience=replying_audience(group),
        elsewhere=words.REPLY_ELSEWHERE if root.host else "",
        draft=Draft(body=""),
    )


def heading_of(root: PostView) -> str:
    """Return a conversation's heading: its title, its content note, or how it begins."""
    if not (root.is_visible or root.is_kept):
        return "A conversation"
    return root.title or (f"Content note: {root.warning}" if root.warning else beginning(root.excerpt))


def undoable(pages: Pages, visit: Visit, kind: GroupKind, posts: Sequence[PostView]) -> dict[PostId, str]:
    """Return, for the viewer's own posts that have not left yet, the time of day when they do."""
    instance, now = pages.deps.instance, pages.deps.db.now()
    if kind != "open" or instance.federation == "off" or visit.viewer is None:
        return {}
    return {
        post.id: words.clock(post.published_at + instance.undo_for)
        for post in posts
        if post.author_id == visit.actor_id
        and post.standing == "visible"
        and post.published_at + instance.undo_for > now
    }


async def show_reply(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/t/{post_id}/reply?to=`: the reply form, with the post it answers below it."""
    scene = await _get_scene(pages, request, visit, conn)
    _ = visit.person
    answers = await _answered(conn, visit, scene, request.query_params.get("to", ""))
    if not answers.is_visible:
        raise NotFound
    return _reply_page(pages, visit, scene, answers, Draft(body=""))


async def _answered(conn: Conn, visit: Visit, scene: Scene, to: str) -> PostView:
    """Return the post of this conversation that is being answered: the one named, or the first."""
    number = row_id(to)
    if number is None or number == scene.root.id:
        return scene.root
    post = await threads.find_post(conn, PostId(number), visit.actor_id)
    if post is None or not post.is_visible or post.root_id != scene.root.root_id:
        raise NotFound
    return post


def _reply_page(
    pages: Pages,
    visit: Visit,
    scene: Scene,
    answers: PostView,
    draft: Draft,
    *,
    error: AppError | None = None,
) -> Response:
    problem = problem_of(error)
    return pages.page(
        visit,
        "threads/reply.html",
        title="Reply",
        status=problem.status,
        group=scene.group,
        base=scene.base,
        answers=answers,
        draft=draft,
        errors=problem.fixes,
        problem=problem.sentence,
        audience=replying_audience(scene.group),
        elsewhere=words.REPLY_ELSEWHERE if answers.host else "",
    )


async def reply(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Post a reply; whatever stands against it, the words stay in the form."""
    person = visit.person
    async with pages.deps.db.connection() as conn:
        scene = await _get_scene(pages, request, visit, conn)
        answers = await _answered(conn, visit, scene, form.text("to"))
    draft = draft_of(form, scene.kind, parent_id=answers.id, language=scene.root.language)
    if form.ticked("look"):
        return _reply_page(pages, visit, scene, answers, draft)
    if (
        not scene.may_reply
        and scene.group is not None
        and not scene.group.is_member
        and not scene.group.is_banned
    ):
        return (
            see_other(f"/g/{scene.group.slug}/join")
            if not draft.body.strip()
            else _reply_page(pages, visit, scene, answers, draft, error=Invalid({"body": "not_a_member"}))
        )
    try:
        done = await posting.publish(
            pages.deps.db, pages.deps.instance, person, draft, idempotency_key=once_for(form)
        )
    except AppError as error:
        return _reply_page(pages, visit, scene, answers, draft, error=error)
    slug = None if scene.group is None else scene.group.slug
    return see_other(addresses.conversation(slug, scene.root.root_id, done.post_id))
