"""A new password, at an address that somebody of our team handed over.

Opening it does nothing, the button does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.accounts import passwords
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import Invalid
from fediverse_support.web.pages.forms import Form
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.views import View
from fediverse_support.web.words import reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordView(View):
    """Where a new password is chosen; the page is the same whatever its address is good for."""

    has_form: ClassVar[bool] = True


async def show_new_password(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/new-password/{code}`: the form, whatever the code is."""
    return _page(pages, visit, {})


def _page(pages: Pages, visit: Visit, fixes: dict[str, str]) -> Response:
    return pages.page(
        visit,
        "account/new_password.html",
        NewPasswordView(errors=fixes),
        status=400 if fixes else 200,
    )


async def choose_password(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Set the password if the code is good, and lead to the door: whoever was signed in is not any more."""
    try:
        await passwords.reset(
            pages.deps.db,
            request.path_params["code"],
            form.text("password"),
            hash_password=pages.deps.passwords.hash,
            address=request.client.host if request.client else "",
        )
    except Invalid as error:
        fixes = {field: reasons.fix_for(field, code) for field, code in error.fields.items()}
        return _page(pages, visit, fixes)
    response = see_other("/sign-in?done=new-password")
    pages.sessions.close(response)
    return response
