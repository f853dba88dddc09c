"""Nothing but a handler changes what becomes of a post or a membership, so that other servers are told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.house.source import Module, modules

STORE = "fediverse_support.store."
HANDLERS = "fediverse_support.pipeline.handlers."
STANDING = re.compile(
    r"\b(insert\s+into|delete\s+from)\s+(posts|follows|group_bans)\b"
    r"|\bupdate\s+(posts|follows)\b(?:(?!\bwhere\b|\bfrom\b).)*?\bstanding\s*=(?!\s*any\b)",
    re.IGNORECASE | re.DOTALL,
)
"""A statement by which a post, a follow (of a group, a membership) or a ban begins, ends or changes."""

HOUSEKEEPING: dict[str, str] = {}
"""`module.function` of what is ours alone and must not be told to others, with the reason: nothing so far."""


def names(module: Module) -> dict[str, str]:
    """What each imported name of a module means, in full."""
    found: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
    return found


def statements(module: Module) -> set[str]:
    """The constants of a module that hold such a statement, in full."""
    return {
        f"{module.name}.{target.id}"
        for node in module.tree.body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name) and _says(getattr(node, "value", None))
    }


def _says(value: ast.AST | None) -> bool:
    return value is not None and any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and STANDING.search(node.value)
        for node in ast.walk(value)
    )


def uses(module: Module) -> Iterator[tuple[str, str, int]]:
    """What every piece of a module names, in full: (function or the module itself, what, line)."""
    known = names(module)
    own = {node.name for node in module.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {
        target.id
        for node in module.tree.body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    for piece in module.tree.body:
        where = f"{module.name}.{getattr(piece, 'name', '')}".removesuffix(".")
        for node in ast.walk(piece):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if (base := known.get(node.value.id)) is not None:
                    yield where, f"{base}.{node.attr}", node.lineno
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id in known:
                    yield where, known[node.id], node.lineno
                elif node.id in own:
                    yield where, f"{module.name}.{node.id}", node.lineno


def round_the_pipeline(tree: tuple[Module, ...]) -> list[str]:
    """Every place outside of the handlers that changes a standing, by whatever store function."""
    changing = {name for module in tree for name in statements(module)}
    assert all(name.startswith(STORE) for name in changing), "such statements stand in store alone"
    named = [(module, *use) for module in tree for use in uses(module)]
    while more := {
        where
        for module, where, what, _ in named
        if module.name.startswith(STORE) and what in changing and where not in changing
    }:
        changing |= more
    return sorted(
        f"{module.path}:{line} {what}"
        for module, _, what, line in named
        if what in changing
        and what not in HOUSEKEEPING
        and not module.name.startswith((STORE, HANDLERS))
    )


def test_only_handlers_change_what_becomes_of_a_post_or_a_membership() -> None:
    assert round_the_pipeline(modules()) == []


def test_such_a_change_is_found_wherever_it_is_made() -> None:
    text = (
        "from fediverse_support.store.people import follows as rows\n"
        "from fediverse_support.store.moderation.removals import take_out\n"
        "async def end(tx):\n    await rows.end_all(tx, 1, None)\n    await take_out(tx, 1, None, '', None)\n"
    )
    path = "fediverse_support/actions/moderation/rash.py"
    found = round_the_pipeline((*modules(), Module(path, text, ast.parse(text))))
    assert {each.split(" ")[1] for each in found} == {
        "fediverse_support.store.people.follows.end_all",
        "fediverse_support.store.moderation.removals.take_out",
    }


def test_the_statements_that_change_a_standing_are_known() -> None:
    known = {name.removeprefix(STORE) for module in modules() for name in statements(module)}
    assert known >= {
        "groups.BAN", "groups.UNBAN", "moderation.held.END_MEMBERSHIP", "moderation.removals.LET_BACK",
        "moderation.removals.TAKE_OUT", "people.blocks.DELETE", "people.blocks.PART",
        "people.follows.END_ALL", "people.follows.SET_STANDING", "people.follows.UPSERT",
        "posts.missing.FIND_AGAIN", "posts.missing.HIDE", "posts.posts.ERASE_POST", "posts.posts.REVIVE",
        "posts.posts.SET_STANDING",
    }  # fmt: skip
