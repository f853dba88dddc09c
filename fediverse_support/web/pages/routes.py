"""The addresses of all pages, in one table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fediverse_support import speech
from fediverse_support.db.pool import Conn
from fediverse_support.deps import Deps
from fediverse_support.domain.errors import NotFound
from fediverse_support.web.pages import (
    accounts,
    addresses,
    elsewhere,
    engine,
    groups,
    home,
    house,
    passwords,
    people,
)
from fediverse_support.web.pages.frame import HEADERS, Does, Pages, Shows, Visit
from fediverse_support.web.pages.moderation import moderation, servers
from fediverse_support.web.pages.posts import decisions, posts, threads
from fediverse_support.web.sessions import Sessions

PROGRAMS: Final = ("/api/", "/oauth/", "/ap/", "/.well-known/", "/nodeinfo/")
REPLY: Final = "/g/{slug}/t/{post_id}/reply"
INVITED: Final = "/join/{code}"
NEW_PASSWORD: Final = "/new-password/{code}"
DOORS: Final = frozenset({"/sign-in", "/sign-out", "/join", "/exit", INVITED, NEW_PASSWORD})

SHOWS: Final[tuple[tuple[str, Shows], ...]] = (
    ("/", home.show_front),
    ("/find", home.show_find),
    ("/home", home.show_home),
    ("/home/earlier", home.show_earlier),
    ("/@{name}", home.show_profile),
    ("/followers", people.show_followers),
    ("/g/{slug}", groups.show_group),
    ("/g/{slug}/join", groups.show_join),
    ("/g/{slug}/leave", groups.show_leave),
    ("/g/{slug}/from-your-server", elsewhere.show_from_your_server),
    ("/authorize_interaction", elsewhere.show_interaction),
    ("/g/{slug}/write", posts.show_write),
    ("/g/{slug}/t/{post_id}", threads.show_thread),
    (REPLY, threads.show_reply),
    ("/post/{post_id}", threads.show_post),
    ("/post/{post_id}/reply", threads.show_reply),
    ("/post/{post_id}/edit", posts.show_edit),
    ("/post/{post_id}/decision", decisions.show_decision),
    ("/post/{post_id}/again", decisions.show_again),
    ("/post/{post_id}/remove", posts.show_remove),
    ("/post/{post_id}/removed", posts.show_removed),
    ("/post/{post_id}/tell-us", posts.show_tell_us),
    ("/post/{post_id}/take-down", posts.show_take_down),
    ("/sign-in", accounts.show_sign_in),
    ("/join", accounts.show_join),
    (INVITED, accounts.show_join),
    (NEW_PASSWORD, passwords.show_new_password),
    ("/about", house.show_about),
    ("/rules", house.show_rules),
    ("/privacy", house.show_privacy),
    ("/mod/held", moderation.show_held),
    ("/mod/reports", moderation.show_reports),
    ("/mod/messages", moderation.show_messages),
    ("/mod/members", moderation.show_members),
    ("/admin/servers", servers.show_servers),
    ("/admin/servers/look", servers.look),
    ("/admin/servers/{domain}", servers.show_server),
)

DOES: Final[tuple[tuple[str, Does], ...]] = (
    ("/g/{slug}/join", groups.join),
    ("/g/{slug}/leave", groups.leave),
    ("/g/{slug}/from-your-server", elsewhere.go_to_their_server),
    ("/authorize_interaction", elsewhere.interact),
    ("/g/{slug}/write", posts.write),
    (REPLY, threads.reply),
    ("/post/{post_id}/reply", threads.reply),
    ("/post/{post_id}/edit", posts.edit),
    ("/post/{post_id}/again", decisions.again),
    ("/post/{post_id}/remove", posts.remove),
    ("/post/{post_id}/tell-us", posts.tell_us),
    ("/post/{post_id}/take-down", posts.take_down),
    ("/post/{post_id}/pause", moderation.pause),
    ("/followers/{number}", people.decide_follower),
    ("/sign-in", accounts.sign_in),
    ("/sign-out", accounts.sign_out),
    ("/join", accounts.join),
    (NEW_PASSWORD, passwords.choose_password),
    ("/mod/held/{number}", moderation.decide_held),
    ("/mod/reports/{number}", moderation.close_report),
    ("/mod/messages/{number}", moderation.finish_message),
    ("/mod/members/{number}", moderation.decide_member),
    ("/mod/accounts/{number}", moderation.decide_account),
    ("/admin/servers/{domain}", servers.decide),
)


def routes(deps: Deps, *, doors: Deps | None = None) -> list[BaseRoute]:
    """Return the routes of all pages; they come last, because the final one answers every other address.

    `doors` is what signing in, out and up live on, where that is something else than what the others do.
    """
    style = engine.load_asset("style.css", "text/css")
    icon = engine.load_asset("icon.svg", "image/svg+xml")
    spoken = speech.load()
    pages = Pages(
        deps=deps,
        envs={one: engine.environment(style.address, icon.address, one) for one in spoken},
        speeches={str(one.locale): one for one in spoken},
        sessions=Sessions(secret=deps.secret, secure=deps.instance.base_url.startswith("https://")),
    )
    at_doors = pages if doors is None else replace(pages, deps=doors)

    def of(path: str) -> Pages:
        return at_doors if path in DOORS else pages

    table: list[BaseRoute] = [style.route(), icon.route()]
    table += [Route(path, of(path).shows(handler), methods=["GET"]) for path, handler in SHOWS]
    table += [Route(path, of(path).does(handler), methods=["POST"]) for path, handler in DOES]
    table.append(Route("/help", house.help_page(pages), methods=["GET"]))
    table.append(Route("/exit", partial(accounts.quick_exit, at_doors), methods=["GET"]))
    table.append(Route("/{rest:path}", pages.shows(show_nothing), methods=["GET"]))
    return table


async def show_nothing(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """Answer an address that leads nowhere exactly as one that this viewer may not know about.

    One that ends in a slash leads to the same without it, whatever is there.
    """
    path: str = request.scope["path"]
    if path.startswith(PROGRAMS):
        raise HTTPException(404)
    if path.endswith("/") and addresses.is_ours(there := path.rstrip("/")):
        query = request.scope["query_string"].decode("ascii", "replace")
        return RedirectResponse(f"{there}?{query}" if query else there, 308, HEADERS)
    raise NotFound
