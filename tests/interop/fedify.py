"""The Fedify peer: started, and steered through its `/control` paths."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.interop import tls
from tests.interop.authority import Certificates
from tests.interop.running import eventually, running
from tests.interop.tls import Front, Journal


@dataclass(frozen=True)
class Dialect:
    """How a peer is set up: what it signs first, what it takes, and what it says it runs."""

    name: str
    first_knock: str
    takes_9421_only: bool
    software: str


@dataclass(frozen=True)
class Fedify:
    """A peer with the people io and ada, and the group club."""

    front: Front
    dialect: Dialect
    authority: Path

    @property
    def host(self) -> str:
        return self.front.host

    def uri(self, name: str) -> str:
        """Return the id of one of its actors."""
        return f"{self.front.origin}/actors/{name}"

    async def does(self, deed: str, **asked: Any) -> Any:
        """Have it do something; fail with its own words where it cannot."""
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.front.back_port}/control/{deed}"
            async with session.post(url, json=asked) as got:
                answer = await got.json()
                assert got.status == 200, f"{deed} {asked}: {answer.get('error')}"
                return answer

    async def heard(self, **about: Any) -> list[dict[str, Any]]:
        """Return the activities it took in, all of whose members are as given."""
        everything = await self.does("heard")
        return [one for one in everything if all(one.get(member) == value for member, value in about.items())]

    async def hears(self, **about: Any) -> dict[str, Any]:
        """Wait until it has taken in such an activity, and return the first."""
        found = await eventually(lambda: self.heard(**about), what=f"the peer never heard {about}")
        return found[0]

    async def serves(self, uri: str) -> None:
        """Ask for a document as it is now, by way of the front, so that the journal has it."""
        assert self.front.session is not None
        trusting = ssl.create_default_context(cafile=str(self.authority))
        headers = {"Accept": "application/activity+json"}
        async with self.front.session.get(uri, headers=headers, ssl=trusting) as got:
            await got.read()


@asynccontextmanager
async def opened(
    dialect: Dialect, node: Path, packages: Path, journal: Journal, certificates: Certificates, folder: Path
) -> AsyncIterator[Fedify]:
    """Start a peer."""
    front = Front("peer", tls.listening(), journal, tls.free_port())
    environ = {
        **os.environ,
        "ORIGIN": front.origin,
        "PORT": str(front.back_port),
        "FIRST_KNOCK": dialect.first_knock,
        "ONLY_9421": "1" if dialect.takes_9421_only else "0",
        "SOFTWARE": dialect.software,
        "NODE_EXTRA_CA_CERTS": str(certificates.authority),
    }
    async with running(
        [str(node), str(packages / "server.mjs")],
        environ=environ,
        folder=packages,
        log=folder / "peer.log",
        probe=f"http://127.0.0.1:{front.back_port}/control/heard",
    ):
        async with tls.fronting(front, certificates):
            yield Fedify(front, dialect, certificates.authority)
