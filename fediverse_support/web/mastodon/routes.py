"""Every path of the client API, and the doors behind it."""

from __future__ import annotations

from typing import Any, Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from fediverse_support.deps import Deps
from fediverse_support.domain.buckets import Buckets
from fediverse_support.domain.errors import NotFound
from fediverse_support.web.mastodon import house, people
from fediverse_support.web.mastodon.calls import (
    CALLS_PER_WINDOW,
    WINDOW_SECONDS,
    Call,
    Door,
    Endpoint,
    Handler,
)
from fediverse_support.web.mastodon.errors import Refused, json
from fediverse_support.web.mastodon.posts import search, statuses, timelines

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS: Final = ("Authorization", "Idempotency-Key", "X-Request-Id")
EXPOSED: Final = (
    "Link",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
    "Mastodon-Async-Refresh",
)
RESOLVES: Final = (10.0, 0.1)
"""A person may have other servers asked ten times at once, then every ten seconds."""

# What clients ask for when they start, and what there is none of here: an empty answer keeps them going, a
# 404 does not. Path, scope of the token, answer.
EMPTY: Final[tuple[tuple[str, str, Any], ...]] = (
    ("/v1/announcements", "read", []),
    ("/v1/blocks", "read:blocks", []),
    ("/v1/bookmarks", "read:bookmarks", []),
    ("/v1/conversations", "read:statuses", []),
    ("/v1/domain_blocks", "read:blocks", []),
    ("/v1/endorsements", "read:accounts", []),
    ("/v1/favourites", "read:favourites", []),
    ("/v1/featured_tags", "read:accounts", []),
    ("/v1/filters", "read:filters", []),
    ("/v1/followed_tags", "read:follows", []),
    ("/v1/lists", "read:lists", []),
    ("/v1/mutes", "read:mutes", []),
    ("/v1/scheduled_statuses", "read:statuses", []),
    ("/v1/suggestions", "read", []),
    ("/v1/timelines/direct", "read:statuses", []),
    ("/v1/timelines/tag/{tag}", "read:statuses", []),
    ("/v2/filters", "read:filters", []),
    ("/v2/suggestions", "read", []),
    ("/v1/accounts/{id}/endorsements", "read:accounts", []),
    ("/v1/accounts/{id}/featured_tags", "read:accounts", []),
    ("/v1/accounts/{id}/followers", "read:accounts", []),
    ("/v1/accounts/{id}/following", "read:accounts", []),
    ("/v1/accounts/{id}/identity_proofs", "read:accounts", []),
    ("/v1/accounts/{id}/lists", "read:lists", []),
)
EMPTY_FOR_ALL: Final[tuple[tuple[str, Any], ...]] = (
    ("/v1/custom_emojis", []),
    ("/v1/directory", []),
    ("/v1/instance/activity", []),
    ("/v1/instance/domain_blocks", []),
    ("/v1/instance/peers", []),
    ("/v1/instance/translation_languages", {}),
    ("/v1/trends", []),
    ("/v1/trends/links", []),
    ("/v1/trends/statuses", []),
    ("/v1/trends/tags", []),
)
PREFERENCES: Final = {
    "posting:default:visibility": "private",
    "posting:default:sensitive": False,
    "posting:default:language": None,
    "posting:default:quote_policy": "nobody",
    "reading:expand:media": "default",
    "reading:expand:spoilers": False,
    "reading:autoplay:gifs": False,
}


class Untrailed:
    """Takes the slash from the end of a path, where some clients write one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["path"].endswith("/"):
            root = scope.get("root_path", "")
            scope = {**scope, "path": root + (scope["path"].removeprefix(root).rstrip("/") or "/")}
        await self._app(scope, receive, send)


def routes(deps: Deps) -> list[BaseRoute]:
    """Return the routes under `/api`, and the pictures that its answers point to."""
    calls = Buckets(burst=CALLS_PER_WINDOW, per_second=CALLS_PER_WINDOW / WINDOW_SECONDS)
    resolves = Buckets(burst=RESOLVES[0], per_second=RESOLVES[1])

    def at(path: str, **doors: Door) -> Route:
        return Route(path, Endpoint(deps, calls, doors))

    listed = [
        *(at(path, **doors) for path, doors in _about_statuses().items()),
        *(at(path, **doors) for path, doors in _about_accounts(resolves).items()),
        *(at(path, **doors) for path, doors in _about_the_rest(resolves).items()),
        *(at(path, GET=Door(_always(value), scope)) for path, scope, value in EMPTY),
        *(at(path, GET=Door(_always(value), signed_in=False)) for path, value in EMPTY_FOR_ALL),
        at("/{rest:path}", **{method: Door(_nothing, signed_in=False) for method in METHODS}),
    ]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=list(METHODS),
        allow_headers=list(REQUEST_HEADERS),
        expose_headers=list(EXPOSED),
        max_age=86_400,
    )
    return [
        Mount("/api", app=Untrailed(Router(listed, redirect_slashes=False)), middleware=[cors]),
        Route("/health", _alive, methods=["GET"]),
        Route("/avatars/original/missing.png", house.Picture("avatar.png"), methods=["GET"]),
        Route("/headers/original/missing.png", house.Picture("header.png"), methods=["GET"]),
        Route("/instance/thumbnail.png", house.Picture("header.png"), methods=["GET"]),
    ]


def _about_statuses() -> dict[str, dict[str, Door]]:
    read, write, thank = "read:statuses", "write:statuses", "write:favourites"
    one = "/v1/statuses/{id}"
    refused = Door(statuses.not_here, write)
    return {
        "/v1/timelines/home": {"GET": Door(timelines.home, read)},
        "/v1/timelines/public": {"GET": Door(timelines.public, read, signed_in=False)},
        "/v1/statuses": {
            "GET": Door(statuses.several, read, signed_in=False),
            "POST": Door(statuses.create, write),
        },
        one: {
            "GET": Door(statuses.show, read, signed_in=False),
            "PUT": Door(statuses.update, write),
            "DELETE": Door(statuses.delete, write),
        },
        f"{one}/context": {"GET": Door(statuses.context, read, signed_in=False)},
        f"{one}/source": {"GET": Door(statuses.source, read)},
        f"{one}/favourite": {"POST": Door(statuses.favourite, thank)},
        f"{one}/unfavourite": {"POST": Door(statuses.unfavourite, thank)},
        f"{one}/favourited_by": {"GET": Door(statuses.nobody, read, signed_in=False)},
        f"{one}/reblogged_by": {"GET": Door(statuses.nobody, read, signed_in=False)},
        **{
            f"{one}/{verb}": {"POST": refused}
            for verb in (
                "reblog",
                "unreblog",
                "bookmark",
                "unbookmark",
                "mute",
                "unmute",
                "pin",
                "unpin",
                "translate",
            )
        },
    }


def _about_accounts(resolves: Buckets) -> dict[str, dict[str, Door]]:
    read, follows = "read:accounts", "write:follows"
    one = "/v1/accounts/{id}"
    return {
        "/v1/accounts": {
            "GET": Door(people.several, read, signed_in=False),
            "POST": Door(_no_sign_up, signed_in=False),
        },
        "/v1/accounts/verify_credentials": {"GET": Door(people.verify_credentials, read)},
        "/v1/accounts/lookup": {"GET": Door(people.lookup, read, signed_in=False)},
        "/v1/accounts/relationships": {"GET": Door(people.relationships, "read:follows")},
        "/v1/accounts/familiar_followers": {"GET": Door(_always([]), "read:follows")},
        "/v1/accounts/search": {"GET": Door(search.people(resolves), read)},
        one: {"GET": Door(people.show, read, signed_in=False)},
        f"{one}/statuses": {"GET": Door(people.statuses, "read:statuses", signed_in=False)},
        f"{one}/follow": {"POST": Door(people.follow, follows)},
        f"{one}/unfollow": {"POST": Door(people.unfollow, follows)},
        f"{one}/remove_from_followers": {"POST": Door(people.remove_follower, follows)},
        "/v1/follow_requests": {"GET": Door(people.asking, "read:follows")},
        "/v1/follow_requests/{id}/authorize": {"POST": Door(people.authorize, follows)},
        "/v1/follow_requests/{id}/reject": {"POST": Door(people.reject, follows)},
    }


def _about_the_rest(resolves: Buckets) -> dict[str, dict[str, Door]]:
    return {
        "/v1/instance": {"GET": Door(house.v1, signed_in=False)},
        "/v2/instance": {"GET": Door(house.v2, signed_in=False)},
        "/v1/instance/rules": {"GET": Door(house.rules, signed_in=False)},
        "/v1/instance/extended_description": {"GET": Door(house.extended_description, signed_in=False)},
        "/v2/search": {"GET": Door(search.everything(resolves), "read:search")},
        "/v1/notifications": {"GET": Door(timelines.notifications, "read:notifications")},
        "/v1/preferences": {"GET": Door(_always(PREFERENCES), "read:accounts")},
        "/v1/markers": {
            "GET": Door(_always({}), "read:statuses"),
            "POST": Door(_always({}), "write:statuses"),
        },
    }


async def _alive(request: Request) -> Response:
    """GET /health: what clients ask to learn whether the server is up at all."""
    return PlainTextResponse("OK", headers={"cache-control": "no-store"})


def _always(value: Any) -> Handler:
    async def answer(call: Call) -> Response:
        return json(value)

    return answer


async def _nothing(call: Call) -> Response:
    """Whatever else is asked for under `/api`."""
    raise NotFound


async def _no_sign_up(call: Call) -> Response:
    """POST /api/v1/accounts: people join on the page, where they read what they agree to."""
    raise Refused(403, "Join on the web page of this server")
