"""Rows of statements: what one answers, where it knows more about it than its type does, and many that one
takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from asyncpg import DataError, Record


def only(row: Record | None) -> Record:
    """Return the row of a statement that always answers with one: an aggregate, or what it has just written.

    Raise `AssertionError` if there is none, which is a fault of the statement.
    """
    if row is None:
        raise AssertionError("a statement that always answers with a row had none")
    return row


def count_of(done: str) -> int:
    """Return how many rows a statement changed, from what the database says of it, such as `DELETE 3`."""
    return int(done.rpartition(" ")[2])


def recordset(rows: Sequence[object]) -> str:
    """Return rows as a statement takes many of them, each value under its name: for `json_to_recordset`.

    Raises `DataError` for text that no database could hold.
    """
    try:
        return msgspec.json.encode(rows).decode()
    except UnicodeEncodeError as error:
        raise DataError("a text with half a character in it") from error
