"""Other servers: the list with its rules, and one server with what each rule would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import Invalid, NotFound
from fediverse_support.domain.moderation import SEVERITIES, DomainRule, is_wide
from fediverse_support.policy import access
from fediverse_support.reads.moderation import servers
from fediverse_support.reads.moderation.servers import ServerLine, ServerView
from fediverse_support.web.pages.forms import Form
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import reasons, sentences

LIST: Final = "/admin/servers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersView(View):
    """Other servers and rules; `domain` is what was typed to look at one, `mode` says with whom we talk."""

    servers: Sequence[ServerLine]
    mode: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPageView(View):
    """A server with what each rule would change; `below` are those that a rule for it covers too.

    `severity`, `reason` and `note` are what stands in the form; `in_force` says what its own rule does.
    """

    domain: str
    server: ServerView
    below: Sequence[str]
    has_more_below: bool
    is_wide: bool
    in_force: str
    allowlist: bool
    severity: str | None
    reason: str
    note: str


def _check_way_in(visit: Visit) -> None:
    """Raise `NotFound` for whoever decides about no servers: these pages do not exist for them."""
    if not access.may(visit.person.roles, "rule"):
        raise NotFound


def _domain(pages: Pages, text: str) -> str:
    """Return the domain that was typed, as rules name it; raise `Invalid` for none and for our own."""
    domain = moderating.domain_of(text)
    if domain == pages.deps.instance.host:
        raise Invalid({"domain": "ours"})
    return domain


async def show_servers(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/admin/servers`: whom we have met, and the rules."""
    _check_way_in(visit)
    return await _list_page(pages, visit, conn)


async def _list_page(
    pages: Pages, visit: Visit, conn: Conn, domain: str = "", errors: dict[str, str] | None = None
) -> Response:
    return pages.page(
        visit,
        "moderation/servers.html",
        ServersView(
            servers=await servers.list_servers(conn),
            mode=sentences.MODES[visit.house.federation],
            domain=domain,
            errors=errors or {},
        ),
        status=400 if errors else 200,
    )


async def look(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/admin/servers/look?domain=`: on to that server's page, or say what to fix."""
    _check_way_in(visit)
    typed = request.query_params.get("domain", "")[:300]
    try:
        return see_other(f"{LIST}/{_domain(pages, typed)}")
    except Invalid as error:
        fixes = {name: reasons.fix_for(name, code) for name, code in error.fields.items()}
        return await _list_page(pages, visit, conn, typed, fixes)


async def show_server(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/admin/servers/{domain}`: the consequences first, then the choice."""
    _check_way_in(visit)
    try:
        domain = _domain(pages, request.path_params["domain"])
    except Invalid:
        raise NotFound from None
    return await _server_page(pages, visit, conn, domain)


async def _server_page(
    pages: Pages,
    visit: Visit,
    conn: Conn,
    domain: str,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    server = await servers.get_server(conn, domain)
    own_rule = server.own_rule
    return pages.page(
        visit,
        "moderation/server.html",
        ServerPageView(
            domain=domain,
            server=server,
            below=server.servers_below[: servers.MOST_BELOW],
            has_more_below=len(server.servers_below) > servers.MOST_BELOW,
            is_wide=is_wide(domain),
            in_force=sentences.IN_FORCE.get(own_rule or "", ""),
            errors=errors or {},
            allowlist=visit.house.federation == "allowlist",
            severity=form.text("severity") if form else server.own_rule,
            reason=form.text("reason") if form else server.reason,
            note=form.text("note") if form else server.private_note,
        ),
        status=400 if errors else 200,
    )


async def decide(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Put a rule in force, or clear it."""
    _check_way_in(visit)
    db, person, severity = pages.deps.db, visit.person, form.text("severity")
    try:
        domain = _domain(pages, request.path_params["domain"])
    except Invalid:
        raise NotFound from None
    if form.text("decision") == "clear":
        await moderating.clear_domain_rule(db, person, domain)
        return see_other(f"{LIST}?done=rule-cleared")
    if form.ticked("look"):
        async with db.connection() as conn:
            return await _server_page(pages, visit, conn, domain, form=form)
    try:
        if severity not in SEVERITIES:
            raise Invalid({"severity": "required"})
        rule = DomainRule(
            domain=domain,
            severity=severity,
            reason=form.line("reason"),
            private_note=form.line("note"),
        )
        await moderating.set_domain_rule(db, pages.deps.instance, person, rule, is_meant=form.ticked("wide"))
    except Invalid as error:
        fixes = {
            "wide" if code == "wide" else name: reasons.fix_for(name, code)
            for name, code in error.fields.items()
        }
        async with db.connection() as conn:
            return await _server_page(pages, visit, conn, domain, form=form, errors=fixes)
    return see_other(f"{LIST}?done=rule-set")
