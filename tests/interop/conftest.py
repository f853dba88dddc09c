"""What the exchanges share: certificates, what was installed, and our running server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.interop import authority, installing, ours
from tests.interop.authority import Certificates
from tests.interop.installing import Missing
from tests.interop.ours import Ours
from tests.interop.tls import Journal


@dataclass(frozen=True)
class Installed:
    """What could be installed, a folder of packages or an interpreter with them; and why not the rest."""

    found: dict[str, Path | BaseException]

    def get(self, name: str) -> Path:
        """Return one of them; where it is missing, skip the test and say so."""
        one = self.found[name]
        if isinstance(one, Missing):
            pytest.skip(f"NOT TRIED against {name}: {one}")
        if isinstance(one, BaseException):
            raise one
        return one


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority for the whole run."""
    return authority.certificates(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes of one exchange leave their logs."""
    return tmp_path_factory.mktemp("exchange")


@pytest.fixture(scope="session")
async def installed() -> Installed:
    """Everything the others need, installed at the same time."""
    names = ("fedify", "suite", "bovine")
    got = await asyncio.gather(
        installing.npm("fedify"), installing.npm("suite"), installing.python("bovine"), return_exceptions=True
    )
    return Installed(dict(zip(names, got, strict=True)))


@pytest.fixture(scope="session")
async def node(installed: Installed) -> Path:
    """A Node that is new enough."""
    try:
        return await installing.node(installed.get("fedify"))
    except Missing as error:
        pytest.skip(f"NOT TRIED: {error}")


@pytest.fixture(scope="module")
def journal() -> Journal:
    """The record of one exchange."""
    return Journal()


@pytest.fixture(scope="module")
async def server(
    postgres_server: Server, journal: Journal, certificates: Certificates, folder: Path
) -> AsyncIterator[Ours]:
    """Our server, for one exchange."""
    async with ours.opened(await postgres_server.clone(), journal, certificates, folder) as opened:
        yield opened
