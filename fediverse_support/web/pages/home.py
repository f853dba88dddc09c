"""The front page, the directory, a member's own page, and profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from federation.uris import Host
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.house import KEYS
from fediverse_support.reads import groups
from fediverse_support.reads.groups import ListedGroup
from fediverse_support.reads.moderation import moderation
from fediverse_support.reads.people import people
from fediverse_support.reads.people.people import ProfileView, WrittenView
from fediverse_support.reads.posts import home
from fediverse_support.reads.posts.home import AboutYou, JoinedGroup
from fediverse_support.web.negotiation import ap_redirect, wants_activity
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.navigation import has_a_desk
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import sentences

MAX_ID: Final = 2**63 - 1
NEWS_FOR: Final = timedelta(days=7)
ABOUT_YOU_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsView(View):
    """The groups that the viewer may look at, A to Z."""

    groups: Sequence[ListedGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontView(GroupsView):
    """The same for a visitor, with what the house says of itself; empty where it has not."""

    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutLine:
    """Something that concerns only the viewer: what happened, the reason a group gave, and where it leads."""

    words: str
    reason: str
    address: str | None
    group_title: str | None
    group_host: Host | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView(View):
    """A member's own page. `waiting_at` is where something waits for the team, None where nothing does."""

    groups: Sequence[JoinedGroup]
    about_you: Sequence[AboutLine]
    has_earlier: bool
    is_everything: bool
    waiting_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierView(View):
    """What concerned the viewer before; `earlier` is where the next page begins, None on the last."""

    about_you: Sequence[AboutLine]
    earlier: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePageView(View):
    """A person with what they wrote; `older` is where the next page begins, 0 on the last."""

    profile: ProfileView
    written: Sequence[WrittenView]
    older: int
    older_page: bool
    is_you: bool


async def show_front(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/`: what this is, for visitors; members go on to their groups."""
    if wants_activity(request.scope):
        return ap_redirect(pages.deps.instance.actor_uri)
    if visit.viewer is not None:
        return see_other("/home")
    listed = await groups.list_groups(conn, ())
    chosen = visit.house.summary if visit.house.summary != KEYS["summary"].default else ""
    return pages.page(visit, "home/front.html", FrontView(groups=listed, summary=chosen))


async def show_find(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/find`: the groups this viewer may look at, A to Z."""
    listed = await groups.list_groups(conn, visit.readers)
    return pages.page(
        visit,
        "home/find.html",
        GroupsView(
            groups=listed,
        ),
    )


async def show_home(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/home`: what is new in the member's groups, and what concerns only them."""
    person, now = visit.person, pages.deps.db.now()
    joined = await home.list_joined(conn, visit.readers, now - NEWS_FOR)
    about = await home.list_about_you(conn, person.account_id, visit.readers, now - ABOUT_YOU_FOR)
    decided = [item for item in about if item.kind in home.DECISIONS]
    answers = [item for item in about if item.kind in home.ANSWERS]
    liked = [item for item in about if item.kind in home.LIKES]
    shown = decided[: home.MOST_DECISIONS] + answers[: home.MOST_ANSWERS] + liked[: home.MOST_LIKES]
    has_earlier = len(shown) < len(about)
    waiting = await moderation.find_waiting(conn, person) if has_a_desk(visit.viewer) else None
    return pages.page(
        visit,
        "home/home.html",
        HomeView(
            groups=joined,
            about_you=[_line(item, now) for item in shown],
            has_earlier=has_earlier,
            is_everything=not has_earlier and not any(group.has_more for group in joined),
            waiting_at=None if waiting is None else _waiting_at(waiting),
        ),
    )


def _waiting_at(waiting: moderation.Waiting) -> str | None:
    """Return the page where something waits: what may be about somebody in need first."""
    tabs = (
        ("messages", waiting.messages),
        ("reports", waiting.reports),
        ("held", waiting.posts),
        ("members", waiting.people),
    )
    return next((f"/mod/{name}" for name, waits in tabs if waits), None)


async def show_earlier(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/home/earlier?before=`: everything that concerned only this member in thirty days, twenty a page."""
    person, now = visit.person, pages.deps.db.now()
    before = row_id(request.query_params.get("before", "")) or MAX_ID
    found, later = await home.list_earlier(
        conn, person.account_id, visit.readers, now - ABOUT_YOU_FOR, before
    )
    return pages.page(
        visit,
        "home/earlier.html",
        EarlierView(
            about_you=[_line(item, now) for item in found],
            earlier=later,
        ),
    )


def _line(item: AboutYou, now: datetime) -> AboutLine:
    address = None
    if item.kind == "removed" and item.post_id is not None:
        address = addresses.decision(item.post_id)
    elif item.post_id is not None:
        address = addresses.post(item.post_id)
    elif item.kind in ("joined", "banned", "unbanned") and item.group_slug is not None:
        address = addresses.group(item.group_slug)
    elif item.kind == "message":
        address = "/mod/messages"
    elif item.kind == "follow":
        address = "/mod/members" if item.follow is None else addresses.followers()
    return AboutLine(
        words=_what(item, now),
        reason=item.words,
        address=address,
        group_title=item.group_title,
        group_host=item.group_host,
        created_at=item.created_at,
    )


def _what(item: AboutYou, now: datetime) -> str:
    """Say in words what happened."""
    someone = item.actor_name or sentences.SOMEONE
    match item.kind:
        case "reply" | "mention" | "liked":
            return sentences.did(item.kind, someone)
        case "follow":
            return sentences.did("join" if item.follow is None else item.follow, someone)
        case "declined" if item.group_host is not None:
            return sentences.NOTICES["declined_there"]
        case "removed":
            is_theirs = item.group_host is not None and item.actor_name is not None
            return sentences.NOTICES["taken_out" if is_theirs else "removed"]
        case "banned":
            return sentences.banned(item.ends_at, now)
        case _:
            return sentences.NOTICES[item.kind]


async def show_profile(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/@{name}`: a person, with what they wrote in the open."""
    name = request.path_params["name"].lower().removesuffix(f"@{pages.deps.instance.host}")
    profile = await people.find_profile(conn, name, visit.readers)
    if profile is None:
        raise NotFound
    if wants_activity(request.scope):
        return ap_redirect(profile.uri)
    before = row_id(request.query_params.get("before", "")) or MAX_ID
    written = await people.list_written(conn, profile.id, visit.readers, before)
    page = written[: people.PAGE]
    return pages.page(
        visit,
        "account/profile.html",
        ProfilePageView(
            document_uri=profile.uri,
            profile=profile,
            written=page,
            older=page[-1].id if len(written) > people.PAGE else 0,
            older_page=before != MAX_ID,
            is_you=profile.id in visit.readers,
        ),
    )
