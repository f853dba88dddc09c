"""What operators' tools ask: is the process up, can it work, how is it doing.

`/metrics` answers loopback requests that came through no proxy, and whoever brings the token of the file
`DATA_DIR/metrics.token`. No number in it tells of a person or a group.
"""

from __future__ import annotations

import asyncio
import hmac
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fediverse_support.db import readiness
from fediverse_support.db.pool import DatabaseUnavailable, Db
from fediverse_support.reads import jobs
from fediverse_support.reads.exchange import queues
from fediverse_support.reads.exchange.queues import Pulse, QueueTotals
from fediverse_support.reads.jobs import Waiting

PATIENCE: Final = 3.0
EDGES: Final = (
    ("/ap/", "federation"),
    ("/.well-known/", "federation"),
    ("/api/", "client"),
    ("/oauth/", "client"),
)
PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024
STUCK: Final = "The workers do not get on; `fediverse-support doctor` says more."
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Tally:
    """Counts answers by edge and status; one per process."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    started_at: float = field(default_factory=time.time)

    def watching(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with its answers counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.answers[edge_of(scope["path"]), message["status"]] += 1
                await send(message)

            await app(scope, receive, noted)

        return counted


def edge_of(path: str) -> str:
    """Return the edge a path belongs to: `federation`, `client` or `pages`."""
    return next((edge for start, edge in EDGES if path.startswith(start)), "pages")


def routes(db: Db, tally: Tally, *, token: Callable[[], str]) -> list[Route]:
    """Return `/healthz`, `/readyz` and `/metrics`.

    `token` gives the word that opens the last from elsewhere.
    """

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("up\n", headers={"cache-control": "no-store"})

    async def readyz(request: Request) -> Response:
        problem = await why_not_ready(db)
        return PlainTextResponse(
            f"{problem or 'ready'}\n", 503 if problem else 200, headers={"cache-control": "no-store"}
        )

    async def metrics(request: Request) -> Response:
        if not _may_see(request, token):
            return PlainTextResponse("Not Found\n", 404)
        async with db.connection() as conn:
            totals = await queues.totals(conn, db.now())
            errands = await jobs.waiting(conn, db.now())
            pulse = await queues.pulse(conn, db.now())
        text = exposition(totals, errands, pulse, tally)
        return Response(text, media_type=TEXT, headers={"cache-control": "no-store"})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def why_not_ready(db: Db) -> str | None:
    """Return one sentence why requests cannot be served, or why what they bring is not done, or None."""
    try:
        async with asyncio.timeout(PATIENCE):
            if problem := await readiness.why_not_ready(db):
                return problem
            async with db.connection() as conn:
                pulse = await queues.pulse(conn, db.now())
            return STUCK if pulse.problems else None
    except TimeoutError:
        return "The database takes too long."
    except DatabaseUnavailable as error:
        return str(error)


def exposition(totals: QueueTotals, errands: Sequence[Waiting], pulse: Pulse, tally: Tally) -> str:
    """Return the numbers in Prometheus' text format."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    lines = [
        "# TYPE fediverse_support_answers_total counter",
        *(
            f'fediverse_support_answers_total{{edge="{edge}",status="{status}"}} {count}'
            for (edge, status), count in sorted(tally.answers.items())
        ),
        "# TYPE fediverse_support_work gauge",
        f'fediverse_support_work{{lane="receive",standing="waiting"}} {totals.receive_waiting}',
        f'fediverse_support_work{{lane="receive",standing="parked"}} {totals.receive_parked}',
        f'fediverse_support_work{{lane="deliver",standing="waiting"}} {totals.deliver_waiting}',
        f'fediverse_support_work{{lane="deliver",standing="parked"}} {totals.deliver_parked}',
        f'fediverse_support_work{{lane="deliver",standing="refused"}} {totals.deliver_refused}',
        *(f'fediverse_support_work{{lane="{of.kind}",standing="parked"}} {of.parked}' for of in errands),
        *_waiting(totals, errands),
        "# TYPE fediverse_support_failing_hosts gauge",
        f"fediverse_support_failing_hosts {totals.failing_hosts}",
        "# TYPE fediverse_support_oldest_work_seconds gauge",
        f"fediverse_support_oldest_work_seconds {totals.oldest_seconds:.1f}",
        "# TYPE fediverse_support_worker_last_success_seconds gauge",
        *(
            f'fediverse_support_worker_last_success_seconds{{kind="{kind}"}} '
            f"{(pulse.at - then).total_seconds():.1f}"
            for kind, then in pulse.passes.items()
        ),
        "# TYPE fediverse_support_lane_held_seconds gauge",
        f"fediverse_support_lane_held_seconds {pulse.longest_held_seconds:.1f}",
        "# TYPE process_cpu_seconds_total counter",
        f"process_cpu_seconds_total {usage.ru_utime + usage.ru_stime:.2f}",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {tally.started_at:.0f}",
        "# TYPE process_max_resident_memory_bytes gauge",
        f"process_max_resident_memory_bytes {usage.ru_maxrss * MAXRSS_UNIT}",
    ]
    return "\n".join(lines) + "\n"


def _waiting(totals: QueueTotals, errands: Sequence[Waiting]) -> list[str]:
    """Return how much waits of every kind of work, and how long the oldest of it has waited."""
    found = [
        ("receive", totals.receive_waiting, totals.receive_oldest_seconds),
        ("deliver", totals.deliver_waiting, totals.deliver_oldest_seconds),
        *((errand.kind, errand.waiting, errand.oldest_seconds) for errand in errands),
    ]
    return [
        "# TYPE fediverse_support_waiting gauge",
        *(f'fediverse_support_waiting{{kind="{kind}"}} {count}' for kind, count, _ in found),
        "# TYPE fediverse_support_waiting_oldest_seconds gauge",
        *(f'fediverse_support_waiting_oldest_seconds{{kind="{kind}"}} {age:.1f}' for kind, _, age in found),
    ]


def token_in(data_dir: Path) -> str:
    """Return the word in `metrics.token`; without such a file an empty one, which opens nothing."""
    try:
        return (data_dir / "metrics.token").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _may_see(request: Request, token: Callable[[], str]) -> bool:
    given = request.headers.get("authorization", "").encode("latin-1")
    if given:
        known = token()
        return bool(known) and hmac.compare_digest(given, f"Bearer {known}".encode())
    if any(name in request.headers for name in PROXY_HEADERS) or request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
