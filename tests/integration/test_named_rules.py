"""The rules that statements ask by name: what each answers, and that a plan takes it in."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db

pytestmark = pytest.mark.postgres

ANSWERS: tuple[tuple[str, object], ...] = (
    ("is_cut_off(null)", False),
    ("is_cut_off('bad.example')", True),
    ("is_cut_off('a.bad.example:8000')", True),
    ("is_cut_off('slow.example')", False),
    ("array(select c.domain from cut_off_by_name() c (domain))", ["bad.example"]),
    (
        "array(select h.domain from held_back_by_name() h (domain) order by 1)",
        ["bad.example", "slow.example"],
    ),
    ("(select f.yes from is_free_each(null) f (yes))", True),
    ("(select f.yes from is_free_each('a.slow.example') f (yes))", False),
    ("(select f.yes from is_free_each('good.example') f (yes))", True),
    ("name_shown('', 'wren')", "wren"),
    ("name_shown('Wren', 'wren')", "Wren"),
    ("door_of('https://a/shared', 'https://a/wren')", "https://a/shared"),
    ("door_of('https://a/shared', 'https://a/wren', false)", "https://a/wren"),
    ("door_of(null, 'https://a/wren')", "https://a/wren"),
    ("is_known_outside(null, null, null)", True),
    ("is_known_outside('open', null, 'active')", True),
    ("is_known_outside('circle', null, null)", False),
    ("is_known_outside(null, 'home', 'active')", False),
    ("is_known_outside(null, null, 'pending')", False),
    ("is_public('unlisted', 'limited', 'visible')", True),
    ("is_public('group', 'visible', 'visible')", False),
    ("is_public('public', 'held', 'visible')", False),
    ("is_public('public', 'visible', 'suspended')", False),
    ("in_the_open(null, null)", True),
    ("in_the_open(1, 'open')", False),
)
RULES = """
insert into domain_rules (domain, severity, created_at, updated_at)
select domain, severity, $1, $1
from (values
    ('bad.example', 'suspend'), ('slow.example', 'limit'), ('good.example', 'allow')) r (domain, severity)
"""
PLAN = """
explain (verbose, costs off)
select name_shown(a.display_name, a.name), door_of(a.shared_inbox_uri, a.inbox_uri), o.yes, f.yes
from posts p join actors a on a.id = p.author_id
cross join in_the_open_each(p.group_id, p.written_in) o (yes)
cross join is_free_each(p.host) f (yes)
where is_public(p.audience, p.standing, a.standing) and is_known_outside(p.written_in, null, null)
  and not is_cut_off(p.host)
  and p.host not in (select c.domain from cut_off_by_name() c (domain))
  and p.host not in (select h.domain from held_back_by_name() h (domain))
"""


async def test_each_rule_answers_what_its_name_says(db: Db) -> None:
    async with db.transaction() as tx:
        await tx.execute(RULES, db.now())
        row = await tx.fetchrow("select " + ", ".join(asked for asked, _ in ANSWERS))
    assert row is not None
    told = [(asked, answer) for (asked, _), answer in zip(ANSWERS, row.values(), strict=True)]
    assert told == list(ANSWERS)


async def test_plans_take_the_rules_in(db: Db) -> None:
    async with db.connection() as conn:
        plan = "\n".join(row[0] for row in await conn.fetch(PLAN))
    names = ("name_shown", "door_of", "in_the_open_each", "is_free_each", "is_public", "is_known_outside")
    assert [
        name for name in (*names, "is_cut_off", "cut_off_by_name", "held_back_by_name") if name in plan
    ] == []
    assert "rule_for(" in plan
