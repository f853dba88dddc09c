"""What goes wrong, and when: drawn from a seed, so that it can be drawn again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

What = Literal["kill", "stop", "hang", "drop", "rule"]

PARTS = ("database", "web", "worker")
PAIRS = (("database", "web"), ("database", "worker"), ("web", "worker"))
OUTER_WIRES = ("peers-web", "worker-peers")
INNER_WIRES = ("web-database", "worker-database")
RULES = ("suspend", "hold", "clear")


@dataclass(frozen=True)
class Fault:
    """At second `at`, `what` happens to `whom`, for so many seconds."""

    at: float
    what: What
    whom: tuple[str, ...]
    seconds: float = 0.0

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.at:6.1f} s: {self.what} {' and '.join(self.whom)}{lasts}"


def draw(seed: int, length: float, *, inner_wires: bool, longest: float = 8.0) -> list[Fault]:
    """Draw what goes wrong within `length` seconds.

    Without `inner_wires` there is no network between the processes and their database.
    """
    chance = random.Random(seed)
    wires = OUTER_WIRES + (INNER_WIRES if inner_wires else ())
    plan: list[Fault] = []
    at = chance.uniform(0.5, 1.5)
    while at < length:
        what: What = chance.choice(("kill", "stop", "hang", "drop", "rule"))
        seconds = min(chance.uniform(0.3, longest), length - at)
        if what == "rule":
            plan.append(Fault(at, what, (chance.choice(RULES), chance.choice(("first", "second")))))
        elif what in ("hang", "drop"):
            plan.append(Fault(at, what, tuple(chance.sample(wires, chance.choice((1, 1, 2)))), seconds))
        else:
            whom = chance.choice(((chance.choice(PARTS),), chance.choice(PAIRS)))
            plan.append(Fault(at, what, whom, 0.0 if what == "kill" else seconds))
        at += chance.uniform(0.5, longest)  # some begin while others still last
    return plan
