"""The documents say what is true."""

from __future__ import annotations

import re
from pathlib import Path

from fediverse_support.cli import federation_document

ROOT = Path(__file__).parents[2]


def test_the_federation_document_is_the_one_the_code_prints() -> None:
    written = (ROOT / "FEDERATION.md").read_text()
    assert written == federation_document.document(), "run `make docs`"


def test_the_readme_names_only_files_and_targets_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    named = set(re.findall(r"`((?:federation|fediverse_support|templates|tests|deploy)/[\w./-]*)`", text))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
