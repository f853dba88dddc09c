"""Work with the database from the command line: lend it, run the work, say in one sentence what failed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fediverse_support.adapters import embedded_postgres
from fediverse_support.adapters.postgres_files import PostgresProblem
from fediverse_support.adapters.secret_file import SecretProblem
from fediverse_support.cli.grammar import complain
from fediverse_support.db import migrate
from fediverse_support.db.migrate import MigrationFailed
from fediverse_support.db.outages import CUT_SHORT, Refusal, first_line
from fediverse_support.db.pool import DatabaseUnavailable, Db, machine_clock, open_db
from fediverse_support.domain.errors import AppError, RateLimited
from fediverse_support.domain.instance import Instance
from fediverse_support.settings import Settings

Work = Callable[[Db], Awaitable[int]]
KNOWN = (PostgresProblem, DatabaseUnavailable, MigrationFailed, SecretProblem)


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Lend the address of the database: the given one, or the embedded one, running for this while."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded_postgres.running(settings.data_dir) as dsn:
        yield dsn


def with_database(settings: Settings, work: Work) -> int:
    """Open the database, bring its schema up to date, do the work, and return its exit status."""

    async def inside(dsn: str) -> int:
        await migrate.migrate(dsn)
        db = await open_db(dsn, clock=machine_clock(settings.clock_ahead), size=2)
        try:
            return await work(db)
        finally:
            await db.close()

    return guarded(settings, inside)


async def settled(db: Db, settings: Settings) -> Instance:
    """Return this instance under the address its data were made with; raises `Conflict` for another one."""
    from fediverse_support.actions import house

    return await house.settle(db, settings.instance, is_chosen=settings.is_address_chosen)


def guarded(settings: Settings, work: Callable[[str], Awaitable[int]]) -> int:
    """Do the work with the database's address.

    What may fail in known ways becomes a sentence and status 1.
    """
    try:
        with database(settings) as dsn:
            return asyncio.run(_awaited(work, dsn))
    except RateLimited:
        return complain("Too many at once; try again later.")
    except AppError as error:
        from fediverse_support.cli.words import sentence_for  # nothing heavy is imported where all goes well

        return complain(sentence_for(error))
    except KNOWN as error:
        return complain(str(error))
    except Refusal as error:
        return complain(f"PostgreSQL refuses what was asked of it: {first_line(error)}.")
    except CUT_SHORT:
        return complain("The database went away in the middle of the work; try again.")


async def _awaited(work: Callable[[str], Awaitable[int]], dsn: str) -> int:
    return await work(dsn)


def print_json(value: Any) -> None:
    """Print a value as JSON; times in ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return asdict(value)  # type: ignore[call-overload]  # json hands over only what it does not know: dataclasses


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns as wide as they need."""
    texts = [
        list(titles),
        *([("-" if cell is None or cell == "" else str(cell)) for cell in row] for row in rows),
    ]
    widths = [max(len(row[column]) for row in texts) for column in range(len(titles))]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip(), file=sys.stdout)
