"""Writing, editing, removing and reporting a post."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, cast

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.moderation import moderating, reporting
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import AppError, Invalid, NotAllowed, NotFound, RateLimited
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.moderation import ReportReason
from fediverse_support.domain.posts import MAX_BODY, Draft
from fediverse_support.policy import access
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.posts import threads
from fediverse_support.reads.posts.threads import PostView
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import CHOICES, Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.groups import get_readable, must_join
from fediverse_support.web.pages.places import group_of, landing, reach_of
from fediverse_support.web.pages.posts.views import (
    EditView,
    RemovedView,
    RemoveView,
    StartView,
    TakeDownView,
    TellUsView,
)
from fediverse_support.web.pages.views import Fixes
from fediverse_support.web.words import reasons, sentences

MAX_REASON: Final = moderating.MAX_REASON


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form comes back: a status, a sentence above it, and what to fix per field."""

    status: int = 200
    sentence: str = ""
    fixes: Fixes = field(default_factory=dict)


def problem_of(error: AppError | None) -> Problem:
    """Return what to say over a form that was refused."""
    match error:
        case None:
            return Problem()
        case Invalid(fields=fields):
            return Problem(400, "", {name: reasons.fix_for(name, code) for name, code in fields.items()})
        case RateLimited(after=after):
            return Problem(429, sentences.please_wait(after, has_words=True))
        case NotFound():
            return Problem(404, sentences.ANSWERS_NOTHING)
        case NotAllowed(reasons=why, code=code):
            return Problem(403, reasons.sentence_for((*why, code)))
        case _:
            return Problem(409, reasons.sentence_for((error.code,)))


def draft_of(
    form: Form,
    *,
    group: GroupView | None = None,
    parent_id: PostId | None = None,
    language: str = "und",
) -> Draft:
    """Return what a form says; who reads it is decided by where it goes."""
    return Draft(
        body=form.text("body"),
        title=form.line("title"),
        warning=form.line("warning"),
        group_id=None if group is None else group.id,
        parent_id=parent_id,
        language=language,
        sensitive=bool(form.line("warning")),
    )


def once_for(form: Form) -> str | None:
    """Return the key that makes a form sent twice post once.

    It holds what was typed: other words, sent from a page that somebody went back to, are another post.
    """
    once = form.text("once")
    if not (8 <= len(once) <= 64 and once.isascii()):
        return None
    typed = "\0".join(form.text(name) for name in ("title", "body", "warning", "to"))
    return f"page:{once}:{hashlib.sha256(typed.encode()).hexdigest()}"


async def _get_own(conn: Conn, request: Request, visit: Visit) -> PostView:
    """Return the post in the address if the viewer wrote it; raise `NotFound` otherwise.

    Raises `NotAllowed` for one that a moderator took out: it can be removed and sent again, not changed.
    """
    post = await get_mine(conn, request, visit)
    if post.is_kept:
        raise NotAllowed(reasons=("removed",))
    return post


async def get_mine(conn: Conn, request: Request, visit: Visit) -> PostView:
    """Return the post in the address if the viewer wrote it, also when a moderator took it out."""
    _, number = visit.person, row_id(request.path_params["post_id"])
    post = None if number is None else await threads.find_post(conn, PostId(number), visit.readers)
    if post is None or not (post.is_visible or post.is_kept):
        raise NotFound
    if not access.may_remove(post, is_author=post.author_id in visit.readers):
        raise NotFound
    return post


async def _get_readable_post(conn: Conn, request: Request, visit: Visit) -> PostView:
    """Return the post in the address if a signed-in viewer may read it; raise `NotFound` otherwise."""
    _, number = visit.person, row_id(request.path_params["post_id"])
    post = None if number is None else await threads.find_post(conn, PostId(number), visit.readers)
    if post is None or not post.is_visible:
        raise NotFound
    return post


def may_moderate(visit: Visit, group: GroupView | None) -> bool:
    """Say whether the viewer decides about what is in this group, or outside of groups."""
    return visit.viewer is not None and access.may_moderate(
        None if group is None else group.kind,
        is_moderator=group is not None and group.is_moderator,
        roles=visit.viewer.person.roles,
    )


def _back_to(post: PostView) -> str:
    return addresses.post(post.id)


async def show_write(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/write`: the composer."""
    group = await get_readable(pages, visit, conn, request.path_params["slug"])
    visit = await visit.acting_in(conn, group.id)
    if not access.may_start(group):
        there = addresses.group(group.slug)
        return see_other(f"{there}/join" if must_join(group) else there)
    return _write_page(pages, visit, group, Draft(body=""))


def _write_page(
    pages: Pages, visit: Visit, group: GroupView, draft: Draft, error: AppError | None = None
) -> Response:
    problem = problem_of(error)
    return pages.page(
        visit,
        "posts/write.html",
        StartView(
            group=group,
            draft=draft,
            errors=problem.fixes,
            problem=sentences.shut_out(group.host) if error and group.is_banned else problem.sentence,
            reach=reach_of(group),
            you=visit.you,
            first_posts_held=visit.house.newcomer_posts_held > 0,
        ),
        status=problem.status,
    )


async def write(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Start a conversation; whatever stands against it, the words stay in the form."""
    async with pages.deps.db.connection() as conn:
        group = await get_readable(pages, visit, conn, request.path_params["slug"])
        visit = await visit.acting_in(conn, group.id)
    draft = draft_of(form, group=group, language=group.language)
    if form.ticked("look"):
        return _write_page(pages, visit, group, draft)
    try:
        if not access.may_start(group):
            raise NotAllowed(code="not_a_member" if not access.has_joined(group) else "posting_restricted")
        done = await posting.publish(
            pages.deps.db, pages.deps.instance, visit.person, draft, idempotency_key=once_for(form)
        )
    except AppError as error:
        return _write_page(pages, visit, group, draft, error)
    return see_other(addresses.conversation(group.slug, done.post_id, done.post_id))


async def show_edit(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/edit`: what the author typed, to change."""
    post = await get_mine(conn, request, visit)
    if post.is_kept:
        return see_other(f"/post/{post.id}/again")
    group = await group_of(pages, visit, conn, post)
    if not access.may_edit(group, post, is_author=True):
        raise NotAllowed(reasons=("banned_from_group",))
    draft = Draft(body=post.body_source or post.excerpt, title=post.title, warning=post.warning)
    return _edit_page(pages, visit.acting_as(post.author_id), post, group, draft)


def _edit_page(
    pages: Pages,
    visit: Visit,
    post: PostView,
    group: GroupView | None,
    draft: Draft,
    *,
    error: AppError | None = None,
) -> Response:
    problem = problem_of(error)
    return pages.page(
        visit,
        "posts/edit.html",
        EditView(
            post=post,
            group=group,
            draft=draft,
            errors=problem.fixes,
            problem=problem.sentence,
            reach=reach_of(group, post.audience),
            you=visit.you,
            back=_back_to(post),
        ),
        status=problem.status,
    )


async def edit(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Change a post of one's own."""
    async with pages.deps.db.connection() as conn:
        post = await _get_own(conn, request, visit)
        group = await group_of(pages, visit, conn, post)
    visit = visit.acting_as(post.author_id)
    draft = draft_of(
        form, group=group if post.is_root else None, parent_id=post.parent_id, language=post.language
    )
    if form.ticked("look"):
        return _edit_page(pages, visit, post, group, draft)
    try:
        await posting.edit(pages.deps.db, pages.deps.instance, visit.person, post.id, draft)
    except AppError as error:
        return _edit_page(pages, visit, post, group, draft, error=error)
    return see_other(await landing(pages, visit, post.id, done="saved"))


async def show_remove(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/remove`: what removing means, before it happens."""
    post = await get_mine(conn, request, visit)
    group = await group_of(pages, visit, conn, post)
    federates = group is None or group.kind == "open" or group.host is not None
    leaves_at = post.published_at + visit.house.undo_for
    return pages.page(
        visit,
        "posts/remove.html",
        RemoveView(
            post=post,
            back=addresses.decision(post.id) if post.is_kept else _back_to(post),
            federates=federates,
            not_left=federates
            and not post.is_kept
            and (post.standing == "held" or leaves_at > pages.deps.db.now()),
        ),
    )


async def remove(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Delete a post of one's own."""
    async with pages.deps.db.connection() as conn:
        post = await get_mine(conn, request, visit)
    author = visit.acting_as(post.author_id).person
    await posting.delete(pages.deps.db, pages.deps.instance, author, post.id)
    return see_other(f"/post/{post.id}/removed")


async def show_removed(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/removed`: the truth about copies, for the author; it changes as servers answer."""
    _, number = visit.person, row_id(request.path_params["post_id"])
    copies = None if number is None else await threads.find_copies(conn, PostId(number), visit.readers)
    if copies is None:
        raise NotFound
    sentence = sentences.removal(copies.federates, copies.asked, copies.answered)
    return pages.page(
        visit,
        "posts/removed.html",
        RemovedView(
            sentence=sentence,
        ),
    )


async def show_tell_us(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/tell-us`: two doors, worry and rules, and a few more."""
    post = await _get_readable_post(conn, request, visit)
    return _tell_page(pages, visit, post)


def _tell_page(
    pages: Pages,
    visit: Visit,
    post: PostView,
    *,
    reason: str = "",
    body: str = "",
    error: AppError | None = None,
) -> Response:
    problem = problem_of(error)
    return pages.page(
        visit,
        "posts/tell_us.html",
        TellUsView(
            post=post,
            reason=reason,
            body=body,
            errors=problem.fixes,
            back=_back_to(post),
        ),
        status=problem.status,
    )


async def tell_us(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Report a post to people."""
    reason, body = form.text("reason"), form.text("body")
    async with pages.deps.db.connection() as conn:
        post = await _get_readable_post(conn, request, visit)
        visit = await visit.acting_on(conn, post.id)
    if form.ticked("look"):
        return _tell_page(pages, visit, post, reason=reason, body=body)
    try:
        if reason not in CHOICES["reason"]:
            raise Invalid({"reason": "required"})
        if len(body) > MAX_BODY:
            raise Invalid({"body": "too_long"})
        await reporting.report(
            pages.deps.db,
            pages.deps.instance,
            visit.person,
            target_id=post.author_id,
            post_ids=(post.id,),
            reason=cast(ReportReason, reason),
            body=body,
        )
    except Invalid as error:
        return _tell_page(pages, visit, post, reason=reason, body=body, error=error)
    return see_other(addresses.conversation(post.group_slug, post.root_id, done="told"))


async def show_take_down(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/post/{post_id}/take-down`: for moderators, what it means before it happens."""
    post = await _get_judged(pages, request, visit, conn)
    return _take_down_page(pages, visit, post, Form({}))


async def _get_judged(pages: Pages, request: Request, visit: Visit, conn: Conn) -> PostView:
    """Return the post in the address if the viewer may take it down; raise `NotFound` otherwise."""
    post = await _get_readable_post(conn, request, visit)
    group = await group_of(pages, visit, conn, post)
    if not may_moderate(visit, group):
        raise NotFound
    return post


def _take_down_page(pages: Pages, visit: Visit, post: PostView, form: Form) -> Response:
    return pages.page(
        visit,
        "posts/take_down.html",
        TakeDownView(
            post=post,
            told=form.text("told"),
            reason=form.text("reason"),
            back=_back_to(post),
        ),
    )


async def take_down(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Hide somebody's post as a moderator."""
    person = visit.person
    async with pages.deps.db.connection() as conn:
        post = await _get_judged(pages, request, visit, conn)
    if form.ticked("look"):
        return _take_down_page(pages, visit, post, form)
    told, reason = form.line("told")[:MAX_REASON], form.line("reason")[:MAX_REASON]
    await moderating.remove_post(
        pages.deps.db, pages.deps.instance, person, post.id, reason=reason, told=told
    )
    slug = post.group_slug
    return see_other(addresses.group(slug, done="taken-down") if slug else "/home?done=taken-down")
