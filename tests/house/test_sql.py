"""Every statement in the source is one the migrated database understands."""

from __future__ import annotations

import ast
import re

import asyncpg
import pytest

from fediverse_support.db.pool import Db
from tests.house.source import ROOT, modules

SQL = re.compile(r"\s*(?:--[^\n]*\n\s*)*(select|insert|update|delete|with)\b", re.IGNORECASE)


def statements() -> list[tuple[str, str]]:
    """Every module-level constant that holds SQL, with where it stands."""
    found = []
    for module in modules():
        for node in module.tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            value = getattr(node, "value", None)
            if (
                isinstance(target, ast.Name)
                and isinstance(value, ast.Constant)
                and isinstance(value.value, str)
            ):
                if SQL.match(value.value):
                    found.append((f"{module.path}:{node.lineno} {target.id}", value.value))
    return found


async def test_every_statement_can_be_prepared(db: Db) -> None:
    broken = []
    async with db.connection() as conn:
        for where, text in statements():
            try:
                await conn.prepare(text)
            except asyncpg.PostgresError as error:
                broken.append(f"{where}: {error}")
    assert broken == []
    assert len(statements()) > 30


def test_no_statement_is_glued_together() -> None:
    glued = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                text = str(node.values[0].value)
                if re.match(r"\s*(select|insert into|update|delete from|with)\s", text):
                    glued.append(f"{module.path}:{node.lineno}")
    assert glued == []


def test_every_list_of_posts_asks_who_may_see_it() -> None:
    """A SELECT over posts in `reads` names `can_see` or `can_fetch`, or is for the author, staff or
    operators.

    What a group relays of other servers' posts is public and asks `rule_for` instead.
    """
    unchecked = [
        where
        for where, text in statements()
        if where.startswith("fediverse_support/reads/")
        and re.search(r"\b(from|join)\s+posts\b", text)
        and not re.search(r"can_see|can_fetch|author_id = \$", text)
        and not ("p.audience in ('public', 'unlisted')" in text and "rule_for(" in text)
        and not re.search(r"reads/(exchange/(explain|queues)|moderation/moderation)\.py", where)
    ]
    assert unchecked == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fediverse_support" / "db").rglob("*.sql")), ids=lambda path: path.name
)
def test_sql_files_read_the_same_under_every_locale(path: object) -> None:
    from pathlib import Path

    assert Path(str(path)).read_bytes().isascii()
