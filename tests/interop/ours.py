"""The server under test: real processes behind TLS, its command line, its client API, and a look into its
database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from fediverse_support import settings
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.adapters.secret_file import load_secret
from fediverse_support.db.pool import open_db
from fediverse_support.domain.actors import Role
from tests.builders import PASSWORD, QuickPasswords
from tests.interop import tls
from tests.interop.authority import Certificates
from tests.interop.installing import ROOT
from tests.interop.running import eventually, running
from tests.interop.tls import Front, Journal

PEOPLE: dict[str, tuple[Role, ...]] = {"asha": ("moderator",), "wren": ()}
GROUP = "sleepless"


@dataclass
class Ours:
    """One instance with asha and wren, and the open group sleepless that asha moderates."""

    front: Front
    environ: dict[str, str]
    folder: Path
    db: asyncpg.Connection
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def journal(self) -> Journal:
        return self.front.journal

    @property
    def host(self) -> str:
        return self.front.host

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.front.back_port}"

    async def run(self, *words: str) -> str:
        """Run one command of the command line and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "fediverse_support",
            *words,
            cwd=self.folder,
            env=self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complained = await process.communicate()
        assert process.returncode == 0, complained.decode()
        return printed.decode().strip()

    async def settle_in(self, dsn: str) -> None:
        """Open the accounts and the group, and get a token from the command line."""
        chosen = settings.load(self.environ, directory=self.folder)
        secret = load_secret(chosen.data_dir)
        db = await open_db(dsn, size=2)
        try:
            for name in PEOPLE:
                await accounts.create_account(
                    db, chosen.instance, name=name, password=PASSWORD, roles=PEOPLE[name], secret=secret,
                    hash_password=QuickPasswords().hash,
                )  # fmt: skip
            await groups.create_group(
                db, chosen.instance, secret, name=GROUP, title="Sleepless", kind="open", moderators=("asha",)
            )
        finally:
            await db.close()
        self.tokens["wren"] = await self.run("account", "token", "wren")

    async def call(self, method: str, path: str, who: str | None = "wren", **form: Any) -> Any:
        """Call the client API and return its answer."""
        headers = {"Host": self.host, "X-Forwarded-Proto": "https"}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        params: dict[str, Any] = {"params": form} if method == "GET" else {"json": form}
        async with aiohttp.ClientSession() as session:
            async with session.request(method, f"{self.plain}{path}", headers=headers, **params) as got:
                answer = await got.json()
                assert got.status == 200, (method, path, got.status, answer)
                return answer

    async def page(self, path: str) -> str:
        """Return a page as a stranger sees it."""
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{self.plain}{path}", headers={"Host": self.host}) as got:
                assert got.status == 200
                return await got.text()

    async def uri(self, name: str) -> str:
        """Return the id of one of our actors."""
        return str(await self.db.fetchval("select uri from actors where name = $1 and host is null", name))

    async def find(self, handle: str) -> dict[str, Any]:
        """Type a handle into the search box; return the one account found."""
        found = await self.call("GET", "/api/v2/search", q=handle, resolve="true")
        assert len(found["accounts"]) == 1, f"{handle} was not found"
        account: dict[str, Any] = found["accounts"][0]
        return account

    async def _uri_of(self, table: str, row: str) -> str:
        return str(await self.db.fetchval(f"select uri from {table} where id = $1", int(row)))

    async def follow(self, handle: str) -> str:
        """Have wren follow somebody elsewhere; return the account's row."""
        account = await self.find(handle)
        target = await self._uri_of("actors", account["id"])
        await self.call("POST", f"/api/v1/accounts/{account['id']}/follow")
        uri = await self.db.fetchval("select uri from follows where target_id = $1", int(account["id"]))
        self.journal.did({"does": "follow", "who": "wren", "target": target, "uri": str(uri)})
        return str(account["id"])

    async def unfollow(self, row: str) -> None:
        """Have wren stop following."""
        await self.call("POST", f"/api/v1/accounts/{row}/unfollow")
        target = await self._uri_of("actors", row)
        self.journal.did({"does": "unfollow", "who": "wren", "target": target})

    async def publish(self, title: str, body: str) -> dict[str, Any]:
        """Have wren open a thread in the group."""
        status = await self.call("POST", "/api/v1/statuses", status=f"@{GROUP} {title}\n\n{body}")
        self.journal.did(
            {"does": "publish", "who": "wren", "title": title, "body": body, "uri": status["uri"]}
        )
        return dict(status)

    async def answer(self, parent: dict[str, Any], body: str) -> dict[str, Any]:
        """Have wren answer a post."""
        status = await self.call("POST", "/api/v1/statuses", status=body, in_reply_to_id=parent["id"])
        self.journal.did(
            {"does": "answer", "who": "wren", "to": parent["uri"], "body": body, "uri": status["uri"]}
        )
        return dict(status)

    async def edit(self, status: dict[str, Any], title: str, body: str) -> None:
        """Have wren change a post."""
        text = f"@{GROUP} {title}\n\n{body}"
        await self.call("PUT", f"/api/v1/statuses/{status['id']}", status=text)
        self.journal.did({"does": "edit", "who": "wren", "title": title, "body": body, "uri": status["uri"]})

    async def delete(self, status: dict[str, Any]) -> None:
        """Have wren delete a post."""
        await self.call("DELETE", f"/api/v1/statuses/{status['id']}")
        self.journal.did({"does": "delete", "who": "wren", "uri": status["uri"]})

    async def like(self, status: dict[str, Any], *, take_back: bool = False) -> None:
        """Have wren like a post, or no longer."""
        verb = "unfavourite" if take_back else "favourite"
        await self.call("POST", f"/api/v1/statuses/{status['id']}/{verb}")

    async def shown(self, uri: str) -> dict[str, Any] | None:
        """Return a post as the group's members see it, None where they see none."""
        row = await self.db.fetchval("select id from posts where uri = $1", uri)
        if row is None:
            return None
        found = await self.call("GET", "/api/v1/statuses", **{"id[]": str(row)})
        return dict(found[0]) if found else None

    async def sees(self, uri: str) -> dict[str, Any]:
        """Wait until a post can be read here."""
        found = await eventually(lambda: self.shown(uri), what=f"{uri} did not appear here")
        assert found is not None
        return found

    async def misses(self, uri: str) -> None:
        """Wait until a post can be read here no longer."""

        async def is_gone() -> bool:
            return await self.shown(uri) is None

        await eventually(is_gone, what=f"{uri} is still shown here")

    async def value(self, sql: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        return await self.db.fetchval(sql, *values)

    async def comes_true(self, sql: str, *values: Any) -> None:
        """Wait until a statement's first value is true."""
        await eventually(lambda: self.value(sql, *values), what=f"never true here: {sql} {values}")

    async def is_at_rest(self) -> None:
        """Wait until nothing waits to be applied or sent."""
        await self.comes_true(
            "select not exists (select 1 from receipts where standing = 'waiting')"
            " and not exists (select 1 from deliveries where standing = 'waiting')"
        )


@asynccontextmanager
async def opened(dsn: str, journal: Journal, certificates: Certificates, folder: Path) -> AsyncIterator[Ours]:
    """Start the server in its strictest mode (https only) on a database of its own."""
    listener, back_port = tls.listening(), tls.free_port()
    front = tls.Front("ours", listener, journal, back_port)
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": dsn,
        "FEDIVERSE_SUPPORT_BASE_URL": front.origin,
        "FEDIVERSE_SUPPORT_DATA_DIR": str(folder / "data"),
        "FEDIVERSE_SUPPORT_ALLOWED_NETWORKS": "127.0.0.0/8",
        "FEDIVERSE_SUPPORT_FEDERATION": "open",
        "FEDIVERSE_SUPPORT_UNDO_SECONDS": "0",
        "FEDIVERSE_SUPPORT_NEWCOMER_POSTS_HELD": "0",
        "SSL_CERT_FILE": str(certificates.authority),
    }
    db = await asyncpg.connect(dsn)
    ours = Ours(front, environ, folder, db)
    command = [sys.executable, "-m", "fediverse_support", "serve", "--host", "127.0.0.1"]
    command += ["--port", str(back_port)]
    try:
        await ours.settle_in(dsn)
        async with running(
            command, environ=environ, folder=folder, log=folder / "ours.log", probe=f"{ours.plain}/readyz"
        ):
            async with tls.fronting(front, certificates):
                yield ours
    finally:
        await db.close()
