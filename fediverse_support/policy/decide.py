"""Run every rule, keep every reason, let the strictest rank win."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fediverse_support.domain.facts import Facts
from fediverse_support.domain.verdicts import Rank, Verdict
from fediverse_support.policy import rules_content, rules_group, rules_instance, rules_member

Rule = Callable[[Facts], Verdict | None]

RULES: Final[tuple[Rule, ...]] = (
    *rules_instance.RULES,
    *rules_group.RULES,
    *rules_member.RULES,
    *rules_content.RULES,
)


def decide(facts: Facts, rules: tuple[Rule, ...] = RULES) -> Verdict:
    """Return the strictest verdict of all rules, with every reason given, sorted."""
    given = [verdict for rule in rules if (verdict := rule(facts)) is not None]
    rank = max((verdict.rank for verdict in given), default=Rank.ACCEPT)
    return Verdict(rank, tuple(sorted({reason for verdict in given for reason in verdict.reasons})))
