"""The door to PostgreSQL: connections, transactions, and the clock that goes with them.

For everyone who writes SQL here: placeholders are `$1`; `json` and `jsonb` come and go as text (encode and
decode with msgspec); `timestamptz` comes and goes as an aware `datetime`; arrays as lists. A row is an
`asyncpg.Record`, whose values have the types the statement says and mypy cannot see: whoever maps a row names
them. asyncpg's own exceptions pass through where a statement is at fault; whatever means that the database
cannot serve for now (it is away, full, read-only, too slow) becomes `DatabaseUnavailable`.

`Conn` reads; what is written on one is a single statement that stands alone, as the queues have them. `Tx` is
a `Conn` inside a transaction: whoever takes a `Tx` never commits. Only `Db.transaction` makes one, so that
handing a mere `Conn` where a `Tx` is asked for is an error of types. Both are what the driver hands out, and
`Tx` is a `NewType` of it rather than a class around it: a wrapper would cost every statement a call, this
costs every transaction one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, NewType, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from fediverse_support.db.outages import is_of_another_time, sentence_for, why_unable

Conn: TypeAlias = PoolConnectionProxy | asyncpg.Connection
Tx = NewType("Tx", PoolConnectionProxy)
Clock = Callable[[], datetime]
OnConnect = Callable[[asyncpg.Connection], Awaitable[None]]

WAIT_SECONDS: Final = 10.0
"""How long a request waits for a free connection before it is refused."""
SESSION: Final = {
    "jit": "off",  # compiling costs more than our short queries take
    "plan_cache_mode": "force_generic_plan",  # planning our statements costs more than running them
    "random_page_cost": "1.1",  # what lists read is in memory or on a disk without arms
    "timezone": "UTC",
    "application_name": "fediverse-support",
    "idle_in_transaction_session_timeout": "60s",
}
ROLL_BACK: Final = "rollback"
SET: Final = "select set_config(name, value, false) from unnest($1::text[], $2::text[]) as s (name, value)"
STATEMENT_SECONDS: Final = 30.0
"""How long one statement may take where nobody waits for it: in the workers, on the command line."""
GRACE_SECONDS: Final = 5.0
"""A server that says nothing for so long after a statement's time is over does not answer at all."""
CUT_OFF: Final = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises where nobody answers, or hangs up while a new connection is being made."""
RELEASE_SECONDS: Final = 2.0
"""How long a connection may take to end what was given up on it; after that it is closed."""


class DatabaseUnavailable(Exception):
    """The database does not answer; trying again in a while may work. The text is one sentence."""


class Conflicted(DatabaseUnavailable):
    """Two transactions stood in each other's way, and this one was undone; at once again, it may work."""


def machine_clock(ahead: timedelta = timedelta()) -> Clock:
    """Return the machine's clock, set ahead by so much; behind where it is negative.

    Every time that is kept, sent or compared comes from `Db.now`, so from here. What takes only how long
    something lasts (timeouts, rates) reads a monotonic clock; row ids are numbered by the database's own.
    """
    return lambda: datetime.now(UTC) + ahead


class Db:
    """A pool of connections and a clock. Made by `open_db`, closed by whoever made it."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        dsn: str,
        clock: Clock | None = None,
        places: asyncio.Semaphore | None = None,
    ) -> None:
        self._pool = pool
        self._clock = machine_clock() if clock is None else clock
        self._places = places
        self.dsn: Final = dsn

    def share(self, most: int) -> Db:
        """Return the same database for one kind of use, which never holds more than `most` connections.

        When all shares together are no more than the pool, none of them can starve another.
        """
        return Db(self._pool, self.dsn, self._clock, asyncio.Semaphore(most))

    def now(self) -> datetime:
        """Return the time, aware and in UTC; tests hand in a clock of their own."""
        return self._clock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy]:
        """Lend a connection for reading.

        Raise `DatabaseUnavailable` when there is none within `WAIT_SECONDS`, and for whatever goes wrong
        because the database cannot serve.
        """
        await self._take_place()
        try:
            conn = await self._acquire()
            try:
                yield conn
            except TimeoutError as error:
                await self._pool.expire_connections()  # it says nothing: perhaps another one serves by now
                raise DatabaseUnavailable("The database does not answer.") from error
            except asyncpg.PostgresError as error:
                if (found := await self._outage(error)) is None:
                    raise
                raise found from error
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
                await self._give_back(conn)
        finally:
            if self._places is not None:
                self._places.release()

    async def _take_place(self) -> None:
        if self._places is None:
            return
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._places.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("The database is too busy to answer.") from error

    async def _acquire(self) -> PoolConnectionProxy:
        try:
            return await self._pool.acquire(timeout=WAIT_SECONDS)
        except TimeoutError as error:
            raise DatabaseUnavailable("The database is too busy to answer.") from error
        except asyncpg.PostgresError as error:  # making a new connection failed
            raise DatabaseUnavailable(sentence_for(error)) from error
        except CUT_OFF as error:
            raise DatabaseUnavailable("The database cannot be reached.") from error

    async def _give_back(self, conn: PoolConnectionProxy) -> None:
        # The driver closes what it cannot make clean again, and the next one who asks gets a new one.
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._pool.release(conn, timeout=RELEASE_SECONDS)

    async def _outage(self, error: asyncpg.PostgresError) -> DatabaseUnavailable | None:
        """Return what an error means, None where the statement is at fault."""
        why = why_unable(error)
        if is_of_another_time(error):
            await self._pool.expire_connections()
        if isinstance(error, asyncpg.TransactionRollbackError) and why is not None:
            return Conflicted(why)
        return None if why is None else DatabaseUnavailable(why)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Open a transaction (read committed): committed at the end, rolled back if anything is raised."""
        async with self.connection() as conn, conn.transaction():
            yield Tx(conn)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a connection outside of the pool, for what lives long: LISTEN, session locks.

        Raise `DatabaseUnavailable` when it cannot be opened, or is lost meanwhile.
        """
        conn = await connect(self.dsn, statement_timeout="0")
        try:
            yield conn
        except asyncpg.PostgresError as error:
            if (found := await self._outage(error)) is None:
                raise
            raise found from error
        except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            if _is_gone(conn):
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
    dsn: str,
    *,
    clock: Clock | None = None,
    size: int = 10,
    statement_seconds: float = STATEMENT_SECONDS,
    must_answer: bool = True,
    on_connect: OnConnect | None = None,
) -> Db:
    """Open a pool of at most `size` connections.

    Raise `DatabaseUnavailable` if the first one fails, unless the database need not answer yet.
    The server gives up a statement after `statement_seconds`. `on_connect` is called with every new
    connection; tests count queries with it.
    """

    async def settle(conn: asyncpg.Connection) -> None:
        await _settle(conn, statement_timeout=f"{statement_seconds:g}s")
        if on_connect is not None:
            await on_connect(conn)

    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,  # the driver keeps a minimum up by itself, and fills the log while it cannot
            max_size=size,
            timeout=WAIT_SECONDS,
            command_timeout=statement_seconds + GRACE_SECONDS,
            init=settle,
            reset=_leave_clean,
        )
        if must_answer:
            await pool.release(await pool.acquire(timeout=WAIT_SECONDS))
    except (TimeoutError, ValueError, asyncpg.PostgresError, *CUT_OFF) as error:
        raise DatabaseUnavailable(sentence_for(error)) from error
    return Db(pool, dsn, clock)


async def _hang_up(conn: asyncpg.Connection) -> None:
    try:
        await conn.close(timeout=2)
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        conn.terminate()


async def _settle(conn: asyncpg.Connection, **more: str) -> None:
    # Set, not asked for at the start of the connection: poolers between us and PostgreSQL refuse what they do
    # not know there.
    settings = {**SESSION, **more}
    await conn.execute(SET, list(settings), list(settings.values()))


def _is_gone(conn: Conn) -> bool:
    try:
        return bool(conn.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back when the server hung up
        return True


async def _leave_clean(conn: asyncpg.Connection) -> None:
    # asyncpg would reset the whole session, one more round trip for every request; nobody here changes a
    # session.
    if conn.is_in_transaction():
        await conn.execute(ROLL_BACK)


async def connect(dsn: str, **settings: str) -> asyncpg.Connection:
    """Open one connection with our settings, changed by `settings`; raise `DatabaseUnavailable`."""
    try:
        conn = await asyncpg.connect(dsn, timeout=WAIT_SECONDS)
        try:
            await _settle(conn, **{"statement_timeout": f"{STATEMENT_SECONDS:g}s", **settings})
        except (asyncpg.PostgresError, *CUT_OFF):
            conn.terminate()
            raise
    except (TimeoutError, ValueError, asyncpg.PostgresError, *CUT_OFF) as error:
        raise DatabaseUnavailable(sentence_for(error)) from error
    return conn
