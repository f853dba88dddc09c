"""The composition root: settings become adapters, `Deps`, routes and workers, here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from federation.http import Transport
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.adapters.passwords import Passwords
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db.pool import Db, open_db
from fediverse_support.deps import Deps
from fediverse_support.domain.version import PACKAGE, VERSION
from fediverse_support.remote import Remote
from fediverse_support.settings import Settings

if TYPE_CHECKING:
    from fediverse_support.web.health import Tally


FIND_ADDRESS: Final = "select value from settings where name = 'base_url'"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Deps]:
    """Open what a process lives on, and close it again.

    `settings.database_url` must be set: an embedded server is started by whoever runs the processes. Raises
    `DatabaseUnavailable` and `SecretProblem`.
    """
    assert settings.database_url is not None  # noqa: S101 (the parent process sets it)
    db = await open_db(settings.database_url)
    try:
        if not settings.is_address_chosen:
            settings = await _at_its_address(db, settings)
        async with HttpClient(
            user_agent=user_agent(settings),
            allow_http=settings.allow_http,
            allow_networks=settings.allowed_networks,
        ) as client:
            yield build(settings, db, client, load_secret(settings.data_dir))
    finally:
        await db.close()


async def _at_its_address(db: Db, settings: Settings) -> Settings:
    """Return the settings with the address that the data were made with, where the operator named none."""
    async with db.connection() as conn:
        kept: str | None = await conn.fetchval(FIND_ADDRESS)
    return settings if kept is None else replace(settings, base_url=kept)


def build(settings: Settings, db: Db, transport: Transport, secret: bytes) -> Deps:
    """Return what the edges and the workers are handed; tests bring their own database and transport."""
    instance = settings.instance
    return Deps(
        settings=settings,
        instance=instance,
        db=db,
        remote=Remote(db, transport, instance, secret),
        transport=transport,
        passwords=Passwords(),
        secret=secret,
    )


def web(deps: Deps) -> ASGIApp:
    """Return the web application."""
    # Imported here: the process of the workers never needs the web, nor this one the workers.
    from fediverse_support.web import app, health

    tally = health.Tally()
    return tally.watching(app.assemble(all_routes(deps, tally), base_url=deps.instance.base_url))


def all_routes(deps: Deps, tally: Tally) -> list[BaseRoute]:
    """Return every route in the order it is tried: what is asked most first, the pages last."""
    from fediverse_support.web import health
    from fediverse_support.web.federation import routes as federation
    from fediverse_support.web.mastodon import routes as mastodon
    from fediverse_support.web.pages import routes as pages

    return [
        *federation.routes(deps),
        *health.routes(deps.db, tally, token=lambda: health.token_in(deps.settings.data_dir)),
        *mastodon.routes(deps),
        *pages.routes(deps),
    ]


async def work(deps: Deps, stop: asyncio.Event) -> None:
    """Work off the queues until `stop` is set."""
    from fediverse_support.workers import loop

    await loop.run(deps, stop)


def user_agent(settings: Settings) -> str:
    """Return how we introduce ourselves to other servers."""
    return f"{PACKAGE}/{VERSION} (+{settings.base_url}/)"
