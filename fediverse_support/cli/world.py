"""`world`: two seeded instances on loopback that federate, and a page of all that crossed between them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from federation.errors import FederationError
from fediverse_support import settings, wiring
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.adapters.embedded_postgres import EmbeddedPostgres
from fediverse_support.cli.demo import get_person
from fediverse_support.cli.grammar import complain
from fediverse_support.cli.running import KNOWN
from fediverse_support.cli.serving import DEMO_PASSWORD
from fediverse_support.deps import Deps
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.exchange import crossings
from fediverse_support.reads.exchange.crossings import Crossing
from fediverse_support.settings import Settings
from fediverse_support.store import demo as made

SHOWN: Final = 100
# Cookies do not know ports, so the two are reached under two names.
HOSTS: Final = {"harbour": "localhost", "garden": "127.0.0.1"}
PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>What crossed</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
        color: #2b2130; background: #f6f1ea }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: start; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd3c9 }}
td {{ overflow-wrap: anywhere }}
pre {{ white-space: pre-wrap; font-size: .85rem }}
</style>
<h1>What crossed between {names}</h1>
<p>The newest comes first. The page looks again every five seconds.</p>
<table><tr><th>When<th>From<th>To<th>What<th>Became<th>Document</tr>{rows}</table>
"""


class WorldProblem(Exception):
    """One of the two instances cannot run; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two instances."""

    name: str
    settings: Settings
    environ: dict[str, str]
    port: int


def world(typed: argparse.Namespace, chosen: Settings) -> int:
    """Run both instances and the page until Ctrl-C or SIGTERM."""
    places = tuple(
        _place(chosen.data_dir.absolute() / "world" / name, name, typed.port + step)
        for step, name in enumerate(HOSTS)
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that both signals leave through the stack
    try:
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(_instance(place)) for place in places]
            for place, process in zip(places, running, strict=True):
                _await_ready(place, process)
            asyncio.run(_live(places, typed.port + len(places)))
    except (WorldProblem, *KNOWN) as error:
        return complain(str(error))
    except KeyboardInterrupt:
        return 0
    return 0


def _place(data_dir: Path, name: str, port: int) -> Place:
    environ = {key: value for key, value in os.environ.items() if key not in settings.NAMES}
    environ |= {
        "FEDIVERSE_SUPPORT_BASE_URL": f"http://{HOSTS[name]}:{port}",
        "FEDIVERSE_SUPPORT_DATA_DIR": str(data_dir),
        "FEDIVERSE_SUPPORT_ALLOW_HTTP": "1",
        "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        "FEDIVERSE_SUPPORT_UNDO_SECONDS": "0",
        "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD": "0",
    }
    return Place(name, settings.load(environ, directory=data_dir), environ, port)


@contextlib.contextmanager
def _instance(place: Place) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "fediverse_support", "demo", "--port", str(place.port)]
    process = subprocess.Popen(  # noqa: S603 (ourselves, no shell)
        command, env=place.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=8)
        except subprocess.TimeoutExpired:
            process.kill()


def _await_ready(place: Place, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None  # noqa: S101 (asked for above)
    if "is ready" not in process.stdout.readline():
        raise WorldProblem(f"The instance {place.name} did not start; the line above says why.")


async def _live(places: tuple[Place, ...], port: int) -> None:
    async with AsyncExitStack() as stack:
        never = asyncio.Event()
        opened = [
            await stack.enter_async_context(wiring.opened(_attached(place, stack), never)) for place in places
        ]
        harbour, garden = opened
        await _meet(harbour, garden)
        for place in places:
            print(f"{place.name:<8} {place.settings.base_url}  (wren, asha, tom ... / {DEMO_PASSWORD})")
        print(f"crossings http://127.0.0.1:{port}\nCtrl-C stops it; the data stays.", flush=True)
        app = Starlette(routes=[Route("/", _page(dict(zip((p.name for p in places), opened, strict=True))))])
        config = uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off"
        )
        await uvicorn.Server(config).serve()


def _attached(place: Place, stack: AsyncExitStack) -> Settings:
    """Return the settings of a running instance with the address of its database."""
    guest = EmbeddedPostgres(place.settings.data_dir)
    guest.start()
    stack.callback(guest.stop)
    return replace(place.settings, database_url=guest.dsn)


async def _meet(harbour: Deps, garden: Deps) -> None:
    """Let somebody of the garden join the harbour's open group and ask something there."""
    async with garden.db.connection() as conn:
        if await made.is_met(conn):
            return
        tansy = await get_person(conn, "tansy")
    try:
        group_id = await garden.remote.find(f"!appointments@{harbour.instance.host}")
    except FederationError as error:
        raise WorldProblem(f"The garden cannot find the harbour's group: {error.code}.") from error
    if group_id is None:
        raise WorldProblem("The garden finds no group appointments in the harbour.")
    await following.follow(garden.db, garden.instance, tansy, ActorId(group_id))
    draft = Draft(
        "Hello from the garden. May I bring my sister along to an appointment, or is that odd?",
        title="Bringing somebody along",
        group_id=ActorId(group_id),
        language="en",
    )
    await posting.publish(garden.db, garden.instance, tansy, draft)


def _page(opened: dict[str, Deps]) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        rows: list[tuple[str, Crossing, str]] = []
        for name, deps in opened.items():
            async with deps.db.connection() as conn:
                came_in = await crossings.list_crossings(conn, SHOWN)
            documents: dict[str, str] = {}
            for other in opened.values():
                async with other.db.connection() as conn:
                    documents |= await crossings.find_documents(conn, [one.uri for one in came_in])
            rows += [(name, one, documents.get(one.uri, "")) for one in came_in]
        rows.sort(key=lambda row: row[1].received_at, reverse=True)
        return HTMLResponse(PAGE.format(names=" and ".join(opened), rows="".join(map(_row, rows))))

    return page


def _row(row: tuple[str, Crossing, str]) -> str:
    name, one, document = row
    became = f"{one.verdict or one.standing} {' '.join(one.reasons)}"
    read = json.loads(document) if document else {}
    told = json.dumps(read, indent=2, ensure_ascii=False) if document else "erased"
    # What a relay carried is decided about under that one's id; its own verb stands in the document.
    verb = one.verb or read.get("type", "")
    cells = [f"{one.received_at:%H:%M:%S}", one.host, name, f"{verb} {one.uri}", became]
    inner = "".join(f"<td>{html.escape(cell)}" for cell in cells)
    shown = f"<details><summary>{len(document)} bytes</summary><pre>{html.escape(told)}</pre></details>"
    return f"<tr>{inner}<td>{shown}</tr>"
