"""What a statement answers, where the statement knows more about it than its type does."""

from __future__ import annotations

from asyncpg import Record


def only(row: Record | None) -> Record:
    """Return the row of a statement that always answers with one: an aggregate, or what it has just written.

    Raise `AssertionError` if there is none, which is a fault of the statement.
    """
    if row is None:
        raise AssertionError("a statement that always answers with a row had none")
    return row
