"""What PostgreSQL's errors mean for us: a fault of the statement, or a database that cannot serve for now."""

from __future__ import annotations

from typing import Final

import asyncpg

# SQLSTATE classes and codes, PostgreSQL documentation, appendix A. The longest that fits counts.
UNABLE: Final = {
    "08": "The database went away.",
    "25006": "The database can be read but not written.",
    "25P03": "The database gave up waiting for us.",
    "25P04": "The database took too long.",
    "40001": "The database was asked for the same thing twice at once.",
    "40P01": "The database was asked for the same thing twice at once.",
    "53": "The database has run out of something it needs.",
    "53100": "The disk of the database is full.",
    "53300": "The database has no connection left.",
    "54P01": "The database took too long.",
    "55P03": "The database is too busy to answer.",
    "57": "The database is being stopped or started.",
    "57014": "The database took too long.",
    "58": "The database cannot use its disk.",
}
Refusal = asyncpg.PostgresError
"""PostgreSQL says no to a statement, for whatever reason."""
CUT_SHORT: Final = (ConnectionResetError, asyncpg.InterfaceError)
"""The connection went away in the middle of something."""
AT_FAULT: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What values can be at fault for that somebody else chose."""
OF_A_SERVER_IN_RECOVERY: Final = frozenset({"25006"})
"""Connections that report this are good for reading only, and stay so after another server has taken over."""


def why_unable(error: asyncpg.PostgresError) -> str | None:
    """Return one sentence where the database cannot serve for now; None where the statement is at fault."""
    state = error.sqlstate or ""
    return UNABLE.get(state) or UNABLE.get(state[:2])


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, without its full stop."""
    said = (str(error.args[0]) if error.args else "").splitlines()
    return (said[0] if said else type(error).__name__).rstrip(".")


def is_of_another_time(error: asyncpg.PostgresError) -> bool:
    """Say whether all connections were made to a server that cannot be written to, and must be made anew."""
    return error.sqlstate in OF_A_SERVER_IN_RECOVERY


def sentence_for(error: Exception) -> str:
    """Say in one sentence, without the address or the password, why a connection failed."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():  # a wrong password among them
            return "PostgreSQL refuses the user or the password in DATABASE_URL."
        case asyncpg.InvalidCatalogNameError():
            return "PostgreSQL has no database of the name in DATABASE_URL."
        case asyncpg.PostgresError():
            said = str(error.args[0] if error.args else error.sqlstate).splitlines()[0].rstrip(".")
            return f"PostgreSQL refuses the connection: {said}."
        case TimeoutError():
            return "PostgreSQL did not answer in time."
        case asyncpg.InternalClientError():
            return "PostgreSQL hung up while we connected to it."
        case OSError():
            return f"PostgreSQL cannot be reached: {error.strerror or 'no connection'}."
        case _:
            return "DATABASE_URL is not a PostgreSQL address that can be used."
