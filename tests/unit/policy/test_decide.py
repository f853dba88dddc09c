"""What policy answers, rule by rule and all together."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.policy import rules_content, rules_group, rules_instance, rules_member
from fediverse_support.policy.decide import RULES, decide
from tests.unit.policy.cases import USUAL, facts
from tests.unit.policy.table import TABLE, Line

ROOMS = (rules_instance, rules_group, rules_member, rules_content)
APP = Path(__file__).parents[3] / "fediverse_support"


def name_of(line: Line) -> str:
    return f"{line.given}: {line.when}"


@pytest.mark.parametrize("line", TABLE, ids=name_of)
def test_the_table(line: Line) -> None:
    assert decide(facts(**line.facts)) == Verdict(line.verdict, line.because)


def test_no_line_of_the_table_stands_twice() -> None:
    assert len({name_of(line) for line in TABLE}) == len(TABLE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_speaks_alone_and_is_silent_about_the_usual(
    rule: Callable[[Facts], Verdict | None],
) -> None:
    assert rule(USUAL) is None
    answers = [(line, rule(facts(**line.facts))) for line in TABLE]
    spoken = [(line, answer) for line, answer in answers if answer is not None]
    assert spoken, "no line of the table shows what this rule is for"
    for line, answer in spoken:
        # A rule alone never says more than all together, and never a reason that is not given then.
        assert answer.rank is not Rank.ACCEPT
        assert answer.rank <= line.verdict
        assert set(answer.reasons) <= set(line.because)
    # At least one line is decided by this rule and no other.
    assert any(
        answer.rank == line.verdict
        and decide(facts(**line.facts), tuple(r for r in RULES if r is not rule)).rank < line.verdict
        for line, answer in spoken
    )


def test_every_rule_of_every_room_is_run() -> None:
    written = [
        value
        for room in ROOMS
        for name, value in vars(room).items()
        if callable(value) and getattr(value, "__module__", "") == room.__name__ and not name.startswith("_")
    ]
    assert sorted(rule.__name__ for rule in RULES) == sorted(rule.__name__ for rule in written)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_rules_does_not_matter(seed: int) -> None:
    shuffled = list(RULES)
    random.Random(seed).shuffle(shuffled)
    for line in TABLE:
        given = facts(**line.facts)
        assert decide(given, tuple(shuffled)) == decide(given)


def test_one_more_reason_never_makes_the_answer_milder() -> None:
    for one, other in itertools.combinations(TABLE, 2):
        if set(one.facts) & set(other.facts):
            continue
        both = decide(facts(**one.facts, **other.facts))
        for rule in RULES:
            alone = rule(facts(**one.facts, **other.facts))
            assert alone is None or alone.rank <= both.rank


def test_reasons_are_stable_codes() -> None:
    for line in TABLE:
        for reason in line.because:
            assert reason.replace("_", "").isalpha() and reason == reason.lower()


def test_every_fact_is_read_by_a_rule_or_a_handler() -> None:
    read = "".join(
        path.read_text(encoding="utf-8")
        for room in ("policy", "pipeline")
        for path in sorted((APP / room).rglob("*.py"))
    )
    unread = [fact.name for fact in fields(Facts) if f"facts.{fact.name}" not in read]
    assert unread == []
