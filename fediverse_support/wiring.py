"""The composition root: settings become adapters, `Deps`, routes and workers, here and nowhere else."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from federation.http import Transport
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db.pool import STATEMENT_SECONDS, DatabaseUnavailable, Db, machine_clock, open_db
from fediverse_support.deps import Deps
from fediverse_support.domain.version import PACKAGE, VERSION
from fediverse_support.lookups import Limits
from fediverse_support.remote import LIMITS, Remote
from fediverse_support.settings import Settings
from fediverse_support.store import house

if TYPE_CHECKING:
    from fediverse_support.web.health import Tally
    from fediverse_support.workers.errands.outside import Outside


Use = Literal["inbox", "federation", "client", "pages", "doors", "probes", "asking"]

CONNECTIONS: Final[dict[Use, int]] = {
    "inbox": 2, "federation": 4, "client": 4, "pages": 4, "doors": 2, "probes": 1, "asking": 3,
}  # fmt: skip
"""How many database connections each use of the web process has for itself: slow lists never keep people from
signing in (`doors`), nor deliveries from being stored. `asking` is what looking at other servers needs."""
PARTS: Final[Mapping[Literal["web", "worker"], tuple[str, ...]]] = {
    "web": ("web.app", "web.health", "web.federation.routes", "web.mastodon.routes", "web.pages.routes"),
    "worker": ("workers.loop", "workers.errands.outside", "adapters.mailer"),
}
"""The process of the workers never needs the web, nor that of the web the workers."""
SECONDS_FOR_PEOPLE: Final = 5.0
ASK_EVERY: Final = 1.0
"""Seconds between two tries to ask a database for what we need to begin."""


@asynccontextmanager
async def opened(
    settings: Settings, stop: asyncio.Event, *, is_for_people: bool = False
) -> AsyncIterator[Deps]:
    """Open what a process lives on, and close it again.

    `settings.database_url` must be set: an embedded server is started by whoever runs the processes. A
    database that is away is not waited for, unless it alone knows our address: until it comes back the web
    shows what needs none. `is_for_people` bounds statements to what somebody waits for. Raises
    `DatabaseUnavailable` and `SecretProblem`.
    """
    assert settings.database_url is not None  # noqa: S101 (the parent process sets it)
    size = sum(CONNECTIONS.values()) if is_for_people else 10
    seconds = SECONDS_FOR_PEOPLE if is_for_people else STATEMENT_SECONDS
    db = await open_db(
        settings.database_url,
        clock=machine_clock(settings.clock_ahead),
        size=size,
        statement_seconds=seconds,
        must_answer=False,
    )
    try:
        if not settings.is_address_chosen:
            settings = await _at_its_address(db, settings, stop)
        async with HttpClient(
            user_agent=user_agent(settings),
            allow_http=settings.allow_http,
            allow_networks=settings.allowed_networks,
        ) as client:
            deps = build(settings, db, client, load_secret(settings.data_dir))
            ear = asyncio.create_task(deps.remembered.listen(db))
            try:
                yield deps
            finally:
                ear.cancel()
                await asyncio.wait([ear])
                await deps.remote.close()
    finally:
        await db.close()


async def _at_its_address(db: Db, settings: Settings, stop: asyncio.Event) -> Settings:
    """Return the settings with the address that the data were made with, where the operator named none."""
    while True:
        try:
            async with db.connection() as conn:
                kept = await house.find_settled(conn, "base_url")
            return settings if kept is None else replace(settings, base_url=kept)
        except DatabaseUnavailable:
            if stop.is_set():
                raise
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_EVERY):
                await stop.wait()


def build(
    settings: Settings, db: Db, transport: Transport, secret: bytes, *, limits: Limits = LIMITS
) -> Deps:
    """Return what the edges and the workers are handed; tests bring their own database and transport."""
    instance = settings.instance
    return Deps(
        settings=settings,
        instance=instance,
        db=db,
        remote=Remote(db, transport, instance, secret, limits),
        transport=transport,
        passwords=Passwords(),
        secret=secret,
    )


def import_parts(role: Literal["web", "worker"]) -> None:
    """Import what only this role needs, ahead of the moment it is needed."""
    for name in PARTS[role]:
        importlib.import_module(f"fediverse_support.{name}")


def web(deps: Deps) -> ASGIApp:
    """Return the web application."""
    from fediverse_support.web import app, health

    tally = health.Tally()
    return tally.watching(app.assemble(all_routes(deps, tally), base_url=deps.instance.base_url))


def all_routes(deps: Deps, tally: Tally) -> list[BaseRoute]:
    """Return every route in the order it is tried: what is asked most first, the pages last."""
    from fediverse_support.web import health
    from fediverse_support.web.federation import routes as federation
    from fediverse_support.web.mastodon import routes as mastodon
    from fediverse_support.web.pages import routes as pages

    def with_its_own(use: Use) -> Deps:
        return replace(deps, db=deps.db.share(CONNECTIONS[use]))

    probed = with_its_own("probes").db
    return [
        *federation.routes(with_its_own("federation"), inbox=with_its_own("inbox")),
        *health.routes(probed, tally, token=lambda: health.token_in(deps.settings.data_dir)),
        *mastodon.routes(with_its_own("client")),
        *pages.routes(with_its_own("pages"), doors=with_its_own("doors")),
    ]


def outside(deps: Deps) -> Outside:
    """Return what the workers are handed, and nobody else: what waits for the world outside."""
    from fediverse_support.adapters.mailer import mailer
    from fediverse_support.workers.errands.outside import Outside

    return Outside(deps, mailer(deps.settings))


async def work(deps: Deps, stop: asyncio.Event) -> None:
    """Work off the queues until `stop` is set."""
    from fediverse_support.workers import loop

    await loop.run(outside(deps), stop)


def user_agent(settings: Settings) -> str:
    """Return how we introduce ourselves to other servers."""
    return f"{PACKAGE}/{VERSION} (+{settings.base_url}/)"
