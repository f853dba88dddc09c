"""One clock for all times of the product: what reads another would stand still when the clock is set."""

from __future__ import annotations

import ast
import re

from tests.house.source import ROOT, Module, modules, spoken

READERS = frozenset({"now", "utcnow", "today", "time", "time_ns", "localtime"})
CLOCKS = frozenset({"datetime", "date", "time"})
SQL_CLOCK = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\)|\bcurrent_(?:timestamp|date|time)\b",
    re.IGNORECASE,
)
MACHINE = {
    "fediverse_support/db/pool.py": "the clock itself",
    "fediverse_support/cli/doctor.py": "compares the clocks of machines",
    "fediverse_support/web/health.py": "when the process began, for whoever measures it from outside",
}
SQL_MACHINE = {
    "fediverse_support/db/readiness.py": "compares the clocks of machines",
    "fediverse_support/store/posts/erasing.py": "compares with row ids, which the database's clock numbers",
}


def read_clocks(module: Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in READERS
        and isinstance(node.value, ast.Name)
        and node.value.id in CLOCKS
        for node in ast.walk(module.tree)
    )


def test_only_the_database_door_reads_the_machines_clock() -> None:
    assert {module.path for module in modules() if read_clocks(module)} == set(MACHINE)


def test_no_statement_asks_the_databases_clock() -> None:
    found = {module.path for module in modules() if any(SQL_CLOCK.search(text) for _, text in spoken(module))}
    assert found == set(SQL_MACHINE)
    assert not SQL_CLOCK.search((ROOT / "fediverse_support/db/functions.sql").read_text(encoding="utf-8"))


def test_a_module_that_reads_a_clock_of_its_own_is_found() -> None:
    text = "import time\nWHEN = time.time()\nSQL = 'select now()'\n"
    module = Module("x.py", text, ast.parse(text))
    assert read_clocks(module) and any(SQL_CLOCK.search(said) for _, said in spoken(module))
