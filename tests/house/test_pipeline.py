"""The pipeline keeps its shape: five stages, few effects, and no fact that nobody reads."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any, get_args

from fediverse_support.domain import effects, facts
from fediverse_support.pipeline import apply
from fediverse_support.policy import decide
from tests.house.source import modules

READERS = ("fediverse_support/policy/rules_", "fediverse_support/pipeline/")
MOST_EFFECTS = 8
BY = {
    "load": "store_facts.load",
    "judge": "decide",
    "handle": "row.handler",
    "emit": "outbox.emit",
    "record": "_record",
}
"""What does each stage."""


def test_an_activity_goes_through_five_stages_in_this_order() -> None:
    assert apply.STAGES == ("load", "judge", "handle", "emit", "record")
    tree = ast.parse(inspect.getsource(apply))
    called = [(node.lineno, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    done = [name for _, name in sorted(called) if name in BY.values()]
    assert done == [BY[stage] for stage in apply.STAGES]


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


def test_every_fact_is_read_by_a_rule_or_a_handler() -> None:
    read = {
        node.attr
        for module in modules()
        if module.path.startswith(READERS)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    kinds: tuple[Any, ...] = (facts.Facts, facts.ActorFacts, facts.GroupFacts, facts.PostFacts)
    unread = [
        f"{kind.__name__}.{field.name}"
        for kind in kinds
        for field in dataclasses.fields(kind)
        if field.name not in read
    ]
    assert unread == []


def test_every_rule_has_its_place_in_the_decision() -> None:
    written = {
        function.name
        for module in modules()
        if module.path.startswith("fediverse_support/policy/rules_")
        for function in module.functions()
        if not function.name.startswith("_")
    }
    assert written == {rule.__name__ for rule in decide.RULES}
