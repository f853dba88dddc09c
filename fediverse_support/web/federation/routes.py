"""Every address of the server-to-server edge. The ones asked most stand first."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.deps import Deps
from fediverse_support.domain.buckets import Buckets
from fediverse_support.web import negotiation
from fediverse_support.web.federation import collections, pages, wellknown
from fediverse_support.web.federation.actors import Actors, InstanceActor, Kept
from fediverse_support.web.federation.asking import Edge
from fediverse_support.web.federation.inbox import BELLS_PER_SECOND, BURST, PER_SECOND, Inbox
from fediverse_support.web.federation.objects import Objects

GET = ("GET",)
POST = ("POST",)


class ActivityRoute(Route):
    """A page's address that is a route only for programs which ask for the document; others find the page."""

    def matches(self, scope: Scope) -> tuple[Match, dict[str, Any]]:
        """Match the path only together with such an `Accept` header."""
        match, child = super().matches(scope)
        if match is Match.FULL and negotiation.wants_activity(scope):
            return match, dict(child)
        return Match.NONE, {}


def routes(deps: Deps, *, inbox: Deps | None = None) -> list[BaseRoute]:
    """Return the routes of this edge, to stand before those of the pages.

    `inbox` is what deliveries live on, where that is something else than what reading does.
    """
    kept = Kept()
    first = _asked_most(deps, inbox or deps, kept)
    return [*first, *_objects(deps), *_collections(deps), *_about(deps, kept), *_pages(deps, kept)]


def _asked_most(deps: Deps, inbox: Deps, kept: Kept) -> list[BaseRoute]:
    buckets = Buckets(BURST, PER_SECOND)
    actors = Actors(deps, kept)
    bells = Buckets(1, BELLS_PER_SECOND)
    line = Intake(inbox.db, inbox.instance)
    shared, personal = (Inbox(inbox, line, is_shared, buckets, bells) for is_shared in (True, False))
    return [
        Route("/ap/u/{token}", actors, methods=GET),
        Route("/ap/inbox", Edge(shared.post), methods=POST),
        Route("/ap/g/{token}", actors, methods=GET),
        Route("/ap/g/{token}/inbox", Edge(personal.post), methods=POST),
        Route("/ap/u/{token}/inbox", Edge(personal.post), methods=POST),
        Route("/.well-known/webfinger", wellknown.WebFinger(deps, kept), methods=GET),
    ]


def _objects(deps: Deps) -> list[BaseRoute]:
    objects = Objects(deps)
    return [
        Route("/ap/o/{token}", Edge(objects.post), methods=GET),
        Route("/ap/a/{token}", Edge(objects.activity), methods=GET),
        Route("/ap/c/{token}", Edge(objects.context), methods=GET),
        Route("/ap/o/{token}/replies", Edge(objects.replies), methods=GET),
        Route("/ap/o/{token}/likes", Edge(objects.likes), methods=GET),
        Route("/ap/o/{token}/shares", Edge(objects.shares), methods=GET),
    ]


def _collections(deps: Deps) -> list[BaseRoute]:
    tables = (("/ap/u/{token}", collections.OF_PEOPLE), ("/ap/g/{token}", collections.OF_GROUPS))
    return [
        Route(f"{path}/{name}", collections.Collection(deps, build), methods=GET)
        for path, table in tables
        for name, build in table.items()
    ]


def _about(deps: Deps, kept: Kept) -> list[BaseRoute]:
    return [
        Route("/ap/instance", InstanceActor(deps, kept), methods=GET),
        Route("/ap/instance/outbox", collections.NoPosts(deps), methods=GET),
        *(Route(path, document, methods=GET) for path, document in wellknown.about(deps).items()),
    ]


def _pages(deps: Deps, kept: Kept) -> list[BaseRoute]:
    found = pages.Pages(deps)
    return [
        ActivityRoute("/", InstanceActor(deps, kept), methods=GET),
        ActivityRoute("/@{name}", Edge(found.person), methods=GET),
        ActivityRoute("/g/{name}", Edge(found.group), methods=GET),
        ActivityRoute("/g/{name}/t/{post_id}", Edge(found.post), methods=GET),
        ActivityRoute("/post/{post_id}", Edge(found.post), methods=GET),
    ]
