"""The only way for deliveries to come in: proven at the edge, durable here, applied later by a worker."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from federation.uris import Host, Uri
from fediverse_support.db.outages import Refusal, why_unable
from fediverse_support.db.pool import WAIT_SECONDS, Conn, DatabaseUnavailable, Db, Tx
from fediverse_support.domain.instance import Instance
from fediverse_support.store.exchange import catch_ups, looking_again, queues, receipts
from fediverse_support.store.exchange.receipts import Arrival

MOST_LOOKED_AT: Final = 5_000
MOST_AT_ONCE: Final = 100
MOST_CHARACTERS: Final = 2 * 1024 * 1024
"""How many deliveries, and how much of them, one statement stores."""


Accepted = receipts.Accepted


@dataclass(slots=True, eq=False)
class _Waiting:
    """A delivery on its way in: taken into a group at some time, and then answered or at fault."""

    arrival: Arrival
    is_taken: bool = False
    answer: Accepted | None = None
    fault: DatabaseUnavailable | Refusal | None = None


@dataclass(slots=True)
class Intake:
    """Stores proven deliveries, those that come at the same time in one statement.

    While one statement is on its way, what comes in waits; whoever is first then stores for all who wait. So
    nobody waits for company, and under load a commit is shared. One per process, made by the edge.
    """

    db: Db
    instance: Instance
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def accept(
        self,
        *,
        uri: Uri,
        host: Host,
        signer: Uri,
        body: bytes,
        digest: bytes | None,
        takes_back: bool = False,
        is_once: bool = True,
    ) -> Accepted:
        """Store one delivery; when this returns `new` it is durable.

        `digest` identifies key and signature (32 bytes); `takes_back` says that it deletes or undoes.
        `seen` means that its signature came before, or with `is_once` its id, which then settles that it is
        the same. `refused` means that the host's domain is suspended, or missing on the allow-list, at this
        very moment. Raises `DatabaseUnavailable`.
        """
        mine = _Waiting(Arrival(uri, host, signer, body.decode(), digest, takes_back, is_once))
        self._waiting.append(mine)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("The database is too busy to answer.") from error
        try:
            while mine.answer is None and mine.fault is None:
                await self._store_for_all(mine)
        finally:
            self._turn.release()
        if isinstance(mine.fault, DatabaseUnavailable):
            raise DatabaseUnavailable(str(mine.fault)) from mine.fault
        if mine.fault is not None:
            raise mine.fault
        assert mine.answer is not None  # noqa: S101 (stored, or raised)
        return mine.answer

    async def _store_for_all(self, mine: _Waiting) -> None:
        """Store a group of those who wait; `mine` by itself if whoever took it into one was cut off."""
        group = [mine] if mine.is_taken else self._take_group()
        try:
            async with self.db.connection() as conn:
                await self._store(conn, group)
        except DatabaseUnavailable as error:
            for one in (mine, *group):
                one.fault = error

    def _take_group(self) -> list[_Waiting]:
        """Return those who wait longest, up to a number and a size; some may have given up meanwhile."""
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < MOST_AT_ONCE and size < MOST_CHARACTERS:
            one = self._waiting.popleft()
            one.is_taken = True
            size += len(one.arrival.body)
            group.append(one)
        return group

    async def _store(self, conn: Conn, group: list[_Waiting]) -> None:
        """Store a group. Where one of it cannot be, halves are, until it stands alone with its fault."""
        override = dict(self.instance.overrides).get("federation")
        arrivals = [one.arrival for one in group]
        try:
            found = await receipts.insert_receipts(conn, arrivals, override, self.db.now())
        except Refusal as error:
            if why_unable(error) is not None:
                raise  # nobody's fault: `connection` turns it into `DatabaseUnavailable` for all
            if len(group) == 1:
                group[0].fault = error
                return
            half = len(group) // 2
            await self._store(conn, group[:half])
            await self._store(conn, group[half:])
            return
        for one, answer in zip(group, found, strict=True):
            one.answer = answer


async def wake_receivers(db: Db, hosts: set[Host]) -> None:
    """Ask for the lanes of these hosts to be served; without it they are found a little later."""
    async with db.connection() as conn:
        await queues.wake(conn, "receive", hosts)


async def go_on(tx: Tx, domain: str, now: datetime) -> None:
    """Let go on what was taken in and waits for the rule about a domain, which is another one from now on."""
    await receipts.go_on(tx, domain, now)


async def look_again(tx: Tx, domain: str, now: datetime) -> None:
    """Have a domain's newest public posts compared with their origin, because nobody listened for a while.

    What their authors took back meanwhile was refused at the door; it must not come to light again. What they
    said meanwhile in shared threads is asked for.
    """
    await catch_ups.begin(tx, domain, now)
    await looking_again.look_again(tx, domain, MOST_LOOKED_AT, now)
