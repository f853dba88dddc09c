"""A small server on loopback, in the test's own event loop, and a Chromium to look at it."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from playwright.async_api import Browser, Error, async_playwright
from starlette.types import ASGIApp

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the test run keeps its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application on a bound socket."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False, ws="none")
    server = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def free_port() -> socket.socket:
    """Return a bound socket on loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser | None]:
    """Start this machine's Chromium or the one Playwright installed; None where there is neither."""
    path = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            yield None
            return
        try:
            yield browser
        finally:
            await browser.close()
