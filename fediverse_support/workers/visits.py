"""One visit to a host: what is due for it, several at a time, and in order where order matters."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, assert_never

from federation import delivery, keys
from federation.delivery import Attempt, Delivered, Gone, Knock, Moved, Refused, Retry, Scheme
from federation.errors import FederationError
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Uri
from fediverse_support.deps import Deps
from fediverse_support.domain.ids import ActorId
from fediverse_support.store import notices
from fediverse_support.store.exchange import deliveries, peers
from fediverse_support.store.exchange.deliveries import Delivery, Lane
from fediverse_support.workers import inboxes
from fediverse_support.workers.lanes import LONGEST_VISIT

LOG: Final = logging.getLogger(__name__)

AT_ONCE: Final = 4
"""So many deliveries are under way to one host at most."""
TRUSTED_FOR: Final = 0.25
"""So many seconds what was read is sent as it was; then it is asked again what was taken back since."""
QUICK: Final = 0.3
"""Who has not answered after so many seconds is slow: others need not wait for its turn to end."""
PATIENCE: Final = 5
"""So often one delivery holds up its lane; after that the others go first."""
MAX_SIGNERS: Final = 500
OTHER: Final[dict[Scheme, Scheme]] = {"cavage": "rfc9421", "rfc9421": "cavage"}


@dataclass(slots=True)
class Sender:
    """Keys that were unsealed, and chance. Made once per process."""

    chance: Callable[[], float] = random.random
    signers: dict[ActorId, Signer] = field(default_factory=dict)

    def learn(self, found: Mapping[ActorId, tuple[Uri, bytes]], secret: bytes) -> None:
        """Unseal keys of actors who speak."""
        if len(self.signers) + len(found) > MAX_SIGNERS:
            self.signers.clear()
        for actor_id, (key_id, sealed) in found.items():
            self.signers[actor_id] = Signer(key_id, keys.load_private(keys.unseal(sealed, secret)))


@dataclass(slots=True)
class Visit:
    """What is sent to one host while its lane is held, and what arrived."""

    deps: Deps
    sender: Sender
    lane: Lane
    clock: Callable[[], float] = time.monotonic
    arrived: list[int] = field(default_factory=list)
    is_useful: bool = False
    is_over: bool = False
    _waiting: list[tuple[Delivery, bytes, Signer]] = field(default_factory=list)
    _underway: set[int] = field(default_factory=set)
    _unsent: set[int] = field(default_factory=set)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read_at: float = field(init=False)
    _moved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._read_at = self._moved_at = self.clock()

    def add(self, job: Delivery, document: bytes) -> None:
        """Take a delivery along, behind those that are there."""
        self.is_useful = True
        self._waiting.append((job, document, self.sender.signers[job.sender_id]))
        self._unsent.add(job.id)

    def is_quick(self) -> bool:
        """Say whether this visit takes up a place: nobody waits for one that is slow, or likely to be."""
        return not self.is_over and self.lane.failures == 0 and self.clock() - self._moved_at < QUICK

    async def make(self) -> None:
        """Send until all is done, it is time to give the lane back, or the host does not answer."""
        sequences = len({job.sequence for job, _, _ in self._waiting})
        # Whoever failed lately is asked for one thing at a time.
        runners = 1 if self.lane.failures else min(AT_ONCE, sequences)
        try:
            if runners > 1:
                await asyncio.gather(*(self._run() for _ in range(runners)))
            else:
                await self._run()
        finally:
            self.is_over = True

    async def _run(self) -> None:
        while (found := self._next()) is not None:
            job, document, signer = found
            self._underway.add(job.sequence)
            try:
                if await self._is_wanted(job):
                    self._unsent.discard(job.id)
                    attempt = await self._attempt(job, document, signer)
                    self._moved_at = self.clock()
                    await self._settle(job, attempt)
            finally:
                self._underway.discard(job.sequence)

    def _next(self) -> tuple[Delivery, bytes, Signer] | None:
        """Return the first delivery that need not wait for one that is under way."""
        if self.lane.due_at is not None or self.deps.db.now() - self.lane.held_at > LONGEST_VISIT:
            return None
        for place, (job, _, _) in enumerate(self._waiting):
            if job.sequence not in self._underway:
                return self._waiting.pop(place)
        return None

    async def _is_wanted(self, job: Delivery) -> bool:
        """Say whether a delivery may still be sent: somebody may have taken it back since it was read."""
        async with self._asking:
            if self.clock() - self._read_at > TRUSTED_FOR:
                self._read_at = self.clock()
                async with self.deps.db.connection() as conn:
                    mode = (await self.deps.house(conn)).federation
                    self._unsent &= await deliveries.still_wanted(
                        conn, self.lane.host, sorted(self._unsent), mode
                    )
            return job.id in self._unsent

    async def _attempt(self, job: Delivery, body: bytes, signer: Signer) -> Attempt:
        attempt = delivery.classify(await self._post(job, body, signer))
        if isinstance(attempt, Knock):
            self.lane.scheme = OTHER[self.lane.scheme]
            attempt = delivery.classify(await self._post(job, body, signer), knocked=True)
            if isinstance(attempt, Delivered):
                async with self.deps.db.transaction() as tx:
                    await peers.set_signature_scheme(tx, self.lane.host, self.lane.scheme)
            else:
                self.lane.scheme = OTHER[self.lane.scheme]
        return attempt

    async def _post(self, job: Delivery, body: bytes, signer: Signer) -> Reply | FederationError:
        headers = delivery.build(
            body, job.inbox_uri, signer=signer, now=self.deps.db.now(), scheme=self.lane.scheme
        )
        seconds = delivery.SHORT if self.lane.failures % 2 else delivery.SECONDS
        try:
            return await self.deps.transport.send(
                "POST", job.inbox_uri, headers, body, limit=delivery.MAX_REPLY, seconds=seconds
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
            case Refused(status) if job.is_theirs:
                async with self.deps.db.transaction() as tx:
                    await deliveries.drop_own(tx, job.id, self.lane.host)
                LOG.info("theirs", extra={"host": self.lane.host, "delivery": job.id, "code": status})
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
            await deliveries.retry_delivery(conn, job.id, code, now + (own if stubborn else timedelta()))
        if not stubborn and self.lane.due_at is None:  # what else was under way fails of the same
            self.lane.failures = failures
            self.lane.due_at = now + wait
        LOG.info("later", extra={"host": self.lane.host, "delivery": job.id, "code": code})

    async def _aside(self, job: Delivery, code: str, *, parked: bool = False) -> None:
        async with self.deps.db.transaction() as tx:
            await deliveries.put_aside(tx, job.id, code, "parked" if parked else "refused")
            await notices.tell_not_taken(tx, job.id, self.deps.db.now())
        LOG.info("put aside", extra={"host": self.lane.host, "delivery": job.id, "code": code})

    async def _not_there(self, job: Delivery, code: str) -> None:
        """Ask the inbox's owner; a delivery that is addressed anew goes with the next batch."""
        found = await inboxes.ask_owner(self.deps, self.lane.host, job)
        if found == "there":
            await self._later(job, None, code, alone=True)
        LOG.info(
            "not there", extra={"host": self.lane.host, "delivery": job.id, "code": code, "found": found}
        )
