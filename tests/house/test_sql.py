"""Every statement in the source is one the migrated database understands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import asyncpg
import pytest

from fediverse_support.db.pool import Conn, Db
from fediverse_support.reads.posts.windows import MAX_ID
from tests.house import sql
from tests.house.source import ROOT, Module, modules

ROOMS = tuple(f"fediverse_support/{room}/" for room in ("store", "reads", "db"))
HANDED_ON = {
    "fediverse_support/db/migrate.py _install",
    "fediverse_support/store/retention.py prune",
}
"""A file of functions is one long statement; and rules of retention carry theirs, each a constant."""
TURNED = {
    "id < $2": "id > $3", "id > $3": "id < $2", "id < $4": "id > $5", "id > $5": "id < $4", " desc": " asc",
    "min(f.id)": "max(f.id)", "f.id >= e": "f.id <= e",
    "coalesce(max(s.low), 0)": f"coalesce(min(s.low), {MAX_ID})",
}  # fmt: skip
"""What differs between a list from the newest down and the same from the other end."""
LATELY = " desc limit 200"
"""What is lately, whichever way a list is read."""


def ours() -> list[Module]:
    """Every module that may speak to the database: the library may not."""
    return [
        module
        for module in modules()
        if module.path.startswith("fediverse_support/") and not module.path.endswith("__main__.py")
    ]


def statements() -> dict[str, str]:
    """Every statement, written down or made when its module is loaded, with where it stands first."""
    found: dict[str, str] = {}
    for module in ours():
        for where, text in (*sql.written(module), *sql.made(module)):
            found.setdefault(text, where)
    return found


async def not_understood(conn: Conn, texts: dict[str, str]) -> list[str]:
    """Where the database refuses to prepare a statement, and what it says."""
    broken = []
    for text, where in texts.items():
        try:
            await conn.prepare(text)
        except asyncpg.PostgresError as error:
            broken.append(f"{where}: {error}")
    return broken


async def test_every_statement_can_be_prepared(db: Db) -> None:
    found = statements()
    async with db.connection() as conn:
        assert await not_understood(conn, found) == []
    assert len(found) > 300


def test_every_statement_handed_to_the_database_has_a_name() -> None:
    """What is handed on by another name is counted here, and only becomes less."""
    unnamed = {call.place for module in ours() for call in sql.handed(module) if not call.is_named}
    assert unnamed == HANDED_ON


def test_sql_has_rooms() -> None:
    """Nothing outside `store`, `reads` and `db` speaks to a connection or knows the driver."""
    elsewhere = [module for module in ours() if not module.path.startswith(ROOMS)]
    assert [call.place for module in elsewhere for call in sql.handed(module)] == []
    assert [module.path for module in elsewhere if sql.knows_driver(module)] == []


@pytest.mark.parametrize("line", ("import asyncpg", "import asyncpg.pool as p", "from asyncpg import Record"))
def test_whoever_knows_the_driver_is_found(line: str) -> None:
    assert sql.knows_driver(parsed(f"def read():\n    {line}\n"))
    assert not sql.knows_driver(parsed("from fediverse_support.db.outages import Refusal\n"))


def test_no_statement_is_glued_together() -> None:
    assert [where for module in modules() for where in sql.glued(module)] == []


def test_every_statement_that_runs_stands_written_somewhere() -> None:
    """None is made out of another one when its module is loaded."""
    written = {text for module in ours() for _, text in sql.written(module)}
    assert {where for module in ours() for where, text in sql.made(module) if text not in written} == set()


def turned(text: str) -> str:
    """The same list from its other end."""
    ways = re.compile("|".join(map(re.escape, TURNED)))
    return LATELY.join(ways.sub(lambda found: TURNED[found[0]], part) for part in text.split(LATELY))


def test_lists_from_both_ends_are_the_same_lists() -> None:
    constants = {where: text for module in ours() for where, text in sql.made(module)}
    pairs = {where.removesuffix("_UPWARDS"): where for where in constants if where.endswith("_UPWARDS")}
    assert [down for down, up in pairs.items() if turned(constants[down]) != constants[up]] == []
    assert len(pairs) == 7


def test_no_statement_repeats_a_rule_that_has_a_name() -> None:
    """A host that is cut off, the name shown, what is in the open: `functions.sql` alone says what it is."""
    repeats = {where: rules for text, where in statements().items() if (rules := sql.repeated(text))}
    assert repeats == {}


@pytest.mark.parametrize(
    ("rule", "text"),
    (
        ("is_cut_off, cut_off_by_name", "select 1 where rule_for(p.host)\n is distinct from 'suspend'"),
        ("is_free_each, held_back_by_name", "select 1 from domain_rules where severity <> 'allow'"),
        ("talks_to", "select case $1 when 'off' then false when 'allowlist' then true end"),
        ("name_shown", "select coalesce(nullif(a.display_name, ''), a.name) as author_name"),
        ("name_shown", "select coalesce(nullif(g.title, ''),\n    a.display_name) from groups g"),
        ("door_of", "select coalesce(a.shared_inbox_uri, a.inbox_uri) as inbox from actors a"),
        ("is_known_outside", "select 1 where (g.kind is null or g.kind = 'open')"),
        ("in_the_open", "select 1 from posts p where p.group_id = $1 and p.written_in = 'open'"),
        ("in_the_open", "select 1 from posts p where coalesce(p.written_in, 'open') = 'open'"),
        ("is_public", "select 1 where p.audience in ('public', 'unlisted') and a.standing in ('visible')"),
        ("is_public", "select 1 where a.standing in ('visible', 'limited') and p.audience in ('public')"),
        ("role_may", "select 1 from accounts c where 'admin' = any (c.roles)"),
    ),
)
def test_a_rule_written_out_once_more_is_found(rule: str, text: str) -> None:
    assert sql.repeated(text) == [rule]
    assert sql.repeated("select 1 -- 'suspend' written_in = 'open'\nwhere in_the_open(g, 'open')") == []


def test_rows_are_handed_over_by_the_names_of_their_columns() -> None:
    """Five arrays side by side can be told apart; more values have names, through `db.rows.recordset`."""
    assert {where for text, where in statements().items() if sql.most_arrays(text) > 5} == set()
    six = ",\n    ".join(f"${number}::text[]" for number in range(1, 7))
    assert sql.most_arrays(f"select * from unnest({six}) as g (a, b, c, d, e, f), unnest($7::int[]) n") == 6


def test_every_statement_is_laid_out_by_hand() -> None:
    assert {where: lines for text, where in statements().items() if (lines := sql.broken(text))} == {}


@pytest.mark.parametrize(
    ("text", "lines"),
    (
        ("select a from x where b and c =\n    'like'", 1),
        ("select a from x where b and (c or d\n    = $2)", 1),
        ("select count(*) filter (where a) as\n    number from x", 1),
        ("select a from x where b in\n    ('c', 'd') order by\n    e", 2),
        ("select case when a then b else\n    c end from x", 1),
        (f"insert into x ({'a, ' * 30}\n    b,\n    c)", 1),
        (f"select {'a, ' * 40}b", 1),
        ("select a -- as\nfrom x\nunion all\nselect case\n    when b then c end from (\n    select d) y", 0),
    ),
)
def test_a_line_that_was_broken_by_its_width_is_found(text: str, lines: int) -> None:
    assert len(sql.broken(text)) == lines


def parsed(text: str) -> Module:
    return Module("fediverse_support/reads/made_up.py", text, ast.parse(text))


@pytest.mark.parametrize(
    "line",
    (
        'conn.fetch("select 1")',
        "conn.fetchrow(text)",
        "tx.execute(FIRST + SECOND)",
        'self._conn.fetchval(f"select {what}")',
        'tx.executemany("delete from posts where id = $1", rows)',
        'conn.fetch(LIST.replace("desc", "asc"))',
        "conn.fetch(LISTS[which])",
        "conn.fetch(LIST if up else text)",
        "conn.fetch(query=text)",
    ),
)
def test_a_statement_without_a_name_is_found_wherever_it_is_handed_over(line: str) -> None:
    calls = sql.handed(parsed(f"async def read(conn):\n    return [await {line}]\n"))
    assert [(call.function, call.is_named) for call in calls] == [("read", False)]


def test_a_name_or_a_choice_of_names_is_let_be() -> None:
    text = (
        "conn.fetch(LIST)\nconn.fetchrow(other.FIND, 1)\n"
        "conn.execute(ONE if x else TWO)\nlookups.fetch(uri)\n"
    )
    assert [call.is_named for call in sql.handed(parsed(text))] == [True, True, True]


@pytest.mark.parametrize(
    "line",
    (
        'f"select {x}"',
        '"select id " + rest',
        '"select %s" % x',
        '"select {}".format(x)',
        '"select a".replace(x, y)',
    ),
)
def test_a_statement_put_together_is_found(line: str) -> None:
    assert sql.glued(parsed(f"def read(x):\n    return {line}\n")) == ["fediverse_support/reads/made_up.py:2"]


async def test_a_statement_in_a_function_a_class_or_a_tuple_is_prepared_and_checked_too(db: Db) -> None:
    text = (
        "def read():\n    return 'select nothing from posts'\n"
        "class Read:\n    TEXT = 'select nobody from posts p'\n"
        "ALL = (1, ('select nowhere from posts x',))\n"
    )
    found = {statement: where for where, statement in sql.written(parsed(text))}
    assert len(found) == 3
    assert all(sql.answers_unasked(statement) for statement in found)
    async with db.connection() as conn:
        assert len(await not_understood(conn, found)) == 3


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fediverse_support" / "db").rglob("*.sql")), ids=lambda path: path.name
)
def test_sql_files_read_the_same_under_every_locale(path: Path) -> None:
    assert path.read_bytes().isascii()
