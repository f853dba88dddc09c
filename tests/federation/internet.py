"""One fake internet for all servers of a test: it routes by host, keeps a record, and misbehaves on order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp

from federation import uris
from federation.errors import Unreachable
from federation.http import Reply
from federation.uris import Host, Uri
from tests.asgi import ask


@dataclass(frozen=True)
class Weather:
    """How likely a delivery meets each misfortune, from 0 to 1. All zero is a perfect day.

    `lost`: it never arrives. `unanswered`: it arrives, but the answer is lost. `doubled`: it arrives twice.
    `broken`: the peer answers 500 and does nothing. `late`: the sender hears nothing and the request arrives
    hours later, among others and in any order. `held`: somebody in between says 202 and passes it on later,
    in any order.
    """

    lost: float = 0.0
    unanswered: float = 0.0
    doubled: float = 0.0
    broken: float = 0.0
    late: float = 0.0
    held: float = 0.0


SUNNY = Weather()


@dataclass(frozen=True)
class Crossing:
    """One request that reached a server, and what was answered."""

    source: Host
    target: Host
    method: str
    path: str
    status: int
    body: bytes
    at: datetime

    @property
    def document(self) -> dict[str, Any]:
        loaded = json.loads(self.body)
        assert isinstance(loaded, dict)
        return loaded

    @property
    def what(self) -> str:
        """The activity in a word or two, such as `Announce Create`."""
        outer = self.document
        inner = outer.get("object")
        return f"{outer['type']} {inner['type']}" if isinstance(inner, dict) else str(outer["type"])


@dataclass(frozen=True)
class _Letter:
    source: Host
    method: str
    uri: Uri
    headers: dict[str, str]
    body: bytes


@dataclass
class Internet:
    """Every server there is."""

    now: Callable[[], datetime]
    chance: random.Random
    weather: Weather = SUNNY
    apps: dict[Host, ASGIApp] = field(default_factory=dict)
    dark: set[Host] = field(default_factory=set)
    software: dict[Host, str] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    misfortunes: dict[str, int] = field(default_factory=dict)
    underway: list[_Letter] = field(default_factory=list)

    def line(self, source: Host) -> Line:
        """Return the transport of one server."""
        return Line(self, source)

    def deliveries(self, source: str | None = None, target: str | None = None) -> list[Crossing]:
        """Return the POSTs that arrived and were accepted, in order."""
        return [
            crossing
            for crossing in self.crossings
            if crossing.method == "POST"
            and 200 <= crossing.status < 300
            and source in (None, crossing.source)
            and target in (None, crossing.target)
        ]

    def forget(self) -> None:
        """Start a new record."""
        self.crossings.clear()

    async def arrive(self) -> bool:
        """Let what is still underway arrive, in any order; say whether anything did."""
        letters, self.underway = self.underway, []
        self.chance.shuffle(letters)
        for letter in letters:
            if letter.source in self.dark or uris.host(letter.uri) in self.dark:
                self.underway.append(letter)
            else:
                await self._hand_over(letter)
        return len(self.underway) < len(letters)

    async def carry(self, letter: _Letter) -> Reply:
        """Bring one request to its server, as the weather allows."""
        target = uris.host(letter.uri)
        if letter.source in self.dark or target in self.dark or target not in self.apps:
            raise Unreachable("timeout")
        weather = self.weather
        if self._happens("lost", weather.lost):
            raise Unreachable("timeout")
        if self._happens("broken", weather.broken):
            return Reply(500, {}, b"", letter.uri)
        if letter.method != "POST":
            return await self._hand_over(letter)
        if self._happens("late", weather.late):
            self.underway.append(letter)
            raise Unreachable("timeout")
        if self._happens("held", weather.held):
            self.underway.append(letter)
            return Reply(202, {}, b"", letter.uri)
        reply = await self._hand_over(letter)
        if self._happens("doubled", weather.doubled):
            await self._hand_over(letter)
        if self._happens("unanswered", weather.unanswered):
            raise Unreachable("timeout")
        return reply

    def _happens(self, what: str, likely: float) -> bool:
        if likely == 0.0 or self.chance.random() >= likely:
            return False
        self.misfortunes[what] = self.misfortunes.get(what, 0) + 1
        return True

    async def _hand_over(self, letter: _Letter) -> Reply:
        target = uris.host(letter.uri)
        path = letter.uri.removeprefix(uris.origin(letter.uri))
        headers = {"Host": str(target), **letter.headers}
        got = await ask(self.apps[target], letter.method, path, headers, letter.body)
        self.crossings.append(
            Crossing(letter.source, target, letter.method, path, got.status, letter.body, self.now())
        )
        body = got.body
        if path.startswith("/nodeinfo/") and target in self.software:
            told = json.loads(body)
            told["software"]["name"] = self.software[target]
            body = json.dumps(told).encode()
        return Reply(got.status, got.headers, body, letter.uri)


@dataclass(frozen=True)
class Line:
    """One server's way out (a `federation.http.Transport`)."""

    internet: Internet
    source: Host

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        """Send one request."""
        return await self.internet.carry(_Letter(self.source, method, uri, dict(headers), body))
