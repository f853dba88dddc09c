"""The environment in which tests start programs of ours: next to nothing of the machine's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
MEASURED: Final = "COVERAGE_PROCESS_CONFIG"
"""By this, coverage finds processes that tests start."""


def surroundings() -> dict[str, str]:
    """Return where programs are found, and whether what they run is counted."""
    found = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return found | ({MEASURED: os.environ[MEASURED]} if MEASURED in os.environ else {})
