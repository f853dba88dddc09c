"""The one way to ask other servers anything: who is asked how often, and on whose account, is decided here.

Before the first byte leaves, each request is counted against whoever caused it, against the domain that
is asked, and against all of its kind; a server that was silent is left alone for a while. What is over is
refused with `Unreachable` and the seconds to wait, so that whoever asked comes again and nothing is lost.
Each process counts for itself: the two of a server ask one domain at most sixty times in a minute, and all
together ten times a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from federation import fetching, keys, uris
from federation.authenticity import Fetched
from federation.delivery import Scheme
from federation.discovery import Handle
from federation.errors import Unreachable
from federation.http import Reply, Transport
from federation.keys import Signer
from federation.uris import Host, Uri
from fediverse_support.db.pool import Db
from fediverse_support.domain.buckets import Buckets, Shelf, family
from fediverse_support.domain.instance import Instance
from fediverse_support.reads import house
from fediverse_support.store.exchange import peers
from fediverse_support.store.people import actors

Kind = Literal["proof", "delivery", "person", "visitor", "upkeep"]

SILENT_FOR: Final = timedelta(seconds=30)
SILENT_AT_MOST: Final = timedelta(minutes=15)
PASSING: Final = frozenset({"too_large", "budget"})
"""Failures that do not say that a server is silent."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is asked, and for whom.

    `proof`: somebody at the network address `by` claims a key. `delivery`: the server `by` sent something
    that rests on it. `person`: the account `by` looks for something. `visitor`: somebody at the network
    address `by` wants to go to their own server. `upkeep`: we have to know it ourselves.
    """

    kind: Kind
    by: str = ""


UPKEEP: Final = Cause("upkeep")


@dataclass(slots=True)
class Budget:
    """What one event may still ask for. `until` is the time of `Db.now()` after which no more is asked."""

    fetches: int = 20
    until: datetime | None = None
    cause: Cause = UPKEEP

    def spend(self, now: datetime) -> None:
        """Count one request; raise `Unreachable("spent")` when nothing is left."""
        if self.fetches <= 0 or (self.until is not None and now > self.until):
            raise Unreachable("spent")
        self.fetches -= 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked by one process: at once, and more a second in the long run.

    `unproven` is asked of one domain because somebody claims to have a key there; proven, it is forgiven.
    """

    proofs: tuple[float, float] = (8, 4)
    deliveries: tuple[float, float] = (8, 4)
    people: tuple[float, float] = (4, 1)
    visitors: tuple[float, float] = (6, 0.5)
    upkeep: tuple[float, float] = (4, 1)
    one_address: tuple[float, float] = (8, 1 / 6)
    one_sender: tuple[float, float] = (20, 1)
    one_person: tuple[float, float] = (10, 1 / 6)
    one_visitor: tuple[float, float] = (6, 1 / 30)
    one_domain: tuple[float, float] = (15, 0.25)
    unproven: tuple[float, float] = (6, 0.1)


class _Meters:
    """The buckets of one process."""

    def __init__(self, limits: Limits) -> None:
        self._all: dict[Kind, Buckets] = {
            "proof": Buckets(*limits.proofs),
            "delivery": Buckets(*limits.deliveries),
            "person": Buckets(*limits.people),
            "visitor": Buckets(*limits.visitors),
            "upkeep": Buckets(*limits.upkeep),
        }
        self._by: dict[Kind, Buckets] = {
            "proof": Buckets(*limits.one_address),
            "delivery": Buckets(*limits.one_sender),
            "person": Buckets(*limits.one_person),
            "visitor": Buckets(*limits.one_visitor),
        }
        self._domains = Buckets(*limits.one_domain)
        self._unproven = Buckets(*limits.unproven)

    def take(self, cause: Cause, host: Host, at: float) -> float:
        """Count one request; return 0, or the seconds to wait where it may not be made yet."""
        domain = family(host)
        asked: list[tuple[Buckets, str]] = [(self._all[cause.kind], cause.kind), (self._domains, domain)]
        if cause.kind in self._by:
            asked.append((self._by[cause.kind], cause.by))
        if cause.kind == "proof":
            asked.append((self._unproven, domain))
        if wait := max(buckets.wait(key, at) for buckets, key in asked):
            return wait
        for buckets, key in asked:
            buckets.take(key, at)
        return 0.0

    def give_back(self, cause: Cause, host: Host, at: float) -> None:
        """Forgive whoever caused a request to this host that turned out to be honest."""
        if cause.kind in self._by:
            self._by[cause.kind].give_back(cause.by, at)
        if cause.kind == "proof":
            self._unproven.give_back(family(host), at)


@dataclass(slots=True)
class _Line:
    """A `Transport` for one errand: every request of it, redirects too, is admitted by itself."""

    lookups: Lookups
    budget: Budget
    admitted: dict[Host, Scheme] = field(default_factory=dict)

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        """Send one request, if everything allows it."""
        await self.admit(uri)
        self.lookups.count(uri, self.budget)
        return await self.lookups.send(method, uri, headers, body, limit=limit, seconds=seconds)

    async def admit(self, uri: Uri) -> Scheme:
        """Raise for ourselves and for a server we do not talk to; return the scheme it understands."""
        host = uris.host(uri)
        if host not in self.admitted:
            self.admitted[host] = await self.lookups.admit(uri)
        return self.admitted[host]


class Lookups:
    """Asks other servers. Made once per process, in `Remote`."""

    def __init__(
        self, db: Db, transport: Transport, instance: Instance, secret: bytes, limits: Limits
    ) -> None:
        self._db = db
        self._transport = transport
        self._instance = instance
        self._secret = secret
        self._meters = _Meters(limits)
        self._silent: Shelf[int] = Shelf()
        self._signers: dict[Uri, Signer] = {}

    async def fetch(self, uri: Uri, budget: Budget, *, seconds: float = fetching.SECONDS) -> Fetched:
        """Fetch one document. Raises as `fetching.fetch`, and `Unreachable` for what may not be asked now."""
        line = _Line(self, budget)
        scheme = await line.admit(uri)
        return await fetching.fetch(
            line,
            uri,
            signer=await self.signer(),
            now=self._db.now(),
            allow_http=self._instance.allow_http,
            scheme=scheme,
            seconds=seconds,
        )

    async def webfinger(self, name: str, host: Host, budget: Budget, *, kind: str | None = None) -> Uri:
        """Return the id that a host gives for a handle, as `fetching.webfinger` does."""
        line = _Line(self, budget)
        return await fetching.webfinger(line, name, host, allow_http=self._instance.allow_http, kind=kind)

    async def subject(self, name: str, host: Host, budget: Budget) -> Handle | None:
        """Return the handle by which a host itself calls whom it has as `name`."""
        line = _Line(self, budget)
        return await fetching.subject(line, name, host, allow_http=self._instance.allow_http)

    async def door(self, host: Host, about: Uri, budget: Budget, *, name: str | None = None) -> Uri:
        """Return where somebody with an account at `host` follows `about`, as `fetching.door` does.

        A server that we do not talk to is not led to either. Raises as that, and `Unreachable`.
        """
        line = _Line(self, budget)
        allow_http = self._instance.allow_http
        place = await fetching.door(line, host, about, name=name, allow_http=allow_http)
        await line.admit(place)
        return place

    async def software(self, host: Host, budget: Budget) -> str | None:
        """Return the software that a host claims to run."""
        line = _Line(self, budget)
        return await fetching.nodeinfo_software(line, host, allow_http=self._instance.allow_http)

    async def signer(self) -> Signer:
        """Return the instance actor's key, with which everything that is not one member's is signed."""
        uri = self._instance.actor_uri
        if uri not in self._signers:
            async with self._db.connection() as conn:
                sealed = await actors.get_sealed_key(conn, uri)
            private = keys.load_private(keys.unseal(sealed, self._secret))
            self._signers[uri] = Signer(keys.key_id(uri), private)
        return self._signers[uri]

    async def admit(self, uri: Uri) -> Scheme:
        """Raise `Unreachable` for ourselves, and `domain_refused` for a server we do not talk to."""
        if self._instance.is_ours(uri):
            raise Unreachable("not_asked")
        async with self._db.connection() as conn:
            decided = await house.find(conn, self._instance.overrides)
            severity, scheme = await peers.find_manners(conn, uris.host(uri))
        if decided.federation == "off":
            raise Unreachable("not_asked")
        if not decided.talks_to(severity):
            raise Unreachable("domain_refused")
        return scheme

    def count(self, uri: Uri, budget: Budget) -> None:
        """Count one request. Raises `Unreachable`: `silent`, `budget` with the seconds to wait, `spent`."""
        now, host = self._db.now(), uris.host(uri)
        if self.is_silent(uri):
            raise Unreachable("silent")
        budget.spend(now)
        if wait := self._meters.take(budget.cause, host, now.timestamp()):
            budget.fetches += 1
            raise Unreachable("budget", after=wait)

    def is_silent(self, uri: Uri) -> bool:
        """Say whether a server did not answer lately, so that it is not asked."""
        return self._silent.find(uris.host(uri), uris.origin(uri), self._db.now()) is not None

    def give_back(self, cause: Cause, host: Host) -> None:
        """Forgive whoever caused a request to this host that turned out to be honest."""
        self._meters.give_back(cause, host, self._db.now().timestamp())

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes, *, limit: int, seconds: float
    ) -> Reply:
        """Send a request that was counted, and remember who does not answer."""
        try:
            reply = await self._transport.send(method, uri, headers, body, limit=limit, seconds=seconds)
        except Unreachable as error:
            if error.code not in PASSING:
                self._note_silence(uri)
            raise
        except asyncio.CancelledError:
            # Whoever asked had no more time: for the next one it is just as silent.
            self._note_silence(uri)
            raise
        self._silent.drop(uris.host(uri), uris.origin(uri))
        return reply

    def _note_silence(self, uri: Uri) -> None:
        host, place = uris.host(uri), uris.origin(uri)
        times = (self._silent.last(host, place) or 0) + 1
        wait = min(SILENT_FOR * 2 ** min(times - 1, 10), SILENT_AT_MOST)
        self._silent.put(host, place, times, self._db.now() + wait)
