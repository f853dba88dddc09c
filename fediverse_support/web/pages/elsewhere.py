"""The doors between servers: visitors take a group of ours to their own, our people come from another.

Nobody is sent to another server unasked: the page names it, and a link leads there. What comes in from
elsewhere is an address at most, and leads to our own pages alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from starlette.requests import Request
from starlette.responses import Response

from federation import discovery, uris
from federation.discovery import Handle
from federation.errors import FederationError, Malformed, Unreachable
from federation.uris import Host, Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import Invalid, NotFound, RateLimited
from fediverse_support.domain.ids import PostId
from fediverse_support.lookups import Budget, Cause
from fediverse_support.reads.groups import GroupView
from fediverse_support.reads.moderation import servers
from fediverse_support.reads.people import actors
from fediverse_support.reads.people.actors import ActorView
from fediverse_support.reads.posts import search
from fediverse_support.web import limits
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.groups import can_be_joined_from_elsewhere, get_readable
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import reasons, sentences

QUESTIONS: Final = 6
"""What one visitor's wish may cost: WebFinger with its redirects."""
LONGEST: Final = 2048
NOT_OURS_TO_ASK: Final = frozenset({"domain_refused", "not_asked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorView(View):
    """A group's door for people with an account elsewhere. `server` is what was typed; `host` and `place` are
    where it leads, empty until that is known. `refused`: we do not exchange posts with that server, with the
    `reason` given for it.
    """

    has_form: ClassVar[bool] = True

    group: GroupView
    handle: str
    server: str = ""
    host: str = ""
    place: str = ""
    refused: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionView(View):
    """Something at an address elsewhere that we do not know; `problem` is why it could not be opened."""

    address: str
    host: str
    problem: str = ""


async def show_from_your_server(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/g/{slug}/from-your-server`: the group's handle, and the way to one's own server."""
    return _door(pages, visit, await _get_open(pages, visit, conn, request.path_params["slug"]))


async def go_to_their_server(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Ask a visitor's server where its people follow others, and name it before they go; nothing is kept."""
    async with pages.deps.db.connection() as conn:
        group = await _get_open(pages, visit, conn, request.path_params["slug"])
    typed = form.line("server")[:LONGEST]
    cause = Cause("visitor", limits.place_of(request.scope))
    budget = Budget(QUESTIONS, pages.deps.db.now() + timedelta(seconds=10), cause)
    try:
        name, host = _account_at(pages, typed)
        place = await pages.deps.remote.lookups.door(host, group.uri, budget, name=name)
    except Invalid as error:
        return _door(pages, visit, group, typed, errors=_fixes(error.fields["server"]))
    except Unreachable as error:
        if error.after is not None:
            raise RateLimited(timedelta(seconds=error.after)) from error
        if error.code in NOT_OURS_TO_ASK:
            return await _refusal(pages, visit, group, typed, host)
        return _door(pages, visit, group, typed, errors=_fixes("no_door"))
    except FederationError:
        return _door(pages, visit, group, typed, errors=_fixes("no_door"))
    return _door(pages, visit, group, typed, place=place)


async def _get_open(pages: Pages, visit: Visit, conn: Conn, slug: str) -> GroupView:
    group = await get_readable(pages, visit, conn, slug)
    if not can_be_joined_from_elsewhere(visit, group):
        raise NotFound
    return group


def _account_at(pages: Pages, typed: str) -> tuple[str | None, Host]:
    """Read the name of a server, its address, or a handle there; raise `Invalid`."""
    try:
        if "://" in typed:
            name, host = None, uris.host(uris.parse(typed))
        elif "@" in typed:
            found = discovery.parse_resource(typed)
            if not isinstance(found, Handle):
                raise Malformed("bad_resource")
            name, host = found.name, found.host
        else:
            name, host = None, uris.parse_host(typed.rstrip("/"))
    except Malformed as error:
        raise Invalid({"server": "malformed"}) from error
    if host == pages.deps.instance.host:
        raise Invalid({"server": "ours"})
    return name, host


def _fixes(code: str) -> dict[str, str]:
    return {"server": reasons.fix_for("server", code)}


async def _refusal(pages: Pages, visit: Visit, group: GroupView, typed: str, host: Host) -> Response:
    async with pages.deps.db.connection() as conn:
        reason = await servers.find_reason(conn, host)
    return _door(pages, visit, group, typed, refused=reasons.REASONS["domain_suspended"], reason=reason)


def _door(
    pages: Pages,
    visit: Visit,
    group: GroupView,
    typed: str = "",
    *,
    place: Uri | None = None,
    refused: str = "",
    reason: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    return pages.page(
        visit,
        "groups/from_your_server.html",
        DoorView(
            group=group,
            handle=f"@{group.name}@{pages.deps.instance.host}",
            server=typed,
            host="" if place is None else uris.host(place),
            place=place or "",
            refused=refused,
            reason=reason,
            errors=errors or {},
        ),
        status=400 if errors else 403 if refused else 200,
    )


async def show_interaction(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/authorize_interaction?uri=`: one of our people found something on another server.

    Leads to our page of it where we know it; nobody is asked anything before a button is pressed.
    """
    address = request.query_params.get("uri", "").strip()[:LONGEST]
    if visit.viewer is None:
        return see_other(addresses.sign_in(addresses.elsewhere(address)))
    host = _host_of(address)
    if host is None:
        return pages.simple(visit, 400, sentences.NO_ADDRESS)
    known = await _known(pages, visit, conn, address)
    if known is not None:
        return see_other(known)
    if host == pages.deps.instance.host:
        raise NotFound
    return _interaction(pages, visit, address, host)


async def interact(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Ask the server of what was found for it, and lead to our page of it."""
    address, person = form.line("uri")[:LONGEST], visit.person
    host = _host_of(address)
    if host is None:
        return pages.simple(visit, 400, sentences.NO_ADDRESS)
    try:
        row = await pages.deps.remote.find(address, by=str(person.account_id))
    except Unreachable as error:
        if error.after is not None:
            raise RateLimited(timedelta(seconds=error.after)) from error
        row = None
    except FederationError:
        row = None
    async with pages.deps.db.connection() as conn:
        actor = None if row is None else await actors.find(conn, row, person.actor_id)
    if row is None:
        return _interaction(pages, visit, address, host, sentences.NOT_FOUND_THERE)
    if actor is None:
        return see_other(addresses.post(PostId(row)))
    there = _page_of(actor)
    return (
        _interaction(pages, visit, address, host, sentences.A_PERSON_THERE)
        if there is None
        else see_other(there)
    )


def _host_of(address: str) -> Host | None:
    """Return the server that an address or a handle names; None for what is neither."""
    try:
        found = discovery.parse_resource(address)
    except Malformed:
        return None
    return found.host if isinstance(found, Handle) else uris.host(found.uri)


async def _known(pages: Pages, visit: Visit, conn: Conn, address: str) -> str | None:
    """Return our page of what we know, and this member may read."""
    instance, viewer = pages.deps.instance, visit.person.actor_id
    found = discovery.parse_resource(address)
    if isinstance(found, Handle):
        host = None if found.host == instance.host else found.host
        actor_id = await actors.find_by_handle(conn, actors.Handle(found.name, host), viewer)
        post_id = None
    else:
        actor_id, post_id = await search.at_address(conn, instance, found.uri, viewer)
    if post_id is not None:
        return addresses.post(PostId(post_id))
    actor = None if actor_id is None else await actors.find(conn, actor_id, viewer)
    return None if actor is None else _page_of(actor)


def _page_of(actor: ActorView) -> str | None:
    """Return the page of a group, or of somebody here; people elsewhere have none."""
    if actor.kind == "group":
        return addresses.group(actor.name if actor.host is None else f"{actor.name}@{actor.handle_host}")
    return f"/@{actor.name}" if actor.kind == "person" and actor.host is None else None


def _interaction(pages: Pages, visit: Visit, address: str, host: Host, problem: str = "") -> Response:
    return pages.page(
        visit,
        "home/interaction.html",
        InteractionView(address=address, host=host, problem=problem),
        status=404 if problem else 200,
    )
