"""Nothing grows for ever: every table has a rule by which it is pruned, or a reason why it needs none."""

from __future__ import annotations

from fediverse_support.db.pool import Db
from fediverse_support.store import retention

TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"


async def test_every_table_is_named_where_it_is_said_what_is_kept(db: Db) -> None:
    async with db.connection() as conn:
        tables = {row["tablename"] for row in await conn.fetch(TABLES)}
    pruned = {rule.table for rule in retention.RULES}
    unnamed = tables - pruned - set(retention.BOUNDED)
    assert unnamed == set(), "name it in RULES or in BOUNDED of store/retention.py"
    assert (pruned | set(retention.BOUNDED)) - tables == set()
    assert pruned & set(retention.BOUNDED) == set()


def test_every_rule_prunes_the_table_it_names_and_a_bounded_number_at_a_time() -> None:
    for rule in retention.RULES:
        assert f"delete from {rule.table} " in rule.sql or f"update {rule.table} " in rule.sql
        assert "$1" in rule.sql and "limit $2" in rule.sql
