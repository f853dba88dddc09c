"""Handles of people and groups elsewhere: on another domain than their server's only where both sides say so.

The actor's own server has to name that domain, and the domain has to lead back to this very actor. Which
domains a server names its people by is remembered, because rules about those count for it, too; for that its
own word is enough. Sources: RFC 7033, FEP-2c59.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation import uris, vocab
from federation.discovery import Handle
from federation.errors import FederationError, Unreachable
from federation.uris import Host, Uri
from fediverse_support.db.pool import Db
from fediverse_support.lookups import Budget, Lookups
from fediverse_support.store.people import host_names


@dataclass(frozen=True, slots=True)
class Handles:
    """Looks handles up both ways. Made once, in `Remote`."""

    db: Db
    lookups: Lookups

    async def meet(self, actor: vocab.Actor, budget: Budget, *, sought: Handle | None = None) -> None:
        """Look up how an actor is named whose server may name it by another domain; failure is quiet.

        `sought` is a handle that was just seen to lead to it.
        """
        host = uris.host(actor.id)
        claimed = (actor.webfinger or "").rpartition("@")[2]
        if sought is not None and sought.host != host:
            claimed = sought.host
        async with self.db.connection() as conn:
            is_other = await host_names.shown_at(conn, actor.id) not in (None, host)
            if claimed in ("", host) and not is_other and not await host_names.is_worth_asking(conn, host):
                return
        await self._look_up(actor.id, actor.preferred_username, sought, budget)

    async def seek(self, uri: Uri, sought: Handle, budget: Budget) -> None:
        """Show an actor that is known by the handle that just led to it, if its own server says the same;
        failure is quiet."""
        async with self.db.connection() as conn:
            if await host_names.shown_at(conn, uri) in (None, sought.host):
                return
        await self._look_up(uri, sought.name, sought, budget)

    async def _look_up(self, uri: Uri, name: str, sought: Handle | None, budget: Budget) -> None:
        host = uris.host(uri)
        try:
            subject = await self.lookups.subject(name, host, budget)
        except Unreachable:
            return
        except FederationError:
            subject = None
        domain = host if subject is None or subject.name != name.lower() else subject.host
        is_seen = domain == host or sought == Handle(name.lower(), domain)
        leads_here = is_seen or await self._leads_to(name, domain, uri, budget)
        if leads_here is None:
            return
        async with self.db.transaction() as tx:
            if domain != host:
                await host_names.note(tx, host, domain, self.db.now())
            await host_names.show_at(tx, uri, name, domain if leads_here else host)

    async def _leads_to(self, name: str, domain: Host, uri: Uri, budget: Budget) -> bool | None:
        """Say whether a handle leads to an actor; None where that cannot be known now."""
        try:
            return await self.lookups.webfinger(name, domain, budget) == uri
        except Unreachable as error:
            # We do not talk to that domain: its name is not shown, and the rule about it counts all the same.
            return False if error.code == "domain_refused" else None
        except FederationError:
            return False
