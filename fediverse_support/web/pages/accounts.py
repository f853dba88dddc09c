"""Signing in and out, and joining this server."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import ClassVar, Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.accounts import accounts, sessions
from fediverse_support.db.pool import Conn, DatabaseUnavailable
from fediverse_support.domain.codes import LONGEST
from fediverse_support.domain.errors import Conflict, Invalid, NotAllowed, RateLimited
from fediverse_support.domain.house import Registration
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import SHOWN_AGAIN, Form
from fediverse_support.web.pages.frame import Pages, Visit, page_of, see_other
from fediverse_support.web.pages.views import SignInView, View, Words
from fediverse_support.web.words import reasons, sentences
from fediverse_support.web.words.sentences import KEPT

BOXES: Final = ("age", "rules", "health")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackAgainView(View):
    """What a form brought along through signing in; `names` say what its fields are called.

    `is_again`: whoever signed in is the one who wrote it. `is_shown_again`: the form at `back` comes filled.
    `without` is where to go without it.
    """

    back: str
    kept: Words
    carried: Words
    names: Words
    is_again: bool
    is_shown_again: bool
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinServerView(View):
    """The door for newcomers; `problem` is a sentence over the form, `invite` the code they came with."""

    has_form: ClassVar[bool] = True

    registration: Registration
    invite: str
    name: str
    problem: str
    first_posts_held: bool


async def show_sign_in(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/sign-in`, or on to the member's groups."""
    back = _back(request.query_params.get("back", ""))
    if visit.viewer is not None:
        return see_other(back or "/home")
    return _sign_in_page(pages, visit, Form({"back": back}))


def _sign_in_page(
    pages: Pages, visit: Visit, form: Form, *, problem: str = "", status: int = 200
) -> Response:
    return pages.page(
        visit,
        "account/sign_in.html",
        SignInView(
            back=_back(form.text("back")),
            kept=form.kept,
            carried=form.carried,
            name=form.line("name")[:200],
            problem=problem,
        ),
        status=status,
    )


async def sign_in(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Open a session; the words of a form that met a closed session come along."""
    name = form.line("name")[:200]
    try:
        token = await sessions.sign_in(
            pages.deps.db,
            name,
            form.text("password"),
            verify=pages.deps.passwords.verify,
            address=request.client.host if request.client else "",
            device=pages.sessions.device(request, name),
        )
    except NotAllowed as error:
        return _sign_in_page(pages, visit, form, problem=reasons.sentence_for((error.code,)), status=403)
    except RateLimited as error:
        problem = sentences.please_wait(error.after, has_words=bool(form.kept))
        response = _sign_in_page(pages, visit, form, problem=problem, status=429)
        response.headers["retry-after"] = str(ceil(error.after.total_seconds()))
        return response
    # Whoever signs in is known to be the one who was signed out only where this browser knew that name last.
    is_again = pages.sessions.device(request, name) is not None
    response = await _signed_in(pages, visit, form, token, is_again=is_again)
    pages.sessions.open(response, token)
    pages.sessions.know_device(request, response, name)
    old = pages.sessions.session_token(request)
    if old is not None:
        await sessions.sign_out(pages.deps.db, old)
    return response


async def _signed_in(pages: Pages, visit: Visit, form: Form, token: str, *, is_again: bool) -> Response:
    """Lead on, with the words of a form that met a closed session; covered, where they may be another's."""
    back = _back(form.text("back"))
    if not form.has_more or not back:
        return see_other(back or "/home")
    is_shown_again = SHOWN_AGAIN.fullmatch(back) is not None
    return pages.page(
        await _visit_of(pages, visit.path, token),
        "account/back_again.html",
        BackAgainView(
            back=back,
            kept=form.kept,
            carried=form.carried,
            names=KEPT,
            is_again=is_again,
            is_shown_again=is_shown_again,
            without=back if is_shown_again else page_of(back, form),
        ),
    )


async def _visit_of(pages: Pages, path: str, token: str) -> Visit:
    async with pages.deps.db.connection() as conn:
        viewer, house = await pages.find_viewer(conn, token)
    return Visit(path, viewer, token, house)


def _back(address: str) -> str:
    """Keep only a path of ours that is not itself about signing in or out."""
    away = ("/sign-", "/exit", "/join", *addresses.WITH_A_CODE)
    return address if addresses.is_ours(address) and not address.startswith(away) else ""


async def sign_out(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """End this browser's session."""
    token = pages.sessions.session_token(request)
    if token is not None:
        await sessions.sign_out(pages.deps.db, token)
    response = see_other("/sign-in?done=signed-out")
    pages.sessions.close(response)
    return response


async def quick_exit(pages: Pages, request: Request) -> Response:
    """`/exit`: end the session and open a neutral page; without this, Back would show what was read."""
    token = pages.sessions.session_token(request)
    response = see_other(addresses.EXIT_TO)
    pages.sessions.forget(response)
    if token is not None:  # after the answer: whoever leaves in a hurry waits for no database
        response.background = BackgroundTask(_forget, pages, token)
    return response


async def _forget(pages: Pages, token: str) -> None:
    with suppress(DatabaseUnavailable):  # the browser has forgotten it already
        await sessions.sign_out(pages.deps.db, token)


async def show_join(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/join`, or `/join/{code}` with an invitation: the form where newcomers may come, else a sentence.

    Whether the invitation is good is asked only when the form is sent.
    """
    if visit.viewer is not None:
        return see_other("/find")
    return _join_page(pages, visit, invite=request.path_params.get("code", "")[:LONGEST])


def _join_page(
    pages: Pages,
    visit: Visit,
    *,
    invite: str,
    name: str = "",
    problem: str = "",
    errors: dict[str, str] | None = None,
) -> Response:
    response = pages.page(
        visit,
        "account/join.html",
        JoinServerView(
            registration=visit.house.registration,
            invite=invite,
            name=name,
            problem=problem,
            errors=errors or {},
            first_posts_held=visit.house.newcomer_posts_held > 0,
        ),
        status=400 if errors or problem else 200,
    )
    if invite:
        response.headers["cache-control"] = "no-store"
    return response


def _come_again(pages: Pages, visit: Visit, form: Form, error: RateLimited) -> Response:
    """Say when to ask again; the name that was chosen stays in its field."""
    problem = sentences.FULL if error.code == "full" else sentences.please_wait(error.after, has_words=False)
    response = _join_page(
        pages, visit, invite=invitation(form), name=form.line("name").lower(), problem=problem
    )
    response.status_code = 429
    response.headers["retry-after"] = str(ceil(error.after.total_seconds()))
    return response


def invitation(form: Form) -> str:
    """Return the code of the invitation that somebody joins with, empty without one."""
    return form.line("invite")[:LONGEST]


async def join(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Make an account, at once or after a moderator said yes."""
    deps, name, invite = pages.deps, form.line("name").lower(), invitation(form)
    if not invite and visit.house.registration not in ("open", "approval"):
        return _join_page(pages, visit, invite="")
    errors = {box: reasons.fix_for(box, "required") for box in BOXES if not form.ticked(box)}
    wrong = {} if name else {"name": "required"}
    password = form.text("password")
    if len(password) < 12:
        wrong["password"] = "too_short" if password else "required"
    errors = {field: reasons.fix_for(field, code) for field, code in wrong.items()} | errors
    if errors:
        return _join_page(pages, visit, invite=invite, name=name, errors=errors)
    try:
        waits = await accounts.join(
            deps.db,
            deps.instance,
            name=name,
            password=password,
            hash_password=deps.passwords.hash,
            secret=deps.secret,
            address=request.client.host if request.client else "",
            invitation=invite,
        )
    except Invalid as error:
        fixes = {field: reasons.fix_for(field, code) for field, code in error.fields.items()}
        return _join_page(pages, visit, invite=invite, name=name, errors=fixes)
    except Conflict:
        fixes = {"name": reasons.fix_for("name", "taken")}
        return _join_page(pages, visit, invite=invite, name=name, errors=fixes)
    except RateLimited as error:
        return _come_again(pages, visit, form, error)
    if waits:
        return pages.page(visit, "account/asked.html", View())
    return await sign_in(pages, request, visit, Form({"name": name, "password": password, "back": "/find"}))
