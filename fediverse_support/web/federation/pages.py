"""Addresses of pages, asked for by programs: each leads to the id of what the page shows.

Only what is public has an id to lead to; the rest is as unknown here as at its id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.deps import Deps
from fediverse_support.reads import federation as reads
from fediverse_support.web.federation import answers
from fediverse_support.web.federation.answers import Answer

NAME: Final = re.compile(r"[A-Za-z0-9_]{3,30}")
MAX_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pages:
    """Handlers for the pages of people, groups and conversations."""

    deps: Deps

    async def person(self, scope: Scope, _: Receive) -> Answer | None:
        """Lead from `/@name` to the person."""
        return await self._named(scope, "person")

    async def group(self, scope: Scope, _: Receive) -> Answer | None:
        """Lead from `/g/name` to the group."""
        return await self._named(scope, "group")

    async def post(self, scope: Scope, _: Receive) -> Answer | None:
        """Lead from a conversation to its post, ours or another server's."""
        text: str = scope["path_params"]["post_id"]
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_ID):
            return None
        async with self.deps.db.connection() as conn:
            left_by = self.deps.db.now() - (await self.deps.house(conn)).undo_for
            uri = await reads.find_post_uri(conn, int(text), left_by)
            return await self._redirect(conn, uri)

    async def _named(self, scope: Scope, kind: str) -> Answer | None:
        name: str = scope["path_params"]["name"].removesuffix(f"@{self.deps.instance.host}")
        if not NAME.fullmatch(name):
            return None
        async with self.deps.db.connection() as conn:
            return await self._redirect(conn, await reads.find_named(conn, name.lower(), (kind,)))

    async def _redirect(self, conn: Conn, uri: Uri | None) -> Answer | None:
        if uri is None or not self.deps.instance.is_ours(uri):
            return None
        if (await self.deps.house(conn)).federation == "off":
            return None
        return answers.moved(uri)
