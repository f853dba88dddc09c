"""What the processes under `serve` do: prepare the database, answer the web, work off the queues.

They import what is heavy while the parent's "go" is on its way, and end when it says so or is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fediverse_support import settings
from fediverse_support.adapters import logs
from fediverse_support.processes import GO, READY
from fediverse_support.settings import Settings, SettingsError

if TYPE_CHECKING:
    import uvicorn

GRACE_SECONDS: Final = 2
"""How long open requests may take after we are told to stop."""
POLITENESS: Final = 10
"""The worker lets answers to people and servers go first; what was taken in is durable and can wait."""


def run(arguments: list[str]) -> int:
    """Be the child that the arguments name; return the exit status."""
    gc.disable()  # what is imported makes no garbage worth looking for, and much to look through
    typed = _parsed(arguments)
    link = socket.socket(fileno=typed.link)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent hears these and tells us with SIGTERM
    try:
        chosen = settings.load(config=typed.config)
    except SettingsError as error:
        return _complain(str(error))
    logs.set_up(chosen.log_format)
    what = {"_prepare": _prepare, "_web": _web, "_worker": _work}[typed.role]
    return what(typed, chosen, link)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("role", choices=("_prepare", "_web", "_worker"))
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--socket", type=int)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--listens", action="store_true")
    return parser.parse_args(arguments)


def _complain(sentence: str) -> int:
    print(f"fediverse-support: {' '.join(sentence.split())}", file=sys.stderr, flush=True)
    return 1


def _prepare(typed: argparse.Namespace, chosen: Settings, link: socket.socket) -> int:
    from fediverse_support.cli.running import settled, with_database
    from fediverse_support.db.pool import Db
    from fediverse_support.store import house
    from fediverse_support.store.people import actors

    gc.enable()

    async def work(db: Db) -> int:
        # Who listens must be found under its address; a worker alone takes the one it finds in the data.
        is_chosen = typed.listens or chosen.is_address_chosen
        instance = await settled(db, replace(chosen, is_address_chosen=is_chosen))
        async with db.connection() as conn:
            has_actor = await actors.is_known(conn, instance.actor_uri)
            is_seeded = await house.find_settled(conn, "demo") is not None
        # At most starts there is nothing to do, and nothing heavy is imported for it.
        if not has_actor:
            from fediverse_support.actions.accounts import accounts
            from fediverse_support.adapters.secret_file import load_secret

            await accounts.ensure_instance_actor(db, instance, load_secret(chosen.data_dir))
        if typed.demo:
            from fediverse_support.actions.house import choose_where_nobody_has
            from fediverse_support.cli import demo

            await choose_where_nobody_has(db, demo.CHOSEN)
            if not is_seeded:
                await demo.seed(db, chosen)
        return 0

    return with_database(chosen, work)


def _web(typed: argparse.Namespace, chosen: Settings, link: socket.socket) -> int:
    import uvicorn

    from fediverse_support import wiring
    from fediverse_support.web.protocol import hang_up_on_the_late

    wiring.import_parts("web")

    class Server(uvicorn.Server):
        """Tells the parent when it listens, and hangs up on who keeps it waiting."""

        watching: asyncio.Task[None] | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.watching = asyncio.create_task(hang_up_on_the_late(self.server_state.connections))
            link.send(READY)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are heard by `_until_stopped`

    async def work(stop: asyncio.Event) -> None:
        async with wiring.opened(chosen, stop, is_for_people=True) as deps:
            server = Server(_uvicorn_config(wiring.web(deps), chosen))
            serving = asyncio.create_task(server.serve([socket.socket(fileno=typed.socket)]))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            if server.watching is not None:
                server.watching.cancel()
            stopping.cancel()
            await serving

    return _live(link, work)


def _uvicorn_config(app: object, chosen: Settings) -> uvicorn.Config:
    import uvicorn

    from fediverse_support.web.protocol import Protocol, make_room_for_connections

    class Bounded(Protocol):
        """A connection of as many as this process may have."""

        most_connections = make_room_for_connections()

    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn describes ASGI in types of its own
        http=Bounded,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=chosen.trusted_proxies,
        backlog=2048,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _work(typed: argparse.Namespace, chosen: Settings, link: socket.socket) -> int:
    from fediverse_support import wiring

    wiring.import_parts("worker")
    os.nice(POLITENESS)

    async def work(stop: asyncio.Event) -> None:
        async with wiring.opened(chosen, stop) as deps:
            link.send(READY)
            await wiring.work(deps, stop)

    return _live(link, work)


def _live(link: socket.socket, work: Callable[[asyncio.Event], Awaitable[None]]) -> int:
    """Wait for the parent's word, then work until SIGTERM or until the parent is gone."""
    from fediverse_support.cli.running import KNOWN

    if link.recv(1) != GO:
        return 0
    gc.freeze()  # what is imported stays; the collector need not look at it again
    gc.set_threshold(20_000, 20, 20)  # documents come and go without cycles
    gc.enable()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_stopped(link, work))
    except KNOWN as error:
        return _complain(str(error))
    return 0


async def _until_stopped(link: socket.socket, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    link.setblocking(False)

    def heard() -> None:
        loop.remove_reader(link)
        stop.set()  # the parent says nothing after "go": its end was closed

    loop.add_reader(link, heard)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await work(stop)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is no uvloop for this platform
        return None
    return uvloop.new_event_loop
