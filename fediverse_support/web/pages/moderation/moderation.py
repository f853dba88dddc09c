"""What waits for a moderator: held posts, reports, and people who ask to join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.accounts import requests
from fediverse_support.actions.moderation import deciding, moderating
from fediverse_support.actions.people import following
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import Conflict, NotFound
from fediverse_support.domain.ids import AccountId, FollowId, MessageId, PostId, ReportId
from fediverse_support.reads.moderation import moderation
from fediverse_support.reads.moderation.moderation import (
    Asking,
    HeldPost,
    Message,
    Newcomer,
    OpenReport,
    ReportedPost,
    Waiting,
)
from fediverse_support.reads.posts import threads
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.groups import invitation_address
from fediverse_support.web.pages.navigation import has_a_desk
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import reasons, sentences

MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskView(View):
    """A moderator's page; `waiting` says what waits on each of them."""

    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView(DeskView):
    """Posts that wait; `cannot_appear` says why some may only be refused."""

    held: Sequence[HeldPost]
    cannot_appear: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsView(DeskView):
    """Open reports with the posts they name; `reasons` say what each is about."""

    reports: Sequence[OpenReport]
    posts: Sequence[ReportedPost]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesView(DeskView):
    """What was written to a group and not for everybody."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Invitation:
    """A group that is not listed, with the address to join it by."""

    title: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersView(DeskView):
    """People who ask to join groups and for accounts, and addresses to invite others with."""

    askings: Sequence[Asking]
    newcomers: Sequence[Newcomer]
    invitations: Sequence[Invitation]


def _check_way_in(visit: Visit) -> None:
    """Raise `NotFound` for members who moderate nothing: these pages do not exist for them."""
    _ = visit.person
    if not has_a_desk(visit.viewer):
        raise NotFound


def _number(request: Request) -> int:
    number = row_id(request.path_params["number"])
    if number is None:
        raise NotFound
    return number


async def show_held(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/mod/held`: posts that wait, covered until opened."""
    _check_way_in(visit)
    held = await moderation.list_held(conn, visit.person, pages.deps.db.now())
    waiting = await moderation.find_waiting(conn, visit.person)
    return pages.page(
        visit,
        "moderation/held.html",
        HeldView(
            held=held,
            waiting=waiting,
            cannot_appear=reasons.REASONS["cannot_appear"],
        ),
    )


async def decide_held(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Let a held post appear, or keep it hidden."""
    _check_way_in(visit)
    deps, post_id, decision = pages.deps, PostId(_number(request)), form.text("decision")
    try:
        if decision == "approve":
            await moderating.approve_post(deps.db, deps.instance, visit.person, post_id)
        elif decision == "refuse":
            reason = form.line("reason")[:MAX_REASON]
            await moderating.refuse_post(deps.db, deps.instance, visit.person, post_id, reason=reason)
        else:
            raise NotFound
    except Conflict as error:
        return pages.kept(visit, form, 409, reasons.sentence_for((error.code,)))
    return see_other("/mod/held?done=" + ("approved" if decision == "approve" else "refused"))


async def show_reports(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/mod/reports`: open reports with the posts they name, covered until opened."""
    _check_way_in(visit)
    reports = await moderation.list_reports(conn, visit.person)
    named = sorted({post_id for report in reports for post_id in report.post_ids})
    return pages.page(
        visit,
        "moderation/reports.html",
        ReportsView(
            reports=reports,
            waiting=await moderation.find_waiting(conn, visit.person),
            reasons=sentences.REPORTED,
            posts=await moderation.list_reported(conn, visit.person, named),
        ),
    )


async def close_report(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Close a report."""
    _check_way_in(visit)
    await moderating.resolve_report(pages.deps.db, visit.person, ReportId(_number(request)))
    return see_other("/mod/reports?done=closed")


async def show_messages(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/mod/messages`: what was written to a group and not for everybody, covered until opened."""
    _check_way_in(visit)
    found = await moderation.list_messages(conn, visit.person)
    waiting = await moderation.find_waiting(conn, visit.person)
    return pages.page(
        visit,
        "moderation/messages.html",
        MessagesView(
            messages=found,
            waiting=waiting,
        ),
    )


async def finish_message(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Mark a message as done."""
    _check_way_in(visit)
    await deciding.finish_message(pages.deps.db, visit.person, MessageId(_number(request)))
    return see_other("/mod/messages?done=message-done")


async def show_members(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/mod/members`: people who ask to join, and addresses to invite others with."""
    _check_way_in(visit)
    moderated = await moderation.list_moderated(conn, visit.person.actor_id)
    invitations = [
        Invitation(group.title, invitation_address(pages, group.id, group.name))
        for group in moderated
        if group.kind in ("home", "circle")
    ]
    askings = await moderation.list_asking(conn, visit.person)
    newcomers = await moderation.list_newcomers(conn, visit.person)
    return pages.page(
        visit,
        "moderation/members.html",
        MembersView(
            askings=askings,
            waiting=await moderation.find_waiting(conn, visit.person),
            newcomers=newcomers,
            invitations=invitations,
        ),
    )


async def decide_member(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Let somebody in, or not now."""
    _check_way_in(visit)
    deps, decision = pages.deps, form.text("decision")
    if decision not in ("accept", "decline"):
        raise NotFound
    accept = decision == "accept"
    await following.decide_member(
        deps.db, deps.instance, visit.person, FollowId(_number(request)), accept=accept
    )
    return see_other("/mod/members?done=" + ("let-in" if accept else "not-let-in"))


async def decide_account(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Open somebody's account here, or not."""
    _check_way_in(visit)
    decision = form.text("decision")
    if decision not in ("accept", "decline"):
        raise NotFound
    accept = decision == "accept"
    try:
        await requests.decide_account(pages.deps.db, visit.person, AccountId(_number(request)), accept=accept)
    except Conflict:
        return pages.kept(visit, form, 409, reasons.REASONS["decided_already"])
    return see_other("/mod/members?done=" + ("let-in" if accept else "not-let-in"))


async def pause(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Let a conversation rest, or go on."""
    person, deps, number = visit.person, pages.deps, row_id(request.path_params["post_id"])
    async with deps.db.connection() as conn:
        post = None if number is None else await threads.find_post(conn, PostId(number), visit.readers)
    decision = form.text("decision")
    if post is None or not post.is_visible or decision not in ("pause", "go-on"):
        raise NotFound
    try:
        if decision == "pause":
            told = form.line("told")[:MAX_REASON]
            await deciding.pause(deps.db, deps.instance, person, post.root_id, told=told)
        else:
            await deciding.go_on(deps.db, deps.instance, person, post.root_id)
    except Conflict:
        return pages.kept(visit, form, 409, reasons.REASONS["done_already"])
    done = "paused" if decision == "pause" else "goes-on"
    return see_other(addresses.conversation(post.group_slug, post.root_id, done=done))
