"""What the Makefile installs can be typed from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT


def test_the_command_is_installed_beside_python_and_works_from_anywhere(tmp_path: Path) -> None:
    venv = tmp_path / "a folder" / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (venv / "bin" / "python").chmod(0o755)
    for name in (".installed", ".installed-dev"):
        (venv / name).touch()
    linked = tmp_path / "linked"  # make knows no blanks in names of targets
    linked.symlink_to(venv)
    made = subprocess.run(
        ["make", "-C", str(ROOT), f"VENV={linked}", "install"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [str(linked / "bin" / "fediverse-support"), "account", "create", "--help"],
        capture_output=True, text=True, check=False, cwd=elsewhere, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0 and "--password-stdin" in done.stdout, done.stderr
