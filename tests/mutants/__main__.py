"""`make mutants`: put each fault into a copy of the code, run its nearest tests, print what nobody noticed.

Ends with 1 where a fault was not noticed or does not fit the code any more. With words, only the faults
whose file or harm holds one of them are run. No fault takes longer than `MOST` seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import proofs, rules, walls
from tests.mutants.mutant import ROOT, Mutant

MUTANTS = (*proofs.MUTANTS, *walls.MUTANTS, *rules.MUTANTS)
COPIED = ("federation", "fediverse_support", "templates", "tests", "deploy", "pyproject.toml", "Makefile")
AT_ONCE = 2
MOST = 240
FAILED = 1
"""What pytest ends with where tests ran and one failed; an error of any other kind proves nothing."""


def copy(to: Path) -> Path:
    """Copy what the tests need; return where it lies."""
    to.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__", "peers"))
        else:
            shutil.copy2(source, to / name)
    return to


def is_noticed(mutant: Mutant, root: Path) -> str:
    """Run the nearest tests on a copy with this fault; return what became of it: noticed, or what else."""
    try:
        text = mutant.apply(root)
    except LookupError as error:
        return f"DOES NOT FIT: {error}"
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider",
             *mutant.tests],
            cwd=root, capture_output=True, text=True, timeout=MOST, check=False,
            env={**os.environ, "PYTHONPATH": str(root)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "TOOK TOO LONG"
    finally:
        (root / mutant.path).write_text(text, encoding="utf-8")
    if done.returncode == 0:
        return "SURVIVED"
    return "noticed" if done.returncode == FAILED else f"NOT RUN:\n{done.stdout[-1500:]}{done.stderr[-500:]}"


def main(words: list[str]) -> int:
    """Run the faults; return 0 where each was noticed."""
    wanted = [each for each in MUTANTS if not words or any(word in each.path + each.harm for word in words)]
    began, bad = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        Path(folder).chmod(0o755)  # the database may run as another user, who has to pass through
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copy(Path(folder) / str(number)))

        def run(mutant: Mutant) -> str:
            root = copies.get()
            try:
                return is_noticed(mutant, root)
            finally:
                copies.put(root)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for mutant, became in zip(wanted, pool.map(run, wanted), strict=True):
                bad += became != "noticed"
                print(f"{became:9} {mutant.path}: {mutant.harm}", flush=True)
    print(f"{len(wanted)} faults, {bad} not noticed, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
