"""Who may do what is said in one place: no other file decides by a role, and no statement says it again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from fediverse_support.domain.actors import ROLES
from tests.house.source import Module, modules

SQL = re.compile(r"\s*(?:--[^\n]*\n\s*)*(select|insert|update|delete|with)\b", re.IGNORECASE)
AGAIN = re.compile(
    r"'home-open'"  # where our team reads, or anybody here
    r"|exists\s*\(\s*select 1 from group_moderators( \w+)?\s+where"  # whose care a group is in
    r"|\broles\s*(&&|@>|<@)|any\s*\(\s*(\w+\.)?roles\s*\)",  # what a role gives
    re.IGNORECASE,
)
"""How a statement would say by itself what `may_moderate`, `may_enter`, `moderates` and `role_may` say."""


def by_themselves(tree: Iterable[Module]) -> list[str]:
    """Every place outside of `policy.access` that compares with a role, or asks for one in SQL."""
    found = []
    for module in tree:
        if module.path == "fediverse_support/policy/access.py":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Compare) and any(
                isinstance(side, ast.Constant) and side.value in ROLES
                for side in (node.left, *node.comparators)
            ):
                found.append(f"{module.path}:{node.lineno} {ast.unparse(node)}")
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
                if again := AGAIN.search(node.value):
                    found.append(f"{module.path}:{node.lineno} {again[0]}")
    return found


def test_nobody_else_says_who_may_do_what() -> None:
    assert by_themselves(modules()) == []


def test_whoever_does_is_found() -> None:
    text = '''
if "admin" in person.roles or person.role == "moderator":
    pass
CARED = "select exists (select 1 from group_moderators where group_id = $1 and actor_id = $2)"
READ = "select 1 from groups g where g.kind in ('open', 'home-open')"
TEAM = "select 1 from accounts c where 'admin' = any (c.roles)"
LISTED = "select m.actor_id from group_moderators m where m.group_id = $1"
'''
    found = by_themselves([Module("fediverse_support/web/rash.py", text, ast.parse(text))])
    assert sorted({int(where.split(":")[1].split(" ")[0]) for where in found}) == [2, 4, 5, 6]
