"""A group's page, joining it and leaving it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.people import following
from fediverse_support.db.pool import Conn
from fediverse_support.domain.audiences import widest_in
from fediverse_support.domain.errors import NotAllowed, NotFound
from fediverse_support.domain.ids import ActorId
from fediverse_support.policy import access
from fediverse_support.reads import groups
from fediverse_support.reads.groups import ConversationView, GroupView
from fediverse_support.web.negotiation import ap_redirect, wants_activity
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import audiences, reasons, sentences

NEWEST: Final = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)
INVITED_FOR: Final = 14 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPageView(View):
    """A group with a page of its conversations. `older` is the cursor of the next page, empty on the last;
    `older_page`: this is not the first. `shut_out` and `waiting` say how the viewer stands to it;
    `has_door`: a visitor can join it from their own server.
    """

    title: str
    group: GroupView
    conversations: Sequence[ConversationView]
    older: str
    older_page: bool
    shut_out: str
    waiting: str
    may_start: bool
    may_join: bool
    has_door: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinView(View):
    """A group's door: who will see what. `invite` is the invitation that was brought
    along, or nothing; `you` is the name that the group will see."""

    group: GroupView
    invite: str
    audience: str
    elsewhere: str
    you: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveView(View):
    """What leaving a group means."""

    group: GroupView


async def get_group(pages: Pages, visit: Visit, conn: Conn, slug: str) -> GroupView:
    """Return the group of this name, readable or not; raise `NotFound` when there is none."""
    slug = slug[:200].lower().removesuffix(f"@{pages.deps.instance.host}")
    group = await groups.find_group(conn, slug, visit.readers, pages.deps.db.now())
    if group is None:
        raise NotFound
    return group


async def get_readable(pages: Pages, visit: Visit, conn: Conn, slug: str) -> GroupView:
    """Return a group that this viewer may read; for all others the name never existed."""
    group = await get_group(pages, visit, conn, slug)
    if not group.is_readable:
        raise NotFound
    return group


def may_join(group: GroupView, *, knows_it: bool = True) -> bool:
    """Say whether the viewer may join, or ask to; `knows_it`: they may read it, or have an invitation."""
    return access.may_join(group, is_waiting=group.is_waiting, knows_it=knows_it)


def must_join(group: GroupView) -> bool:
    """Say whether the viewer may not write here, but could after joining."""
    return may_join(group) and not access.has_joined(group)


def can_be_joined_from_elsewhere(visit: Visit, group: GroupView) -> bool:
    """Say whether people of other servers can follow this group at all."""
    return group.kind == "open" and group.is_local and visit.house.federation != "off"


def title_for(visit: Visit, group: GroupView | None, kind: str, own: str) -> str:
    """Name the kind of page; only what anybody may read is named in full, and only to visitors."""
    return own if visit.viewer is None and group is not None and group.kind == "open" else kind


async def show_group(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}`: what the group is, and its conversations, latest reply first, twenty a page."""
    group = await get_readable(pages, visit, conn, request.path_params["slug"])
    if wants_activity(request.scope) and group.host is None:
        return ap_redirect(group.uri)
    before = _before(request.query_params.get("before", ""))
    found = await groups.list_conversations(conn, group.id, visit.readers, before)
    page = found[: groups.PAGE]
    return pages.page(
        visit,
        "groups/group.html",
        GroupPageView(
            title=title_for(visit, group, sentences.A_GROUP, group.title),
            document_uri=group.uri if group.host is None and group.kind == "open" else None,
            group=group,
            conversations=page,
            older=_cursor(page[-1]) if len(found) > groups.PAGE else "",
            older_page=before != NEWEST,
            shut_out=sentences.shut_out(group.host),
            waiting=sentences.waiting(group.host),
            may_start=access.may_start(group),
            may_join=may_join(group),
            has_door=visit.viewer is None and can_be_joined_from_elsewhere(visit, group),
        ),
    )


def _cursor(last: ConversationView) -> str:
    return f"{int(last.active_at.timestamp() * 1_000_000)}-{last.id}"


def _before(cursor: str) -> tuple[datetime, int]:
    """Read where a page of older conversations begins; anything else is the newest page."""
    moment, _, last = cursor.partition("-")
    at, number = row_id(moment), row_id(last)
    if at is None or number is None or at > 10**17:
        return NEWEST
    return datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000), number


def _serializer(pages: Pages) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(pages.deps.secret, salt="invitation")


def invitation_address(pages: Pages, group_id: ActorId, slug: str) -> str:
    """Return the address of an unlisted group's door, for somebody with an account; good for 14 days."""
    return f"{pages.deps.instance.base_url}/g/{slug}/join?invite={_serializer(pages).dumps(group_id)}"


def _is_invited(pages: Pages, group: GroupView, invite: str) -> bool:
    try:
        return bool(_serializer(pages).loads(invite[:200], max_age=INVITED_FOR) == group.id)
    except BadSignature:
        return False


async def _get_door(pages: Pages, visit: Visit, conn: Conn, slug: str, invite: str) -> GroupView:
    group = await get_group(pages, visit, conn, slug)
    came_before = group.is_waiting or group.standing == "left"
    if not (group.is_readable or came_before or _is_invited(pages, group, invite)):
        raise NotFound
    return group


async def show_join(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/join`: who will see what, before the button."""
    invite = request.query_params.get("invite", "")
    group = await _get_door(pages, visit, conn, request.path_params["slug"], invite)
    _ = visit.person
    if group.is_member:
        return see_other(addresses.group(group.slug))
    if group.is_waiting:
        return see_other("/home")
    if not may_join(group):
        raise NotAllowed(reasons=("banned_from_group",))
    return _join_page(pages, await visit.acting_in(conn, group.id), group, invite)


def _join_page(
    pages: Pages, visit: Visit, group: GroupView, invite: str, errors: dict[str, str] | None = None
) -> Response:
    return pages.page(
        visit,
        "groups/join.html",
        JoinView(
            group=group,
            invite=invite,
            audience=audiences.reach(
                group.kind, widest_in(group.kind), servers=group.copies_to, host=group.host
            ).sentence,
            elsewhere=audiences.GROUP_ELSEWHERE,
            you=visit.you,
            errors=errors or {},
        ),
        status=400 if errors else 200,
    )


async def join(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Join, or ask to."""
    invite = form.text("invite")
    async with pages.deps.db.connection() as conn:
        group = await _get_door(pages, visit, conn, request.path_params["slug"], invite)
        visit = await visit.acting_in(conn, group.id)
    if group.kind in ("open", "circle") and not form.ticked("copies"):
        return _join_page(pages, visit, group, invite, {"copies": reasons.fix_for("copies", "required")})
    deps, is_invited = pages.deps, _is_invited(pages, group, invite)
    standing = await following.follow(deps.db, deps.instance, visit.person, group.id, is_invited=is_invited)
    if standing == "accepted":
        return see_other(addresses.group(group.slug, done="joined"))
    return see_other(addresses.group(group.slug, done="asked") if group.is_readable else "/home?done=asked")


async def show_leave(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/leave`: what leaving means."""
    group = await get_readable(pages, visit, conn, request.path_params["slug"])
    _ = visit.person
    if not group.is_member:
        return see_other(addresses.group(group.slug))
    return pages.page(
        visit,
        "groups/leave.html",
        LeaveView(
            group=group,
        ),
    )


async def leave(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Leave quietly."""
    async with pages.deps.db.connection() as conn:
        group = await get_readable(pages, visit, conn, request.path_params["slug"])
        visit = await visit.acting_in(conn, group.id)
    await following.unfollow(pages.deps.db, pages.deps.instance, visit.person, group.id)
    return see_other("/home?done=left")
