"""A conversation, and replying in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from federation.uris import Host, Uri
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.errors import AppError, NotFound
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.policy import access
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.posts import threads
from fediverse_support.reads.posts.threads import PauseView, PostView, QuotedView
from fediverse_support.web.negotiation import ap_redirect, wants_activity
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.engine import beginning
from fediverse_support.web.pages.forms import Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.groups import get_group, may_join, must_join, title_for
from fediverse_support.web.pages.places import address_of, as_written, group_of, landing, reach_of
from fediverse_support.web.pages.posts.decisions import list_again
from fediverse_support.web.pages.posts.posts import (
    draft_of,
    may_moderate,
    once_for,
    problem_of,
)
from fediverse_support.web.pages.posts.views import First, PostLine, Quote, ReplyView, ThreadView
from fediverse_support.web.words import reasons, sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One page of a conversation: its replies, and whether there are more before and after them."""

    replies: Sequence[PostView]
    after: int
    has_more: bool
    earlier: str | None
    quotes: dict[PostId, Quote]
    pause: PauseView | None
    deciders: dict[PostId, Host]
    again: set[PostId]


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
    def is_open(self) -> bool:
        """The viewer may read along; else they find only what they wrote themselves."""
        return self.group is None or self.group.is_readable

    @property
    def slug(self) -> str | None:
        """The name in its group's address, or None outside of groups."""
        return None if self.group is None else self.group.slug

    @property
    def base(self) -> str:
        """The conversation's address."""
        return addresses.conversation(self.slug, self.root.id)

    @property
    def may_reply(self) -> bool:
        """The viewer may answer here."""
        return self.is_open and self.root.is_visible and access.may_answer(self.group, self.root)

    @property
    def may_join(self) -> bool:
        """The viewer could answer here after joining the group."""
        is_shown = self.is_open and self.root.is_visible and self.root.standing in ("visible", "limited")
        return is_shown and not self.root.is_locked and self.group is not None and must_join(self.group)

    @property
    def refusal(self) -> str:
        """Why the viewer may not answer here, in words; empty where they may."""
        group = self.group
        if self.may_reply:
            return ""
        if group is not None and group.is_banned:
            return sentences.shut_out(group.host)
        if self.is_open and self.root.is_locked:
            return sentences.paused(self.host)
        if group is not None and group.is_waiting:
            return sentences.waiting(group.host)
        is_outside = group is not None and not access.has_joined(group)
        return reasons.REASONS["not_a_member"] if is_outside else sentences.TAKES_NO_REPLIES

    @property
    def host(self) -> Host | None:
        """Where it is decided what becomes of the conversation; None for here."""
        return None if self.group is None else self.group.host


async def _get_scene(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Scene:
    """Find the conversation in the address; raise `NotFound` for what this viewer may not read.

    Whoever wrote in it finds it whatever became of the group and of the first post: their words are theirs.
    """
    slug, number = request.path_params.get("slug"), row_id(request.path_params["post_id"])
    group = None if slug is None else await get_group(pages, visit, conn, slug)
    if not visit.readers and group is not None and not group.is_readable:
        raise NotFound
    root = None if number is None else await threads.find_post(conn, PostId(number), visit.readers)
    if root is None or (group is not None and root.group_id != group.id):
        raise NotFound
    if group is None and await group_of(pages, visit, conn, root) is not None:
        raise NotFound
    scene = Scene(None if group is None else as_written(group, root, visit), root)
    is_gone = scene.is_open and root.is_root and root.standing in ("removed", "deleted")
    if not (root.is_visible or root.is_kept or is_gone or await _is_theirs(conn, visit, root)):
        raise NotFound
    return scene


async def _is_theirs(conn: Conn, visit: Visit, root: PostView) -> bool:
    """Say whether the viewer wrote in the conversation that this post opens."""
    return bool(visit.readers) and root.is_root and await threads.has_own(conn, root.id, visit.readers)


async def show_post(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}`: leads to the page of the conversation that the post stands on.

    Outside of groups, and where the group is gone, the conversation itself is at its first post's address.
    """
    number = row_id(request.path_params["post_id"])
    post = None if number is None else await threads.find_post(conn, PostId(number), visit.readers)
    if post is None:
        raise NotFound
    group = await group_of(pages, visit, conn, post)
    if post.is_root and group is None:
        return await show_thread(pages, request, visit, conn)
    if not (post.is_visible or post.is_kept):
        raise NotFound
    if wants_activity(request.scope) and post.host is None and post.is_visible:
        return ap_redirect(post.uri)
    return see_other(await address_of(conn, visit, group, post, visit.done or ""))


async def show_thread(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/t/{post_id}`: the whole conversation, flat, in the order it was written, thirty a page."""
    scene = await _get_scene(pages, request, visit, conn)
    root = scene.root
    if wants_activity(request.scope) and root.host is None and root.is_visible:
        return ap_redirect(root.uri)
    if not root.is_root:
        return see_other(await address_of(conn, visit, scene.group, root))
    after = row_id(request.query_params.get("after", "")) or 0
    found = await threads.list_replies(conn, root.id, visit.readers, after)
    if not (root.is_visible or root.is_kept or found):
        raise NotFound
    part = Part(
        replies=found[: threads.PAGE],
        after=after,
        has_more=len(found) > threads.PAGE,
        earlier=await _earlier(conn, visit, scene, found, after),
        quotes=await _quotes(conn, visit, scene, found[: threads.PAGE], after),
        pause=await threads.find_pause(conn, root.id) if root.is_locked and scene.is_open else None,
        deciders=await threads.list_deciders(conn, [p.id for p in (root, *found) if p.is_kept]),
        again=await list_again(conn, visit, scene.group, root, found) if scene.is_open else set(),
    )
    if scene.may_reply:
        visit = await visit.found_to_answer(conn, root.id)
    return _thread_page(pages, visit, scene, part)


async def _earlier(
    conn: Conn, visit: Visit, scene: Scene, found: Sequence[PostView], after: int
) -> str | None:
    """Return the address of the replies before those found; None at the beginning."""
    if not after:
        return None
    first = found[0].id if found else after + 1
    before = await threads.list_before(conn, scene.root.id, visit.readers, first)
    start = before[threads.PAGE] if len(before) > threads.PAGE else 0
    return addresses.conversation(scene.slug, scene.root.id, after=start)


async def _quotes(
    conn: Conn, visit: Visit, scene: Scene, replies: Sequence[PostView], after: int
) -> dict[PostId, Quote]:
    """Return what each reply answers: on this page, or where it is found, or that it is gone.

    Answers to the first post need no word of it where it stands above them.
    """
    root = scene.root
    asked = {post.parent_id for post in replies if post.is_visible and post.parent_id is not None}
    here = {post.id: Quote(f"#p{post.id}", post if post.is_visible else None) for post in replies}
    far = await threads.list_quoted(conn, sorted(asked - here.keys() - {root.id}), visit.readers)
    quotes = here | {number: _quote_from_far(scene, post) for number, post in far.items()}
    if after:
        quotes[root.id] = _first(scene)
    return {post.id: quotes[post.parent_id] for post in replies if post.parent_id in quotes}


def _first(scene: Scene) -> First:
    return First(f"{scene.base}#p{scene.root.id}", scene.root if scene.root.is_visible else None)


def _quote_from_far(scene: Scene, post: QuotedView) -> Quote:
    """Return what a reply answers on another page. What a moderator took out has a place still."""
    if not post.is_gone:
        return Quote(addresses.post(post.id), post)
    there = addresses.conversation(scene.slug, scene.root.id, post.id, after=post.id - 1)
    return Quote(there if post.standing == "removed" else None, None)


def _thread_page(pages: Pages, visit: Visit, scene: Scene, part: Part) -> Response:
    group, root, replies = scene.group, scene.root, part.replies
    heading = heading_of(root)
    undo = undoable(pages, visit, scene.kind, [root, *replies])
    is_first_shown = not part.after and (scene.is_open or root.is_visible or root.is_kept)
    return pages.page(
        visit,
        "threads/thread.html",
        ThreadView(
            title=title_for(visit, group, sentences.A_CONVERSATION, heading),
            document_uri=_document_uri(pages, visit, scene),
            group=group,
            root=root,
            heading=heading,
            is_said_below=is_first_shown and not root.title and (root.is_visible or root.is_kept),
            first=_line(visit, scene, part, root, undo) if is_first_shown else None,
            replies=[_line(visit, scene, part, post, undo) for post in replies],
            base=scene.base,
            is_open=scene.is_open,
            may_come_back=group is not None and group.standing == "left" and may_join(group),
            next_after=replies[-1].id if part.has_more else 0,
            earlier=part.earlier,
            may_reply=visit.acting is not None and scene.may_reply,
            may_join=visit.viewer is not None and scene.may_join,
            moderates=may_moderate(visit, group),
            refusal=scene.refusal,
            paused=sentences.paused(part.pause.host if part.pause else scene.host),
            why_paused=part.pause.reason if part.pause else "",
            answering=_first(scene) if part.after else None,
            reach=reach_of(group, root.audience, answers=root),
            you=visit.you,
            draft=Draft(body=""),
        ),
    )


def _line(
    visit: Visit, scene: Scene, part: Part, post: PostView, undo: Mapping[PostId, datetime]
) -> PostLine:
    """Return a post with what the viewer may do with it."""
    is_yours = post.author_id in visit.readers
    return PostLine(
        post=post,
        is_yours=is_yours,
        by_moderator=scene.group is not None and post.author_id in scene.group.moderator_ids,
        may_edit=access.may_edit(scene.group, post, is_author=is_yours),
        may_send_again=post.id in part.again,
        quote=part.quotes.get(post.id),
        undo_until=undo.get(post.id),
        decided=sentences.taken_out(part.deciders[post.id]) if post.id in part.deciders else None,
    )


def _document_uri(pages: Pages, visit: Visit, scene: Scene) -> Uri | None:
    """Return the id under which other servers fetch the first post: ours, public, and on its way already."""
    root = scene.root
    is_public = scene.kind == "open" and root.audience in ("public", "unlisted")
    has_left = root.published_at <= pages.deps.db.now() - visit.house.undo_for
    is_shown = root.is_visible and root.standing in ("visible", "limited")
    return root.uri if root.host is None and is_public and has_left and is_shown else None


def heading_of(root: PostView) -> str:
    """Return a conversation's heading: its title, its content note, how it begins, or what stands alone."""
    if not (root.is_visible or root.is_kept):
        return sentences.A_CONVERSATION_HIDDEN
    # Isolated (UAX #9), so that a note in another direction does not turn the words before it around.
    note = sentences.content_note(f"\u2068{root.warning}\u2069")
    if root.title or root.is_covered:
        return root.title or (note if root.warning else sentences.COVERED)
    if not root.excerpt and root.files:
        return sentences.named(root.files[0], short=True)
    return beginning(root.excerpt)


def undoable(
    pages: Pages, visit: Visit, kind: GroupKind, posts: Sequence[PostView]
) -> dict[PostId, datetime]:
    """Return, for the viewer's own posts that have not left yet, when they do."""
    house, now = visit.house, pages.deps.db.now()
    if kind != "open" or house.federation == "off" or visit.viewer is None:
        return {}
    return {
        post.id: post.published_at + house.undo_for
        for post in posts
        if post.author_id in visit.readers
        and post.standing == "visible"
        and post.published_at + house.undo_for > now
    }


async def show_reply(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/t/{post_id}/reply?to=`: the reply form and the post it answers, or why there is no form."""
    scene = await _get_scene(pages, request, visit, conn)
    _ = visit.person
    answers = await _answered(conn, visit, scene, request.query_params.get("to", ""))
    if not answers.is_visible or not scene.is_open:
        raise NotFound
    return _reply_page(pages, await visit.acting_on(conn, answers.id), scene, answers, Draft(body=""))


async def _answered(conn: Conn, visit: Visit, scene: Scene, to: str) -> PostView:
    """Return the post of this conversation that is being answered: the one named, or the first."""
    number = row_id(to)
    if number is None or number == scene.root.id:
        return scene.root
    post = await threads.find_post(conn, PostId(number), visit.readers)
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
        ReplyView(
            group=scene.group,
            base=scene.base,
            answers=answers,
            draft=draft,
            errors=problem.fixes,
            problem=problem.sentence,
            refusal=scene.refusal,
            may_join=scene.may_join,
            reach=reach_of(scene.group, answers.audience, answers=answers),
            you=visit.you,
        ),
        status=403 if scene.refusal else problem.status,
    )


async def reply(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Post a reply; whatever stands against it, the words stay in the form."""
    async with pages.deps.db.connection() as conn:
        scene = await _get_scene(pages, request, visit, conn)
        answers = await _answered(conn, visit, scene, form.text("to"))
        visit = await visit.acting_on(conn, answers.id)
    draft = draft_of(form, parent_id=answers.id, language=scene.root.language)
    if form.ticked("look"):
        return _reply_page(pages, visit, scene, answers, draft)
    if not scene.may_reply:
        if scene.group is not None and scene.may_join and not draft.body.strip():
            return see_other(f"/g/{scene.group.slug}/join")
        return _reply_page(pages, visit, scene, answers, draft)
    try:
        done = await posting.publish(
            pages.deps.db, pages.deps.instance, visit.person, draft, idempotency_key=once_for(form)
        )
    except AppError as error:
        return _reply_page(pages, visit, scene, answers, draft, error=error)
    return see_other(await landing(pages, visit, done.post_id))
