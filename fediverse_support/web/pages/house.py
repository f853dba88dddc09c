"""Pages that say something and need nothing: help, rules, who can read what, how this is run."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.db.pool import Conn
from fediverse_support.domain import richtext
from fediverse_support.domain.house import Federation
from fediverse_support.domain.house import rules as rules_of
from fediverse_support.reads import house
from fediverse_support.web.pages import words
from fediverse_support.web.pages.frame import Endpoint, Pages, Visit

MODES: Final[dict[Federation, str]] = {
    "open": (
        "This server exchanges posts of open groups with other servers, except those it has a rule against."
    ),
    "allowlist": "This server exchanges posts of open groups only with servers that our team has allowed.",
    "off": "This server does not exchange posts with other servers.",
}


async def show_about(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/about`."""
    return pages.page(
        visit,
        "plain/about.html",
        title="How we run this",
        mode=MODES[visit.house.federation],
        about=richtext.from_markdown(await house.find_text(conn, "about")),
        imprint=richtext.from_plain(await house.find_text(conn, "imprint")),
        contact=visit.house.contact,
        mail_address=visit.house.mail_address,
    )


async def show_rules(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/rules`."""
    text = await house.find_text(conn, "rules")
    return pages.page(visit, "plain/rules.html", title="Our rules", rules=rules_of(text) if text else ())


async def show_privacy(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/privacy`: the four audiences, in the words of the composer."""
    audiences = [(kind, words.AUDIENCE[kind].replace(": {servers} right now", "")) for kind in words.AUDIENCE]
    more = richtext.from_markdown(await house.find_text(conn, "privacy"))
    return pages.page(
        visit, "plain/privacy.html", title="Who can read what", audiences=audiences, more=more
    )


def help_page(pages: Pages) -> Endpoint:
    """Return the endpoint of `/help`, which needs no database and looks the same to everybody."""

    async def show(request: Request) -> Response:
        visit = pages.nobody("/help")
        response = pages.page(visit, "plain/help.html", title="Get help now")
        response.headers["cache-control"] = "public, max-age=3600"
        del response.headers["vary"]
        return response

    return show
