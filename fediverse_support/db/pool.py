"""The door to PostgreSQL: connections, transactions, and the clock that goes with them.

For everyone who writes SQL here: placeholders are `$1`; `json` and `jsonb` come and go as text (encode and
decode with msgspec); `timestamptz` comes and goes as an aware `datetime`; arrays as lists. `Conn` reads,
`Tx` is a `Conn` inside a transaction: whoever takes a `Tx` never commits. asyncpg's own exceptions pass
through, except that a database which cannot be reached, or went away, always becomes `DatabaseUnavailable`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, TypeAlias

import asyncpg

Conn: TypeAlias = asyncpg.Connection
Tx: TypeAlias = asyncpg.Connection
Clock = Callable[[], datetime]
OnConnect = Callable[[asyncpg.Connection], Awaitable[None]]

WAIT_SECONDS: Final = 10.0
"""How long a request waits for a free connection before it is refused."""

SERVER_SETTINGS: Final = {
    "jit": "off",  # compiling costs more than our short queries take
    "plan_cache_mode": "force_generic_plan",  # planning our statements costs more than running them
    "timezone": "UTC",
    "application_name": "fediverse-support",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


class DatabaseUnavailable(Exception):
    """The database does not answer; trying again in a while may work. The text is one sentence."""


class Db:
    """A pool of connections and a clock. Made by `open_db`, closed by whoever made it."""

    def __init__(self, pool: asyncpg.Pool, dsn: str, clock: Clock | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self.dsn: Final = dsn

    def now(self) -> datetime:
        """Return the time, aware and in UTC; tests hand in a clock of their own."""
        return datetime.now(UTC) if self._clock is None else self._clock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        """Lend a connection for reading.

        Raise `DatabaseUnavailable` when there is none within `WAIT_SECONDS`.
        """
        try:
            conn = await self._pool.acquire(timeout=WAIT_SECONDS)
        except TimeoutError as error:
            raise DatabaseUnavailable("The database is too busy to answer.") from error
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            raise DatabaseUnavailable("The database cannot be reached.") from error
        try:
            yield conn
        except LOST as error:
            raise DatabaseUnavailable("The database went away.") from error
        except asyncpg.InternalClientError as error:
            # The driver was told that the server ends while it waited for nothing, and lost its place.
            if not _is_gone(conn):
                conn.terminate()
            raise DatabaseUnavailable("The database went away.") from error
        except (asyncpg.InterfaceError, OSError) as error:
            if _is_gone(conn):
                raise DatabaseUnavailable("The database went away.") from error
            raise
        finally:
            await self._pool.release(conn)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Open a transaction (read committed): committed at the end, rolled back if anything is raised."""
        async with self.connection() as conn, conn.transaction():
            yield conn

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a connection outside of the pool, for what lives long: LISTEN, session locks.

        Raise `DatabaseUnavailable` when it cannot be opened, or is lost meanwhile.
        """
        conn = await connect(self.dsn, statement_timeout="0")
        try:
            yield conn
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, *LOST) as error:
            if _is_gone(conn) or isinstance(error, LOST):
                raise DatabaseUnavailable("The database went away.") from error
            raise
        finally:
            await _hang_up(conn)

    async def close(self) -> None:
        """Close every connection, waiting at most two seconds for those in use."""
        try:
            async with asyncio.timeout(2):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def open_db(
    dsn: str, *, clock: Clock | None = None, size: int = 10, on_connect: OnConnect | None = None
) -> Db:
    """Open a pool of at most `size` connections; raise `DatabaseUnavailable` if the first one fails.

    `on_connect` is called with every new connection; tests count queries with it.
    """
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=WAIT_SECONDS,
            init=on_connect,
            reset=_leave_clean,
            server_settings=SERVER_SETTINGS,
        )
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(sentence_for(error)) from error
    return Db(pool, dsn, clock)


async def _hang_up(conn: asyncpg.Connection) -> None:
    try:
        await conn.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        conn.terminate()


def _is_gone(conn: Conn) -> bool:
    try:
        return bool(conn.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back when the server hung up
        return True


async def _leave_clean(conn: asyncpg.Connection) -> None:
    # asyncpg would reset the whole session, one more round trip for every request; nobody here changes a
    # session.
    if conn.is_in_transaction():
        await conn.execute("rollback")


async def connect(dsn: str, **server_settings: str) -> asyncpg.Connection:
    """Open one connection with our settings, changed by `server_settings`; raise `DatabaseUnavailable`."""
    try:
        return await asyncpg.connect(
            dsn, timeout=WAIT_SECONDS, server_settings={**SERVER_SETTINGS, **server_settings}
        )
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(sentence_for(error)) from error


def sentence_for(error: Exception) -> str:
    """Say in one sentence, without the address or the password, why a connection failed."""
    match error:
        case asyncpg.InvalidPasswordError():
            return "PostgreSQL refuses the user or the password in DATABASE_URL."
        case asyncpg.InvalidCatalogNameError():
            return "PostgreSQL has no database of the name in DATABASE_URL."
        case asyncpg.PostgresError():
            return f"PostgreSQL refuses the connection: {error.args[0] if error.args else error.sqlstate}."
        case TimeoutError():
            return f"PostgreSQL did not answer within {WAIT_SECONDS:.0f} seconds."
        case OSError():
            return f"PostgreSQL cannot be reached: {error.strerror or 'no connection'}."
        case _:
            return "DATABASE_URL is not a PostgreSQL address that can be used."
