"""A test whose time is over fails alone: its process goes on, and so do the tests after it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT

SAMPLE = """
import asyncio, time
PUT_AWAY = []

async def test_that_waits_in_the_loop():
    try:
        await asyncio.sleep(60)
    finally:
        PUT_AWAY.append("the first")

def test_that_waits_outside_of_the_loop():
    time.sleep(60)

async def test_that_comes_after_them():
    assert PUT_AWAY == ["the first"]
    assert len(asyncio.all_tasks()) == 1
"""


def test_a_test_whose_time_is_over_ends_alone(tmp_path: Path) -> None:
    sample = tmp_path / "test_sample.py"
    sample.write_text(SAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT),
         "-p", "tests.patience", "-o", "timeout=6", "-o", "timeout_func_only=true",
         "-o", f"cache_dir={tmp_path}", "-n", "0", "-q", str(sample)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout
    assert set(re.findall(r"^FAILED .*::(\w+)", said, re.MULTILINE)) == {
        "test_that_waits_in_the_loop", "test_that_waits_outside_of_the_loop",
    }, said  # fmt: skip
    assert re.search(r"^2 failed, 1 passed", said, re.MULTILINE), said
