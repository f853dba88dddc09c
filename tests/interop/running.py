"""Processes of a test: started in a session of their own, waited for, and ended, each by its own id."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp

START_SECONDS = 60
STOP_SECONDS = 6
T = TypeVar("T")


@asynccontextmanager
async def running(
    command: list[str], *, environ: dict[str, str], folder: Path, log: Path, probe: str
) -> AsyncIterator[None]:
    """Run a server while the context lasts; it is there once `probe` (a plain http address) answers."""
    with log.open("wb") as printed:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    try:
        await eventually(lambda: _answers(probe, process, log), seconds=START_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _answers(probe: str, process: asyncio.subprocess.Process, log: Path) -> bool:
    assert process.returncode is None, f"the server ended at once: {log.read_text()[-2000:]}"
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(probe) as got:
                return got.status < 500
        except aiohttp.ClientError:
            return False


async def eventually(
    check: Callable[[], Awaitable[T]], *, seconds: float = 20.0, what: str = "it did not happen"
) -> T:
    """Ask until the answer is true, and return it; fail after a while."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await check()):
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"{what} within {seconds:g} s") from None
