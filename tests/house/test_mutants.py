"""The faults that `make mutants` puts in still fit the code, so that each is really tried."""

from __future__ import annotations

import re

from tests.mutants.__main__ import MUTANTS
from tests.mutants.mutant import ROOT

FEWEST = 45


def test_each_fault_fits_the_code_in_one_place() -> None:
    assert [f"{each.path}: {each.was}" for each in MUTANTS if not each.fits()] == []


def test_the_nearest_tests_of_each_fault_are_there() -> None:
    missing = []
    for each in MUTANTS:
        for test in each.tests:
            path, _, name = test.partition("::")
            file = ROOT / path
            if not file.exists() or not re.search(
                rf"\bdef {name}\(" if name else "", file.read_text("utf-8")
            ):
                missing.append(test)
    assert missing == []


def test_there_are_enough_and_none_stands_twice() -> None:
    assert len({(each.path, each.was, each.becomes) for each in MUTANTS}) == len(MUTANTS) >= FEWEST
    assert all(each.was != each.becomes for each in MUTANTS)
