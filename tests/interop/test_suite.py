"""`activitypub-testing`, a suite written by others, against our actors."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from federation import keys
from tests.builders import private_pem
from tests.interop import tls
from tests.interop.authority import Certificates
from tests.interop.conftest import Installed
from tests.interop.ours import GROUP, Ours

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]  # the first test installs

FINE = {"passed", "inapplicable"}
SECONDS = 60


@dataclass(frozen=True)
class Visitor:
    """An actor in whose name the suite asks, and that actor's whole server."""

    origin: str

    @property
    def uri(self) -> str:
        return f"{self.origin}/visitor"

    @property
    def key_id(self) -> str:
        return f"{self.uri}#main-key"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer every request with the actor."""
        pem = keys.public_pem(keys.load_private(private_pem(0)))
        document = {
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": self.uri,
            "type": "Application",
            "preferredUsername": "visitor",
            "inbox": f"{self.uri}/inbox",
            "publicKey": {"id": self.key_id, "owner": self.uri, "publicKeyPem": pem},
        }
        await JSONResponse(document, media_type="application/activity+json")(scope, receive, send)


@pytest.fixture(scope="module")
async def visitor(certificates: Certificates) -> AsyncIterator[Visitor]:
    """Who the suite signs as."""
    listener = tls.listening()
    made = Visitor(f"https://127.0.0.1:{listener.getsockname()[1]}")
    async with tls.serving(made, listener, certificates):
        yield made


@pytest.mark.parametrize("name", [GROUP, "wren"])
async def test_no_test_of_an_actor_fails(
    name: str, server: Ours, visitor: Visitor, installed: Installed, node: Path, certificates: Certificates
) -> None:
    packages = installed.get("suite")
    process = await asyncio.create_subprocess_exec(
        str(node),
        "--import",
        str(packages / "signed.mjs"),
        str(packages / "node_modules" / "activitypub-testing" / "src" / "cli.js"),
        "test",
        "actor",
        await server.uri(name),
        env={
            **os.environ,
            "NODE_EXTRA_CA_CERTS": str(certificates.authority),
            "ORIGIN": server.front.origin,
            "KEY_ID": visitor.key_id,
            "KEY": private_pem(0).decode(),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    results = [json.loads(line) for line in printed.decode().splitlines() if line.startswith("{")]
    assert len(results) >= 10, complained.decode()
    outcomes = {one["test"]["slug"]: one["result"]["outcome"] for one in results}
    said = {one["test"]["slug"]: one["result"].get("info") for one in results}
    assert {slug: said[slug] for slug, outcome in outcomes.items() if outcome not in FINE} == {}
    assert list(outcomes.values()).count("passed") >= 3
