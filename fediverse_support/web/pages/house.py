"""Pages that say something and need nothing: help, rules, who can read what, how this is run."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.db.pool import Conn
from fediverse_support.domain import richtext
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.house import rules as rules_of
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads import house
from fediverse_support.web.pages.frame import Endpoint, Pages, Visit
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import audiences, sentences


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
            mode=sentences.MODES[visit.house.federation],
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
    return pages.page(visit, "plain/rules.html", RulesView(rules=rules))


async def show_privacy(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/privacy`: the four audiences, in the words of the composer."""
    lines = tuple(
        AudienceLine(kind, audiences.CIRCLE_ANYWHERE if kind == "circle" else sentence)
        for kind, sentence in audiences.AUDIENCE.items()
    )
    [own] = await house.find_texts(conn, "privacy")
    more = richtext.from_markdown(own)
    return pages.page(
        visit,
        "plain/privacy.html",
        PrivacyView(audiences=lines, more=more),
    )


def help_page(pages: Pages) -> Endpoint:
    """Return the endpoint of `/help`, which needs no database and looks the same to everybody."""

    async def show(request: Request) -> Response:
        visit = pages.nobody(request)
        response = pages.page(visit, "plain/help.html", View())
        response.headers["cache-control"] = "public, max-age=3600"
        del response.headers["vary"]
        return response

    return show
