"""Asks other servers, and feeds the answers through the same door as deliveries.

Holds no transaction while it waits: every fetch ends before a transaction begins. What one event may ask for
is bounded by a `Budget` that is handed on; what all may, by `lookups`.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from federation import authenticity, quirks, uris, vocab
from federation.authenticity import Authentic
from federation.discovery import Handle
from federation.errors import FederationError, Gone, Malformed, Unreachable
from federation.http import Transport
from federation.keys import Signer
from federation.uris import Host, Uri
from fediverse_support.db.pool import Db
from fediverse_support.domain.instance import Instance
from fediverse_support.handles import Handles
from fediverse_support.lookups import Budget as Budget
from fediverse_support.lookups import Cause, Limits, Lookups
from fediverse_support.pipeline import names, outbox
from fediverse_support.pipeline.apply import apply
from fediverse_support.proofs import Keys
from fediverse_support.store import groups
from fediverse_support.store.exchange import peers
from fediverse_support.store.exchange.outgoing import PeerClass
from fediverse_support.store.people import actors, remote_actors
from fediverse_support.store.posts import missing, posts

LOG: Final = logging.getLogger(__name__)

LIMITS: Final = Limits()
FETCHES_A_SEARCH: Final = 14
NOT_NOW: Final = frozenset({"budget", "spent", "silent"})
"""Why somebody was not asked, which says nothing about them."""
ASK_AGAIN: Final = timedelta(days=1)
MISSED_FOR: Final = timedelta(days=3)
MISSED_TIMES: Final = 3
"""A post that its server does not find is asked for daily, and hidden after three days of it."""
FRESH_FOR: Final = timedelta(days=1)
STALE_AFTER: Final = timedelta(hours=1)


class Remote:
    """The way to other servers. Made once per process, in `wiring`."""

    def __init__(
        self, db: Db, transport: Transport, instance: Instance, secret: bytes, limits: Limits = LIMITS
    ) -> None:
        self._db = db
        self._instance = instance
        self.lookups = Lookups(db, transport, instance, secret, limits)
        self.keys = Keys(db, self.lookups)
        self.handles = Handles(db, self.lookups)
        self.underway: dict[int, asyncio.Task[None]] = {}

    def undertake(self, receipt_id: int, task: asyncio.Task[None]) -> None:
        """Keep what a delivery had us ask for, as long as it is under way."""
        self.underway[receipt_id] = task
        task.add_done_callback(lambda done: self._over(receipt_id, done))

    def _over(self, receipt_id: int, task: asyncio.Task[None]) -> None:
        self.underway.pop(receipt_id, None)
        if not task.cancelled() and (fault := task.exception()) is not None:
            LOG.info("not asked to the end", extra={"receipt": receipt_id, "error": type(fault).__name__})

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self.underway.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.keys.close()

    async def signer(self) -> Signer:
        """Return the instance actor's key, with which everything that is not one member's is signed."""
        return await self.lookups.signer()

    async def learn(
        self,
        uri: Uri,
        budget: Budget,
        *,
        announced_by: Uri | None = None,
        restores: bool = False,
        is_gone: bool = False,
        is_old: bool = False,
    ) -> vocab.Post | None:
        """Fetch an actor or a post, with its author and what it answers, and take it in like a delivery.

        Returns the post. `restores` says that its author took back having deleted it, `is_gone` that somebody
        says they did. `is_old` that a list named it which may name anything: then it has to be here, or to
        answer something that is, and it is no news.
        Raises what the fetch raises; a post that is gone at its origin is erased here before that. One that
        is only not found there, and that nobody says is deleted, is to be asked for again, which is
        `Unreachable("missing")`; not found for days, it is hidden.
        """
        try:
            found = authenticity.from_fetch(
                await self.lookups.fetch(uri, budget),
                announced_by=announced_by,
                restores=restores,
                is_old=is_old,
            )
        except Gone as error:
            if error.status == 404 and not is_gone:
                await self._miss(uri)
            else:
                await self.forget(uri, only_public=error.status == 404)
            raise
        return await self._learn_found(found, budget)

    async def _learn_found(
        self, found: authenticity.Found, budget: Budget, *, sought: Handle | None = None
    ) -> vocab.Post | None:
        if not isinstance(found, Authentic):
            raise Malformed("unsupported")
        match found.value:
            case vocab.Actor() as actor:
                async with self._db.transaction() as tx:
                    await remote_actors.upsert(tx, actor, self._db.now())
                await self.handles.meet(actor, budget, sought=sought)
                await self.meet(uris.host(actor.id), budget)
            case vocab.Observe() as seen:
                await self._take_in(found, seen, budget)
                return seen.object
            case vocab.Tombstone(id=uri):
                await self.forget(uri)
                raise Gone("gone")
            case _:
                raise Malformed("unsupported")
        return None

    async def _take_in(self, found: Authentic[vocab.Observe], seen: vocab.Observe, budget: Budget) -> None:
        await self.ensure_actors((seen.actor,), budget)
        act = await self._answering(found, seen, budget)
        if seen.is_old and not await self._is_wanted(act):
            raise Malformed("not_relevant")
        async with self._db.transaction() as tx:
            outcome = await apply(tx, self._instance, act, self._db.now())
            await outbox.wake(tx, outcome.hosts)
        if outcome.verdict.is_for_now:
            raise Unreachable("domain_refused")

    async def _is_wanted(self, act: Authentic[vocab.Activity]) -> bool:
        """Say whether a fetched post is here, or answers something that is."""
        post = act.value.object if isinstance(act.value, vocab.Observe) else None
        if post is None:
            return False
        async with self._db.connection() as conn:
            return bool(await posts.known_uris(conn, (post.id, *post.parents)))

    async def _answering(
        self, found: Authentic[vocab.Observe], seen: vocab.Observe, budget: Budget
    ) -> Authentic[vocab.Activity]:
        """Have what a post answers here if it can be had, and call it by its id."""
        post = seen.object
        if post.in_reply_to is None:
            return found
        async with self._db.connection() as conn:
            unknown = set(post.parents) - await posts.known_uris(conn, post.parents)
            called = await names.look_up(conn, self._instance, unknown, {})
        parent = called.best(post.parents)
        if parent is None or parent not in unknown:
            return authenticity.renamed(found, called.best, called.id_of)
        refusal = await self.ensure_post(parent, budget, is_old=seen.is_old)
        if refusal is not None and seen.is_old:
            raise refusal  # it can wait, and is not worth having without
        async with self._db.connection() as conn:
            called = await names.look_up(conn, self._instance, unknown, {})
        return authenticity.renamed(found, called.best, called.id_of)

    async def ensure_post(self, uri: Uri, budget: Budget, *, is_old: bool = False) -> Unreachable | None:
        """Have a post here if it can be had; what it answers comes with it, up to the budget.

        Failure is quiet; only where too much is asked for at this moment, that is returned.
        """
        async with self._db.connection() as conn:
            if self._instance.is_ours(uri) or await posts.known_uris(conn, [uri]):
                return None
        try:
            await self.learn(uri, budget, is_old=is_old)
        except Unreachable as error:
            return error if error.after is not None else None
        except FederationError:
            return None
        return None

    async def ensure_actors(self, wanted: tuple[Uri, ...], budget: Budget, *, anew: bool = False) -> None:
        """Have these actors here, no older than a day (an hour with `anew`). Raises for one that is not here
        at all."""
        others = [uri for uri in wanted if not self._instance.is_ours(uri)]
        if not others:
            return
        since = self._db.now() - (STALE_AFTER if anew else FRESH_FOR)
        async with self._db.connection() as conn:
            known = await remote_actors.known(conn, others, since)
        for uri in others:
            if known.get(uri):
                continue
            try:
                await self.learn(uri, budget)
            except FederationError:
                if uri not in known:
                    raise

    async def learn_moderator(self, group: Uri, actor: Uri, budget: Budget) -> None:
        """Ask a group elsewhere whether this actor moderates it, and keep the answer.

        Raises `Unreachable`; without a list, or with one that cannot be read, nobody is a moderator.
        """
        async with self._db.connection() as conn:
            where = await groups.find_moderators_uri(conn, group)
        listed: tuple[Uri, ...] = ()
        if where is not None and uris.same_origin(where, group):
            try:
                found = authenticity.from_fetch(await self.lookups.fetch(where, budget))
            except Unreachable:
                raise
            except FederationError:
                found = None
            if isinstance(found, Authentic) and isinstance(found.value, vocab.Collection):
                listed = found.value.items
        if actor in listed:
            await self.ensure_actors((actor,), budget)
        async with self._db.transaction() as tx:
            await groups.note_moderator(tx, group, actor, self._db.now(), is_listed=actor in listed)

    async def read_list(self, uri: Uri, budget: Budget) -> tuple[tuple[Uri, ...], Uri | None]:
        """Return the ids that a collection, or a page of one, lists, and where it goes on.

        Raises what the fetch raises, and `Malformed` for what is no collection.
        """
        found = authenticity.from_fetch(await self.lookups.fetch(uri, budget))
        if not isinstance(found, Authentic) or not isinstance(found.value, vocab.Collection):
            raise Malformed("unsupported")
        listed = found.value
        return listed.items, listed.next or (None if listed.items else listed.first)

    async def _miss(self, uri: Uri) -> None:
        """Raise `Unreachable("missing")` for a public post of ours that its origin does not find, until it
        has not for days; from then on hide it."""
        async with self._db.transaction() as tx:
            lost = await posts.find_by_uri(tx, uri)
            if lost is None or self._instance.is_ours(uri) or lost.audience not in ("public", "unlisted"):
                return
            times, since = await missing.note(tx, uri, self._db.now())
            if times < MISSED_TIMES or since > self._db.now() - MISSED_FOR:
                is_over = False
            else:
                is_over = True
                claim = vocab.Delete(
                    id=Uri(f"{uri}#missing"), actor=lost.author_uri, object=uri, is_missing=True
                )
                outcome = await apply(
                    tx, self._instance, authenticity.from_absence(claim, uri), self._db.now()
                )
                await outbox.wake(tx, outcome.hosts)
        if not is_over:
            raise Unreachable("missing", after=ASK_AGAIN.total_seconds())

    async def forget(self, uri: Uri, *, only_public: bool = False) -> None:
        """Erase a post that its own origin no longer has.

        `only_public` for an answer of 404: a post that is not for everybody is "not found" for our instance
        actor as long as it lives, so whoever made us ask could have it erased here.
        """
        async with self._db.transaction() as tx:
            gone = await posts.find_by_uri(tx, uri)
            if gone is None or self._instance.is_ours(uri):
                return
            if only_public and gone.audience not in ("public", "unlisted"):
                return
            act = authenticity.from_absence(
                vocab.Delete(id=Uri(f"{uri}#gone"), actor=gone.author_uri, object=uri), uri
            )
            outcome = await apply(tx, self._instance, act, self._db.now())
            await outbox.wake(tx, outcome.hosts)

    async def meet(self, host: Host, budget: Budget) -> None:
        """Ask a host once a week what it runs, because that tells which form of Announce it understands."""
        async with self._db.connection() as conn:
            if not await peers.needs_asking(conn, host, self._db.now()):
                return
        try:
            software = await self.lookups.software(host, budget)
        except Unreachable as error:
            if error.code in NOT_NOW:
                return
            software = None
        except FederationError:
            software = None
        form: PeerClass = "activity" if quirks.speaks_activities(software) else "object"
        async with self._db.transaction() as tx:
            await peers.learn(tx, host, software, form, self._db.now())

    async def find(self, text: str, *, by: str = "") -> int | None:
        """Return the row of the actor or post that a pasted address or handle of another server means.

        `by` is the account that looks for it. Raises `FederationError` where the server does not answer or
        has no such thing; the caller shows no difference.
        """
        until = self._db.now() + timedelta(seconds=20)
        budget = Budget(fetches=FETCHES_A_SEARCH, until=until, cause=Cause("person", by))
        uri, sought = uris.find(text.strip()), None
        if uri is None:
            name, _, host = text.strip().lstrip("@!").removeprefix("acct:").partition("@")
            place = uris.parse_host(host)
            if not name or place == self._instance.host:
                return None
            kind = "Group" if text.strip().startswith("!") else None
            uri = await self.lookups.webfinger(name, place, budget, kind=kind)
            sought = Handle(name.lower(), place)
        return await self._resolve(uri, sought, budget)

    async def _resolve(self, uri: Uri, sought: Handle | None, budget: Budget) -> int | None:
        async with self._db.connection() as conn:
            known = await actors.find_row(conn, uri)
        if known is None and not self._instance.is_ours(uri):
            found = authenticity.from_fetch(await self.lookups.fetch(uri, budget))
            if not isinstance(found, Authentic) or found.value.id is None:
                return None
            # The page's address may have led to the thing's id; only that counts from here on.
            await self._learn_found(found, budget, sought=sought)
            uri = found.value.id
        elif sought is not None and not self._instance.is_ours(uri):
            await self.handles.seek(uri, sought, budget)
        async with self._db.connection() as conn:
            return await actors.find_row(conn, uri)
