"""Answers kept as files and compared whole, so that a changed member is seen in review.

`pytest --accept` rewrites the files in `tests/golden/` instead of comparing with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DIRECTORY = Path(__file__).parent / "golden"

Compare = Callable[[str, Any], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept", action="store_true", help="rewrite tests/golden instead of comparing with it"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Compare:
    """A function that compares a JSON value with the file of that name."""
    accept = request.config.getoption("--accept")

    def compare(name: str, value: Any) -> None:
        path = DIRECTORY / f"{name}.json"
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        if accept:
            DIRECTORY.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"there is no {path.name} yet: run pytest --accept and read what it wrote"
        assert json.loads(text) == json.loads(path.read_text(encoding="utf-8"))

    return compare
