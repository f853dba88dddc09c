"""Who would like to follow this person, and who does: their answers, which they can take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fediverse_support.actions.people import following
from fediverse_support.db.pool import Conn
from fediverse_support.domain.errors import NotFound
from fediverse_support.domain.ids import FollowId
from fediverse_support.reads.people import followers
from fediverse_support.reads.people.followers import Follower
from fediverse_support.web.pages import addresses
from fediverse_support.web.pages.forms import Form, row_id
from fediverse_support.web.pages.frame import Pages, Visit, see_other
from fediverse_support.web.pages.views import View

DONE: Final = {"accept": "accepted", "decline": "declined", "remove": "follower-removed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowersView(View):
    """Who asks to follow and who follows; `later` is where the next page begins, None on the last."""

    askings: Sequence[Follower]
    followers: Sequence[Follower]
    later: int | None
    is_first: bool


async def show_followers(pages: Pages, request: Request, visit: Visit, conn: Conn) -> Response:
    """`/followers`: people who wait for an answer, longest wait first, and people who follow."""
    person_id, after = visit.person.actor_id, row_id(request.query_params.get("after", "")) or 0
    found = await followers.list_followers(conn, person_id, after)
    page = found[: followers.PAGE]
    return pages.page(
        visit,
        "account/followers.html",
        FollowersView(
            askings=[] if after else await followers.list_asking(conn, person_id),
            followers=page,
            later=page[-1].id if len(found) > followers.PAGE else None,
            is_first=not after,
        ),
    )


async def decide_follower(pages: Pages, request: Request, visit: Visit, form: Form) -> Response:
    """Accept, decline or remove; an answer that comes twice, or too late, is no mistake of anybody's."""
    deps, person, decision = pages.deps, visit.person, form.text("decision")
    number = row_id(request.path_params["number"])
    if number is None or decision not in DONE:
        raise NotFound
    try:
        if decision == "remove":
            await following.remove_member(deps.db, deps.instance, person, FollowId(number))
        else:
            accept = decision == "accept"
            await following.decide_member(deps.db, deps.instance, person, FollowId(number), accept=accept)
    except NotFound:
        return see_other(addresses.followers("answered"))
    return see_other(addresses.followers(DONE[decision]))
