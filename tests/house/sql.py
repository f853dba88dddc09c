"""What the source hands to the database, as the house tests see it: every call and every statement."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import itertools
import re
from collections.abc import Iterator

from tests.house.source import Module

SQL = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*"
    r"(select\s|insert\s+into\s|update\s+\w+\s+(?:\w+\s+)?set\s|delete\s+from\s|with\s+(?:recursive\s+)?\w+\s*(?:\(|as\b))",
    re.IGNORECASE,
)
RULES = {
    "is_cut_off, cut_off_by_name": r"'suspend'",
    "is_free_each, held_back_by_name": r"'allow'",
    "talks_to": r"'allowlist'",
    "name_shown": r"nullif\((\w+\.)?(display_name|title), ''\), (\w+\.)?(display_name|name)\b",
    "door_of": r"coalesce\((\w+\.)?shared_inbox_uri,",
    "is_known_outside": r"kind is null or (\w+\.)?kind = 'open'",
    "in_the_open": r"written_in(, 'open'\))? = 'open'",
    "is_public": r"audience in \('public', 'unlisted'\)( and [\w.]+ = [^ ]+)* and a\w?\.standing"
    r"|\ba\w?\.standing in \('visible', 'limited'\) and [\w.]*audience in \('public'",
    "role_may": r"roles (&&|@>)|any \([\w.]*roles\)|'safety-lead'",
}
"""What stands where a rule of `functions.sql` is written out once more, by what it is called there."""
ASKS = re.compile(
    r"\b(can_see\w*|can_fetch|can_reread|may_moderate|may_read_messages|is_known_outside|is_public)\("
    r"|\bauthor_id = \$"
)
WIDEST, FULL = 110, 85
VERBS = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "prepare", "cursor"}
ASK_OTHER_SERVERS = {"lookups", "fetching"}
"""What has a `fetch` too and is no connection."""


@dataclasses.dataclass(frozen=True)
class Handed:
    """What one call hands to a connection, and the function it stands in."""

    path: str
    function: str
    line: int
    text: ast.expr | None

    @property
    def place(self) -> str:
        """File and function: what stays when lines move."""
        return f"{self.path} {self.function}"

    @property
    def is_named(self) -> bool:
        """Whether it is a constant with a name, or a choice between such."""
        return _is_named(self.text)


def _is_named(value: ast.expr | None) -> bool:
    match value:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            return re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) is not None
        case ast.IfExp(body=one, orelse=other):
            return _is_named(one) and _is_named(other)
    return False


def handed(module: Module) -> list[Handed]:
    """Every call of a connection's verbs, by whatever name the connection goes."""
    return list(_handed(module.path, module.tree, ""))


def _handed(path: str, node: ast.AST, function: str) -> Iterator[Handed]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Call(func=ast.Attribute(value=owner, attr=verb)) if verb in VERBS:
                if ast.unparse(owner).rpartition(".")[2] not in ASK_OTHER_SERVERS:
                    yield Handed(path, function, child.lineno, _statement_of(child))
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield from _handed(path, child, inside)


def knows_driver(module: Module) -> bool:
    """Whether it imports asyncpg, at its top or inside a function."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names) if any(one.name.split(".")[0] == "asyncpg" for one in names):
                return True
            case ast.ImportFrom(module=str(name)) if name.split(".")[0] == "asyncpg":
                return True
    return False


def _statement_of(call: ast.Call) -> ast.expr | None:
    if call.args:
        return call.args[0]
    return next((word.value for word in call.keywords if word.arg in ("query", "command")), None)


def written(module: Module) -> Iterator[tuple[str, str]]:
    """Every statement that stands in the text, wherever: in constants, functions, classes, tuples."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield f"{module.path}:{node.lineno}", node.value


def made(module: Module) -> Iterator[tuple[str, str]]:
    """Every statement that a module's own names hold once it is loaded, also those made out of others."""
    loaded = vars(importlib.import_module(module.name))
    for name in _own_names(module.tree):
        for text in _strings(loaded.get(name)):
            if SQL.match(text):
                yield f"{module.path} {name}", text


def _own_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _strings(key)
            yield from _strings(held)
    elif isinstance(value, tuple | list | set | frozenset):
        for held in value:
            yield from _strings(held)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _strings(getattr(value, field.name, None))


BROKEN = re.compile(
    r"(?<![\w'])(and|or|not|in|is|as|then|else|when|like|any|by|on|join|from|where|between)$"
    r"|(?<!union) all$"
    r"|(?<=[\w)'\]] )([=<>*/+-]|<>|<=|>=|\|\|)$"
    r"|^\s*([=<>]|<>|<=|>=)\s",
    re.IGNORECASE,
)


def broken(text: str) -> list[str]:
    """The lines of a statement that are too long, or broken where only whoever breaks by width breaks one.

    That is after an operator or half a clause, before an operator, or so that one word is left over.
    """
    whole = text.splitlines()
    lines = [re.sub(r"\s*--.*$", "", line).rstrip() for line in whole]
    left_over = [
        line
        for above, line in itertools.pairwise(lines)
        if len(above) > FULL and re.fullmatch(r"\s*(?!union)[\w.$]+,?", line)
    ]
    return (
        [line for line in lines if BROKEN.search(line)]
        + left_over
        + [line for line in whole if len(line) > WIDEST]
    )


def answers_unasked(text: str) -> bool:
    """Whether a SELECT answers with posts or actors and asks no rule about who may see them."""
    said = re.sub(r"--[^\n]*", "", text)
    return (
        re.search(r"\b(from|join)\s+(posts|actors)\b", said) is not None
        and re.search(r"\b(insert into|update|delete from)\s", said) is None
        and ASKS.search(said) is None
    )


def most_arrays(text: str) -> int:
    """How many arrays at most a statement reads side by side, where a place tells what each value is."""
    said = re.findall(r"unnest\(((?:[^()]|\([^()]*\))*)\)", text)
    return max((len(re.findall(r"\[\]", arrays)) for arrays in said), default=0)


def repeated(text: str) -> list[str]:
    """The rules with a name that a statement writes out itself."""
    said = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text))
    return [name for name, copy in RULES.items() if re.search(copy, said)]


def glued(module: Module) -> list[str]:
    """Where a statement is put together from pieces rather than written down."""
    found = []
    for node in ast.walk(module.tree):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if SQL.match(start):
                found.append(f"{module.path}:{node.lineno}")
            case ast.BinOp(left=ast.Constant(value=str(start)), op=ast.Add() | ast.Mod()) if SQL.match(start):
                found.append(f"{module.path}:{node.lineno}")
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(start)), attr="format" | "replace" | "join")
            ) if SQL.match(start):
                found.append(f"{module.path}:{node.lineno}")
    return found
