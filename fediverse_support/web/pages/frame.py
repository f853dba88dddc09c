"""The frame around every page: who is visiting, headers, navigation, and how a refusal becomes a page."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fediverse_support.actions.accounts import sessions as session_actions
from fediverse_support.db.pool import Conn, DatabaseUnavailable
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import Person
from fediverse_support.domain.errors import (
    AppError,
    Conflict,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
)
from fediverse_support.domain.house import House
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.reads import viewer as viewers
from fediverse_support.reads.viewer import Name, Readers, Viewer
from fediverse_support.speech import ENGLISH, Speech, choose
from fediverse_support.web.negotiation import VARY
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form, Refused, read_form
from fediverse_support.web.pages.navigation import navigation
from fediverse_support.web.pages.views import Frame, SentenceView, SignInView, View
from fediverse_support.web.sessions import Sessions, fresh_visitor_token
from fediverse_support.web.words import reasons, sentences

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "interest-cohort=(), browsing-topics=()",
    "vary": VARY,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by a visitor or a signed-in person. `bound_to` is what their form tokens are made for.

    `house` is what the organisation has decided, as it held when the request came; `acting` is the name under
    which something is done.
    """

    path: str
    viewer: Viewer | None
    bound_to: str | None
    house: House
    done: str | None = None
    query: str = ""
    acting: Name | None = None
    speech: Speech = ENGLISH

    @property
    def address(self) -> str:
        """The path with its query, for coming back after signing in."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def readers(self) -> Readers:
        """The names every `can_see` is asked with; none for a visitor."""
        return () if self.viewer is None else self.viewer.readers

    async def acting_in(self, conn: Conn, group_id: ActorId) -> Visit:
        """Return the visit under the name that acts in a group.

        Raises `NotSignedIn`, or `NotAllowed` (`no_name_here`) where the account has none for it.
        """
        return self._with(await viewers.acting_in(conn, self._account, group_id))

    async def acting_on(self, conn: Conn, post_id: PostId) -> Visit:
        """Return the visit under the name that does something with a post; raise as `acting_in`."""
        return self._with(await viewers.acting_on(conn, self._account, post_id))

    def acting_as(self, actor_id: ActorId) -> Visit:
        """Return the visit under this name of the account; raise as `acting_in`."""
        return self._with(self._account.named(actor_id))

    async def found_to_answer(self, conn: Conn, post_id: PostId) -> Visit:
        """Return the visit under the name that would answer a post; as it is, where there is none."""
        name = None if self.viewer is None else await viewers.acting_on(conn, self.viewer, post_id)
        return self if name is None else replace(self, acting=name)

    @property
    def _account(self) -> Viewer:
        if self.viewer is None:
            raise NotSignedIn
        return self.viewer

    def _with(self, name: Name | None) -> Visit:
        if name is None:
            raise NotAllowed(code="no_name_here")
        return replace(self, acting=name)

    @property
    def you(self) -> str:
        """How whoever acts is called by others; empty for a visitor."""
        if self.acting is not None:
            return self.acting.display_name
        return "" if self.viewer is None else self.viewer.display_name

    @property
    def person(self) -> Person:
        """Who acts, else who stands for the account; raises `NotSignedIn` for a visitor."""
        return self._account.person if self.acting is None else self.acting.person


Shows = Callable[["Pages", Request, Visit, Conn], Awaitable[Response]]
Does = Callable[["Pages", Request, Visit, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pages:
    """What pages are made from."""

    deps: Deps
    envs: Mapping[Speech, Environment]
    sessions: Sessions
    speeches: Mapping[str, Speech]

    def page(self, visit: Visit, template: str, view: View, *, status: int = 200) -> Response:
        """Return a page: what the view holds, and the frame around it, are all that the template sees."""
        bound_to = visit.bound_to
        new_visitor = bound_to is None and view.has_form
        if new_visitor:
            bound_to = fresh_visitor_token()
        frame = Frame(
            path=visit.path,
            instance_name=visit.house.name,
            viewer=visit.viewer,
            nav=navigation(visit.viewer),
            form_token=self.sessions.form_token(bound_to) if bound_to else "",
            done=sentences.DONE.get(visit.done or ""),
            now=self.deps.db.now().astimezone(visit.house.zone),
            document_uri=None if visit.house.federation == "off" else view.document_uri,
        )
        body = self.envs[visit.speech].get_template(template).render(seen(view) | seen(frame))
        response = HTMLResponse(body, status, HEADERS)
        if len(self.speeches) > 1:
            response.headers["vary"] = f"{VARY}, Accept-Language"
        is_secret = visit.viewer is not None or addresses.has_a_code(visit.path)
        response.headers["cache-control"] = "no-store" if is_secret else "no-cache"
        if new_visitor and bound_to:
            self.sessions.give_visitor_token(response, bound_to)
            response.headers["cache-control"] = "no-store"
        return response

    async def visit(self, conn: Conn, request: Request) -> Visit:
        """Find out who is asking: one query for a browser with a session, mostly none for a visitor.

        Raises `NotFound` for an address that no row can have: PostgreSQL holds no zero character.
        """
        if "\x00" in request.scope["path"]:
            raise NotFound
        token = self.sessions.session_token(request)
        if token is None:
            viewer, house = None, await self.deps.house(conn)
        else:
            viewer, house = await self.find_viewer(conn, token)
        bound_to = token if viewer is not None else self.sessions.visitor_token(request)
        return Visit(
            request.scope["path"],
            viewer,
            bound_to,
            house,
            request.query_params.get("done"),
            request.scope["query_string"].decode("ascii", "replace"),
            speech=self.speech(request),
        )

    def speech(self, request: Request) -> Speech:
        """Return the language that the browser likes best of those there are."""
        return choose(request.headers.get("accept-language", ""), self.speeches)

    async def find_viewer(self, conn: Conn, token: str) -> tuple[Viewer | None, House]:
        """Return whose session this is, and what the organisation decided."""
        overrides = self.deps.instance.overrides
        digest = session_actions.hash_of(token)
        viewer, house = await viewers.find_viewer(conn, digest, self.deps.db.now(), overrides)
        self.deps.latest.house = house
        return viewer, house

    def nobody(self, request: Request) -> Visit:
        """Return a visit about which nothing is known but the request, and nobody was asked."""
        speech = self.speech(request)
        return Visit(request.scope["path"], None, None, self.deps.latest.house, speech=speech)

    def shows(self, handler: Shows) -> Endpoint:
        """Make an endpoint that reads: the handler gets the visit and a connection."""

        async def endpoint(request: Request) -> Response:
            visit, form = self.nobody(request), Form({})
            self._expect_faults(request, visit, form)
            try:
                async with self.deps.db.connection() as conn:
                    visit = await self.visit(conn, request)
                    return await handler(self, request, visit, conn)
            except AppError as error:
                return self.refusal(visit, error, form)
            except DatabaseUnavailable:
                return self.away(visit, form)

        return endpoint

    def does(self, handler: Does) -> Endpoint:
        """Make an endpoint that changes something: the handler gets the visit and a form proven to be ours.

        A form sent after the session ended, or while the database is away, is answered with the words it
        carried; one that another site made the browser send is not.
        """

        async def endpoint(request: Request) -> Response:
            visit, form = self.nobody(request), Form({})
            try:
                form = await read_form(request)
                self._expect_faults(request, visit, form)
                async with self.deps.db.connection() as conn:
                    visit = await self.visit(conn, request)
                return self._stopped(request, visit, form) or await handler(self, request, visit, form)
            except Refused as error:
                return self.simple(visit, error.status, error.sentence)
            except AppError as error:
                return self.refusal(visit, error, form)
            except DatabaseUnavailable:
                return self.away(visit, form)

        return endpoint

    def _stopped(self, request: Request, visit: Visit, form: Form) -> Response | None:
        """Return the answer to a form that is not ours, or whose session is over; None for one to act on.

        Without a session there is nobody to act for, whether its cookie is stale or gone: the words go along
        to signing in, and are shown again, under a button, before anything is done with them.
        """
        if self.sessions.is_from_elsewhere(request):
            return self.simple(visit, 403, sentences.FORM_NOT_OURS)
        if visit.viewer is None and not is_for_visitors(visit.path):
            return self.signed_out(visit, form)
        if visit.path == "/sign-in" and not self.sessions.is_our_form(form.text("token"), visit.bound_to):
            return self.signed_out(visit, form)
        if not self.sessions.is_our_form(form.text("token"), visit.bound_to):
            return self.kept(visit, form, 403, sentences.FORM_NOT_OURS)
        return None

    def _expect_faults(self, request: Request, visit: Visit, form: Form) -> None:
        """Leave a page for the outermost wall, in case something breaks: it hands back what was typed."""

        def page(sentence: str) -> Response:
            if form.kept:
                return self.kept(visit, form, 500, sentences.and_your_words(sentence))
            return self.kept(visit, form, 500, sentence)

        request.scope["fault_page"] = page

    def away(self, visit: Visit, form: Form) -> Response:
        """Say that the database is away; what was typed stays on the page, and help needs no database."""
        return self.kept(visit, form, 503, sentences.AWAY, {"retry-after": "60"})

    def refusal(self, visit: Visit, error: AppError, form: Form) -> Response:
        """Turn an application error into a page; what was typed stays on it."""
        match error:
            case NotSignedIn() if form.has_more:
                return self.signed_out(visit, form)
            case NotSignedIn():
                return see_other(addresses.sign_in(visit.address))
            case NotFound():
                return self.kept(visit, form, 404, sentences.NOT_HERE)
            case RateLimited(after=after):
                seconds = {"retry-after": str(ceil(after.total_seconds()))}
                sentence = sentences.please_wait(after, has_words=bool(form.kept))
                return self.kept(visit, form, 429, sentence, seconds)
            case NotAllowed(reasons=why, code=code):
                return self.kept(visit, form, 403, reasons.sentence_for((*why, code)))
            case _:
                status = 409 if isinstance(error, Conflict) else 400
                return self.kept(visit, form, status, reasons.sentence_for((error.code,)))

    def kept(
        self, visit: Visit, form: Form, status: int, sentence: str, headers: dict[str, str] | None = None
    ) -> Response:
        """Return a page with one sentence and everything that was typed."""
        response = self.page(
            visit,
            "errors/sentence.html",
            SentenceView(
                heading=sentences.FAULTS.get(status, sentences.FAULT),
                sentence=sentence,
                kept=form.kept,
                names=sentences.KEPT,
            ),
            status=status,
        )
        response.headers.update(headers or {})
        return response

    def simple(self, visit: Visit, status: int, sentence: str) -> Response:
        """Return a page with one sentence."""
        return self.kept(visit, Form({}), status, sentence)

    def signed_out(self, visit: Visit, form: Form) -> Response:
        """Ask to sign in again, with the words that were on their way."""
        back = visit.path if form.has_more else page_of(visit.path, form)
        if visit.path == "/sign-in":
            back = form.text("back") if addresses.is_ours(form.text("back")) else ""
        return self.page(
            visit,
            "account/sign_in.html",
            SignInView(
                back=back,
                kept=form.kept,
                carried=form.carried,
                name=form.line("name")[:200],
                problem=sentences.SIGN_IN_AGAIN if form.kept else sentences.SIGN_IN,
            ),
            status=403,
        )


# Forms that people send before they have a session.
FOR_VISITORS: Final = frozenset({"/sign-in", "/join"})
CHANGES_BY_CODE: Final = "/new-password/"
"""Whoever sends a form there says by the code who they are."""
TO_THEIR_SERVER: Final = "/from-your-server"


def is_for_visitors(path: str) -> bool:
    """Say whether the form of this path is for people without a session, too."""
    return path in FOR_VISITORS or path.startswith(CHANGES_BY_CODE) or path.endswith(TO_THEIR_SERVER)


def page_of(path: str, form: Form) -> str:
    """Return where the form stands that is sent to this path; people's groups, where it stands on several."""
    if path == "/authorize_interaction":
        return addresses.elsewhere(form.line("uri"))
    if path.startswith("/g/") and path.endswith("/join"):
        return path + (f"?{urlencode({'invite': form.text('invite')[:200]})}" if form.text("invite") else "")
    whole = re.match(r"(/mod/held|/mod/reports|/mod/messages|/mod/members|/followers|/post)/[0-9]+", path)
    if whole is None:
        return "/home"
    return whole[0] if whole[1] == "/post" else whole[1]


def seen(view: View | Frame) -> dict[str, object]:
    """Return the fields of a view by name, for a template."""
    return {part.name: getattr(view, part.name) for part in fields(view)}


def see_other(address: str) -> Response:
    """Send the browser to another of our pages with a GET."""
    response = RedirectResponse(address, 303, HEADERS)
    response.headers["cache-control"] = "no-store"
    return response
