"""Pages that say something and need nothing: help, rules, who can read what, how this is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.db.pool import Conn
from fediverse_support.domain import richtext
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.house import Federation
from fediverse_support.domain.house import rules as rules_of
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads import house
from fediverse_support.web.pages import words
from fediverse_support.web.pages.frame import Endpoint, Pages, Visit
from fediverse_support.web.pages.views import View

MODES: Final[dict[Federation, str]] = {
    "open": (
        "This server exchanges posts of open groups with other servers, except those it has a rule against."
    ),
    "allowlist": "This server exchanges posts of open groups only with servers that our team has allowed.",
    "off": "This server does not exchange posts with other servers.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutView(View):
    """How this is run, and by whom; `mode` says with whom posts are exchanged."""

    mode: str
    about: SafeHtml
    imprint: SafeHtml
    contact: str
    mail_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView(View):
    """The rules of the house; none where it has not written its own."""

    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AudienceLine:
    """A kind of group, and who can read what is written there."""

    kind: GroupKind
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyView(View):
    """Who can read what, and what the house says of it besides."""

    audiences: tuple[AudienceLine, ...]
    more: SafeHtml


async def show_about(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/about`."""
    about, imprint = await house.find_texts(conn, "about", "imprint")
    return pages.page(
        visit,
        "plain/about.html",
        AboutView(
            title="How we run this",
            mode=MODES[visit.house.federation],
            about=richtext.from_markdown(about),
            imprint=richtext.from_plain(imprint),
            contact=visit.house.contact,
            mail_address=visit.house.mail_address,
        ),
    )


async def show_rules(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/rules`."""
    [text] = await house.find_texts(conn, "rules")
    rules = rules_of(text) if text else ()
    return pages.page(visit, "plain/rules.html", RulesView(title="Our rules", rules=rules))


async def show_privacy(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/privacy`: the four audiences, in the words of the composer."""
    audiences = tuple(
        AudienceLine(kind, sentence.replace(": {servers} right now", ""))
        for kind, sentence in words.AUDIENCE.items()
    )
    [own] = await house.find_texts(conn, "privacy")
    more = richtext.from_markdown(own)
    return pages.page(
        visit,
        "plain/privacy.html",
        PrivacyView(title="Who can read what", audiences=audiences, more=more),
    )


def help_page(pages: Pages) -> Endpoint:
    """Return the endpoint of `/help`, which needs no database and looks the same to everybody."""

    async def show(request: Request) -> Response:
        visit = pages.nobody("/help")
        response = pages.page(visit, "plain/help.html", View(title="Get help now"))
        response.headers["cache-control"] = "public, max-age=3600"
        del response.headers["vary"]
        return response

    return show
