"""Send what is due, one lane a host, in order; what fails waits its turn and nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, assert_never

from federation import delivery, keys
from federation.delivery import Attempt, Delivered, Gone, Knock, Moved, Refused, Retry, Scheme
from federation.errors import FederationError
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Host, Uri
from fediverse_support.deps import Deps
from fediverse_support.store import notifications, peers, queues
from fediverse_support.store.queues import Delivery
from fediverse_support.workers import inboxes, lanes
from fediverse_support.workers.lanes import Lane

LOG: Final = logging.getLogger(__name__)

BATCH: Final = 50
TRUSTED_FOR: Final = 0.25
"""So many seconds a batch is sent as it was read; then it is read anew, without what was taken back since."""
PATIENCE: Final = 5
"""So often one delivery holds up its lane; after that the others go first."""
MAX_SIGNERS: Final = 500
OTHER: Final[dict[Scheme, Scheme]] = {"cavage": "rfc9421", "rfc9421": "cavage"}


@dataclass(slots=True)
class Sender:
    """Keys that were unsealed, and chance. Made once per process."""

    chance: Callable[[], float] = random.random
    signers: dict[Uri, Signer] = field(default_factory=dict)

    def signer(self, job: Delivery, secret: bytes) -> Signer:
        """Return the key of the actor that speaks."""
        if job.key_id not in self.signers:
            if len(self.signers) >= MAX_SIGNERS:
                self.signers.clear()
            private = keys.load_private(keys.unseal(job.private_key, secret))
            self.signers[job.key_id] = Signer(job.key_id, private)
        return self.signers[job.key_id]


async def step(deps: Deps, sender: Sender, worker: int = 0) -> bool:
    """Serve one lane that has work; False when there is none."""
    for host in await lanes.due(deps, "deliver", 1):
        return await serve(deps, sender, host, worker)
    return False


async def serve(deps: Deps, sender: Sender, host: Host, worker: int) -> bool:
    """Send everything that is due to a host; False when another worker has the lane or nothing is due."""
    did = False
    async with lanes.held(deps.db, "deliver", host, worker) as lane:
        if lane is None:
            return False
        async with deps.db.connection() as conn:
            _, scheme = await peers.find_manners(conn, host)
        knocker = _Knocker(deps, sender, lane, scheme)
        while lane.due_at is None and not lane.is_old(deps.db.now()):
            async with deps.db.connection() as conn:
                batch = await queues.take_deliveries(
                    conn, host, deps.db.now(), BATCH, deps.instance.federation
                )
            if not batch:
                break
            did = True
            await knocker.send_all(batch)
    return did


@dataclass(slots=True)
class _Knocker:
    """One visit to a host: which signature it takes, and what it took."""

    deps: Deps
    sender: Sender
    lane: Lane
    scheme: Scheme
    clock: Callable[[], float] = time.monotonic
    arrived: list[int] = field(default_factory=list)

    async def send_all(self, batch: list[Delivery]) -> None:
        """Send until the batch is done, has become old, or the host does not answer."""
        old_at = self.clock() + TRUSTED_FOR
        try:
            for job in batch:
                await self._settle(job, await self._attempt(job))
                if self.lane.due_at is not None or self.clock() > old_at:
                    break
        finally:
            async with self.deps.db.connection() as conn:
                await queues.finish_deliveries(conn, self.arrived, self.deps.db.now())
            self.arrived.clear()

    async def _attempt(self, job: Delivery) -> Attempt:
        body = job.document.encode()
        attempt = delivery.classify(await self._post(job, body))
        if isinstance(attempt, Knock):
            self.scheme = OTHER[self.scheme]
            attempt = delivery.classify(await self._post(job, body), knocked=True)
            if isinstance(attempt, Delivered):
                async with self.deps.db.transaction() as tx:
                    await peers.set_signature_scheme(tx, self.lane.host, self.scheme)
            else:
                self.scheme = OTHER[self.scheme]
        return attempt

    async def _post(self, job: Delivery, body: bytes) -> Reply | FederationError:
        signer = self.sender.signer(job, self.deps.secret)
        # Signing is most of the work and lets go of the interpreter, so other lanes go on meanwhile.
        headers = await asyncio.to_thread(
            delivery.build, body, job.inbox_uri, signer=signer, now=self.deps.db.now(), scheme=self.scheme
        )
        try:
            return await self.deps.transport.send(
                "POST", job.inbox_uri, headers, body, limit=delivery.MAX_REPLY, seconds=delivery.SECONDS
            )
        except FederationError as error:
            return error

    async def _settle(self, job: Delivery, attempt: Attempt) -> None:
        match attempt:
            case Delivered():
                self.arrived.append(job.id)
                self.lane.failures = 0
            case Retry(after, code):
                await self._later(job, after, code)
            case Refused(status):
                await self._aside(job, f"status_{status}")
            case Gone(status):
                await self._not_there(job, f"status_{status}")
            case Knock(status):
                await self._later(job, None, f"status_{status}")
            case Moved():
                await self._not_there(job, "moved")
            case _:
                assert_never(attempt)

    async def _later(self, job: Delivery, after: timedelta | None, code: str, *, alone: bool = False) -> None:
        """Let the whole lane rest: a host that fails one delivery mostly fails them all.

        `alone` puts off this delivery only: one inbox that is gone says nothing about the others of its host.
        """
        now = self.deps.db.now()
        failures = self.lane.failures + 1
        wait = after if after is not None else delivery.backoff(failures, self.sender.chance())
        if now - job.created_at > (delivery.KEPT_TO_TAKE_BACK if job.takes_back else delivery.KEPT_FOR):
            await self._aside(job, code, parked=True)
            return
        wait = wait if wait is not None else delivery.DAILY
        async with self.deps.db.connection() as conn:
            own = delivery.backoff(job.attempts + 1, self.sender.chance()) or wait
            stubborn = alone or (job.attempts + 1 >= PATIENCE and code.startswith("status_"))
            await queues.retry_delivery(conn, job.id, code, now + (own if stubborn else timedelta()))
        if not stubborn:
            self.lane.failures = failures
            self.lane.due_at = now + wait
        LOG.info("later", extra={"host": self.lane.host, "delivery": job.id, "code": code})

    async def _aside(self, job: Delivery, code: str, *, parked: bool = False) -> None:
        async with self.deps.db.transaction() as tx:
            await queues.put_aside(tx, job.id, code, "parked" if parked else "refused")
            await notifications.tell_not_taken(tx, job.id, self.deps.db.now())
        LOG.info("put aside", extra={"host": self.lane.host, "delivery": job.id, "code": code})

    async def _not_there(self, job: Delivery, code: str) -> None:
        """Ask the inbox's owner; a delivery that is addressed anew goes with the next batch."""
        found = await inboxes.ask_owner(self.deps, self.lane.host, job)
        if found == "there":
            await self._later(job, None, code, alone=True)
        LOG.info(
            "not there", extra={"host": self.lane.host, "delivery": job.id, "code": code, "found": found}
        )
