"""The pipeline keeps its shape: five stages, few effects, and no fact that nobody reads."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import pytest

from fediverse_support.domain import effects, facts
from fediverse_support.pipeline import apply
from fediverse_support.policy import decide
from tests.house.source import Module, modules

READERS = (
    "fediverse_support/policy/rules_",
    "fediverse_support/pipeline/",
    "fediverse_support/store/facts.py",
)
"""Rules, handlers, and what works out further facts (whose group it is, who it is for) for these."""
MOST_EFFECTS = 8
STAGES = ["store_facts.load", "decide", "row.handler", "outbox.emit", "_record"]
"""What does each stage, in the order in which one activity goes through them."""
ONCE_FOR_MANY = {"store_facts.load_all": "store_facts.load"}
"""What does a stage for many at once."""


def stages(source: str, start: str) -> list[str]:
    """What `start` calls of the stages, in the order of evaluation, through the functions of its own file."""
    functions = {
        node.name: node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    done: list[str] = []

    def follow(node: ast.AST) -> None:
        for inner in ast.iter_child_nodes(node):
            follow(inner)  # what is handed over is worked out before the call
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            name = ONCE_FOR_MANY.get(name, name)
            if name in STAGES:
                done.append(name)
            elif name in functions:
                follow(functions[name])

    follow(functions[start])
    return done


@pytest.mark.parametrize("start", ["apply", "_apply_together"])
def test_an_activity_goes_through_five_stages_in_this_order(start: str) -> None:
    assert stages(inspect.getsource(apply), start) == STAGES


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("verdict = decide(facts)", "verdict = Verdict(Rank.ACCEPT)"),
        ("await outbox.emit(tx, sheet, step, change.effects)", "pass"),
        ("sheet.records.append(_record(step, act, change))", "pass"),
        ("change = await row.handler", "await outbox.emit(tx, sheet, step, ()); change = await row.handler"),
    ],
)
def test_a_stage_left_out_or_in_the_wrong_place_is_found(was: str, becomes: str) -> None:
    source = inspect.getsource(apply)
    assert source.count(was) == 1
    lines = "\n".join(becomes.split("; "))
    [indent] = [line[: len(line) - len(line.lstrip())] for line in source.splitlines() if was in line]
    changed = source.replace(was, lines.replace("\n", "\n" + indent))
    assert stages(changed, "apply") != STAGES


def test_there_are_few_effects_and_each_is_made_true_in_one_place() -> None:
    union = get_args(effects.Effect)
    assert len(union) <= MOST_EFFECTS
    [emit] = [
        function
        for module in modules()
        if module.path == "fediverse_support/pipeline/outbox.py"
        for function in module.functions()
        if function.name == "emit"
    ]
    cases = {
        ast.unparse(node.pattern).removesuffix("()")
        for node in ast.walk(emit)
        if isinstance(node, ast.match_case)
    }
    assert cases == {effect.__name__ for effect in union} | {"_"}


KINDS: tuple[Any, ...] = (facts.Facts, facts.ActorFacts, facts.GroupFacts, facts.PostFacts)
KIND = re.compile(r"\b(Facts|ActorFacts|GroupFacts|PostFacts|Step)\b")
FIELDS: dict[str, dict[str, str]] = {
    "Step": {"facts": "Facts"},
    **{
        kind.__name__: {
            field.name: found[0] if (found := KIND.search(str(field.type))) else ""
            for field in dataclasses.fields(kind)
        }
        for kind in KINDS
    },
}
"""Of every kind its fields, each with the kind it is of itself, if it is of any."""


def read_by(tree: ast.AST) -> set[str]:
    """The facts that a piece of code reads, as `Kind.field`, by the kinds its functions say they take."""
    read: set[str] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            taken = [*function.args.args, *function.args.kwonlyargs]
            known = {arg.arg: _kind(arg.annotation) for arg in taken}
            for name, kind in _named(function, known):
                known[name] = kind
            read |= {found for node in ast.walk(function) if (found := _fact(node, known))}
    return read


def _kind(annotation: ast.AST | None) -> str:
    found = KIND.search(ast.unparse(annotation)) if annotation is not None else None
    return found[0] if found else ""


def _kind_of(node: ast.AST, known: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        return FIELDS.get(_kind_of(node.value, known), {}).get(node.attr, "")
    if isinstance(node, ast.BoolOp):
        return next((kind for value in node.values if (kind := _kind_of(value, known))), "")
    if isinstance(node, ast.IfExp):
        return _kind_of(node.body, known) or _kind_of(node.orelse, known)
    return ""


def _fact(node: ast.AST, known: dict[str, str]) -> str | None:
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return None
    kind = _kind_of(node.value, known)
    return f"{kind}.{node.attr}" if node.attr in FIELDS.get(kind, {}) else None


def _named(function: ast.AST, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The names it gives to what it reads, in the order of their lines."""
    given = (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.NamedExpr))
    for node in sorted(given, key=lambda node: node.lineno):
        match node:
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield name, _kind_of(value, known) or known.get(name, "")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, _kind_of(value, known) or known.get(name, "")
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for each, value in zip(names, values, strict=True):
                    if isinstance(each, ast.Name):
                        yield each.id, _kind_of(value, known) or known.get(each.id, "")


def unread(trees: Iterable[ast.AST]) -> list[str]:
    """The facts that none of these read, neither a rule or handler nor a question that facts answer."""
    derived = {name for kind in KINDS for name, it in vars(kind).items() if isinstance(it, property)}
    source = ast.parse(inspect.getsource(facts))
    for kind in source.body:
        if isinstance(kind, ast.ClassDef):
            for function in kind.body:
                if isinstance(function, ast.FunctionDef) and function.name in derived:
                    function.args.args[0].annotation = ast.Name(kind.name)
    read = {each for tree in (*trees, source) for each in read_by(tree)}
    every = [f"{kind.__name__}.{field.name}" for kind in KINDS for field in dataclasses.fields(kind)]
    return [each for each in every if each not in read]


def readers() -> list[Module]:
    return [module for module in modules() if module.path.startswith(READERS)]


def test_every_fact_is_read_by_a_rule_or_a_handler() -> None:
    assert unread(module.tree for module in readers()) == []


@pytest.mark.parametrize("name", ["author_account_id", "posting_restricted", "undone"])
def test_a_fact_that_nobody_reads_is_found(name: str) -> None:
    """Another thing's attribute of the same name does not count, as `is_local` of an instance would not."""
    without = [
        ast.parse(re.sub(rf"\b(\w+)\.{name}\b", rf"somebody_else.{name}", module.text))
        for module in readers()
    ]
    assert [each for each in unread(without) if each.endswith(f".{name}")] != []


def test_every_rule_has_its_place_in_the_decision() -> None:
    written = {
        function.name
        for module in modules()
        if module.path.startswith("fediverse_support/policy/rules_")
        for function in module.functions()
        if not function.name.startswith("_")
    }
    assert written == {rule.__name__ for rule in decide.RULES}
