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


def count_of(done: str) -> int:
    """Return how many rows a statement changed, from what the database says of it, such as `DELETE 3`."""
    return int(done.rpartition(" ")[2])
