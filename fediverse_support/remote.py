"""Asks other servers, and feeds the answers through the same door as deliveries.

Holds no transaction while it waits: every fetch ends before a transaction begins. What one cause may ask for
is bounded by
a `Budget` that is handed on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from federation import authenticity, documents, fetching, keys, quirks, uris, vocab
from federation.authenticity import Authentic, Fetched
from federation.errors import FederationError, Gone, Malformed, Unauthentic, Unreachable
from federation.http import Transport
from federation.keys import Signer
from federation.uris import Host, Uri
from fediverse_support.db.pool import Db
from fediverse_support.domain.instance import Instance
from fediverse_support.keyring import KeyRing, KnownKey
from fediverse_support.pipeline import names, outbox
from fediverse_support.pipeline.apply import apply
from fediverse_support.store import actors, groups, peers, posts, remote_actors
from fediverse_support.store.outgoing import PeerClass

KEY_SECONDS: Final = 4.0
MAX_KEY_FETCHES: Final = 16
MAX_WAITING: Final = 200
FRESH_FOR: Final = timedelta(days=1)
STALE_AFTER: Final = timedelta(hours=1)


@dataclass(slots=True)
class Budget:
    """What one cause may still ask other servers for. `until` is the time of `Db.now()` after which nothing
    more is asked."""

    fetches: int = 20
    until: datetime | None = None

    def spend(self, now: datetime) -> None:
        """Count one request; raise `Unreachable("budget")` when nothing is left."""
        if self.fetches <= 0 or (self.until is not None and now > self.until):
            raise Unreachable("budget")
        self.fetches -= 1


@dataclass(slots=True)
class _Flights:
    """Fetches of keys that are under way, so that each is asked for once at a time."""

    tasks: dict[Uri, asyncio.Task[KnownKey]] = field(default_factory=dict)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_KEY_FETCHES))


class Remote:
    """The way to other servers. Made once per process, in `wiring`."""

    def __init__(self, db: Db, transport: Transport, instance: Instance, secret: bytes) -> None:
        self._db = db
        self._transport = transport
        self._instance = instance
        self._secret = secret
        self._ring = KeyRing()
        self._flights = _Flights()
        self._signers: dict[Uri, Signer] = {}

    async def signer(self) -> Signer:
        """Return the instance actor's key, with which everything that is not one member's is signed."""
        uri = self._instance.actor_uri
        if uri not in self._signers:
            async with self._db.connection() as conn:
                sealed = await actors.get_sealed_key(conn, uri)
            private = keys.load_private(keys.unseal(sealed, self._secret))
            self._signers[uri] = Signer(keys.key_id(uri), private)
        return self._signers[uri]

    def kept_key(self, key_id: Uri) -> KnownKey | None:
        """Return a key that this process saw lately; asks neither the database nor anybody else."""
        return self._ring.find(key_id, self._db.now())

    async def key(self, key_id: Uri, *, refresh: bool = False) -> KnownKey:
        """Return a public key and its owner: from memory, from the database, else from the owner's server.

        `refresh` asks the server although the key is known, at most five times an hour and host. Raises
        `Unauthentic` for a
        key that is not its owner's, `Gone`, `Unreachable`; each is remembered for a while.
        """
        now = self._db.now()
        known = self._ring.find(key_id, now)
        if known is None and (known := await self._stored_key(key_id)) is not None:
            self._ring.keep(key_id, known, now)
        if known is not None and not (refresh and self._ring.may_refresh(key_id, known.host, now)):
            return known
        if known is None:
            self._ring.check(key_id, now)
            if not self._ring.may_meet(uris.host(key_id), now):
                raise Unreachable("busy")
        return await self._fly(key_id)

    async def _stored_key(self, key_id: Uri) -> KnownKey | None:
        async with self._db.connection() as conn:
            row = await remote_actors.find_key(conn, key_id)
        if row is None or row.host is None:
            return None
        return KnownKey(row.uri, row.host, keys.load_public(row.public_key_pem))

    async def _fly(self, key_id: Uri) -> KnownKey:
        """Fetch a key, together with everybody who wants it at this moment."""
        flights = self._flights
        task = flights.tasks.get(key_id)
        if task is None:
            if len(flights.tasks) >= MAX_WAITING:
                raise Unreachable("busy")
            task = asyncio.create_task(self._fetch_key(key_id))
            flights.tasks[key_id] = task
            task.add_done_callback(lambda _: flights.tasks.pop(key_id, None))
        return await asyncio.shield(task)

    async def _fetch_key(self, key_id: Uri) -> KnownKey:
        try:
            async with asyncio.timeout(KEY_SECONDS), self._flights.slots:
                actor = await self._owner_of(key_id)
            key = next(key for key in actor.keys if key.id == key_id)
            known = KnownKey(actor.id, uris.host(actor.id), keys.load_public(key.pem))
            async with self._db.transaction() as tx:
                if await remote_actors.upsert(tx, _with_key(actor, key), self._db.now()) is None:
                    raise Unauthentic("actor_changed")
        except TimeoutError as error:
            fault: FederationError = Unreachable("timeout")
            self._ring.miss(key_id, fault, self._db.now())
            raise fault from error
        except Malformed as error:
            # The owner's document is at fault, not the delivery: it proves nothing.
            fault = Unauthentic(error.code, error.detail)
            self._ring.miss(key_id, fault, self._db.now())
            raise fault from error
        except FederationError as error:
            self._ring.miss(key_id, error, self._db.now())
            raise
        self._ring.keep(key_id, known, self._db.now(), asked=True)
        return known

    async def _owner_of(self, key_id: Uri) -> vocab.Actor:
        """Return the actor who has this key by the word of their own document; one more step for a key by
        itself."""
        found = await self._fetch(uris.without_fragment(key_id), seconds=KEY_SECONDS)
        thing = authenticity.from_fetch(found) if "owner" not in found.document else None
        if thing is None:
            owner = documents.id_of(found.document["owner"])
            if owner is None or not uris.same_origin(owner, key_id):
                raise Unauthentic("key_mismatch")
            thing = authenticity.from_fetch(await self._fetch(owner, seconds=KEY_SECONDS))
        if not isinstance(thing, Authentic) or not isinstance(thing.value, vocab.Actor):
            raise Unauthentic("key_mismatch")
        actor = thing.value
        if not uris.same_origin(actor.id, key_id) or not any(
            key.id == key_id and key.owner == actor.id for key in actor.keys
        ):
            raise Unauthentic("key_mismatch")
        return actor

    async def _fetch(self, uri: Uri, *, seconds: float = fetching.SECONDS) -> Fetched:
        if self._instance.federation == "off" or self._instance.is_ours(uri):
            raise Unreachable("not_asked")
        host = uris.host(uri)
        async with self._db.connection() as conn:
            severity, scheme = await peers.find_manners(conn, host)
        if not self._instance.talks_to(severity):
            raise Unreachable("domain_refused")
        return await fetching.fetch(
            self._transport,
            uri,
            signer=await self.signer(),
            now=self._db.now(),
            allow_http=self._instance.allow_http,
            scheme=scheme,
            seconds=seconds,
            admit=self._admit_id,
        )

    async def _admit_id(self, uri: Uri) -> None:
        """Refuse to be led by a document to ourselves or to a server we do not talk to."""
        if self._instance.is_ours(uri):
            raise Unreachable("not_asked")
        await self._admit(uris.host(uri))

    async def learn(
        self, uri: Uri, budget: Budget, *, announced_by: Uri | None = None, restores: bool = False
    ) -> None:
        """Fetch an actor or a post, with its author and what it answers, and take it in like a delivery.

        `restores` says that its author took back having deleted it. Raises what the fetch raises; a post that
        is gone at its origin is erased here before that.
        """
        budget.spend(self._db.now())
        try:
            found = authenticity.from_fetch(
                await self._fetch(uri), announced_by=announced_by, restores=restores
            )
        except Gone as error:
            await self.forget(uri, only_public=error.status == 404)
            raise
        if not isinstance(found, Authentic):
            raise Malformed("unsupported")
        match found.value:
            case vocab.Actor() as actor:
                async with self._db.transaction() as tx:
                    await remote_actors.upsert(tx, actor, self._db.now())
                await self.meet(uris.host(actor.id))
            case vocab.Observe() as seen:
                await self._take_in(found, seen, budget)
            case vocab.Tombstone():
                await self.forget(uri)
                raise Gone("gone")
            case _:
                raise Malformed("unsupported")

    async def _take_in(self, found: Authentic[vocab.Observe], seen: vocab.Observe, budget: Budget) -> None:
        await self.ensure_actors((seen.actor,), budget)
        act = await self._answering(found, seen.object, budget)
        async with self._db.transaction() as tx:
            outcome = await apply(tx, self._instance, act, self._db.now())
            await outbox.wake(tx, outcome.hosts)
        if outcome.verdict.is_for_now:
            raise Unreachable("domain_refused")

    async def _answering(
        self, found: Authentic[vocab.Observe], post: vocab.Post, budget: Budget
    ) -> Authentic[vocab.Activity]:
        """Have what a post answers here if it can be had, and call it by its id."""
        if post.in_reply_to is None:
            return found
        async with self._db.connection() as conn:
            unknown = set(post.parents) - await posts.known_uris(conn, post.parents)
            called = await names.look_up(conn, self._instance, unknown, {})
        parent = called.best(post.parents)
        if parent is None or parent not in unknown:
            return authenticity.renamed(found, called.best, called.id_of)
        await self.ensure_post(parent, budget)
        async with self._db.connection() as conn:
            called = await names.look_up(conn, self._instance, unknown, {})
        return authenticity.renamed(found, called.best, called.id_of)

    async def ensure_post(self, uri: Uri, budget: Budget) -> None:
        """Have a post here if it can be had; what it answers comes with it, up to the budget. Failure is
        quiet."""
        async with self._db.connection() as conn:
            if self._instance.is_ours(uri) or await posts.known_uris(conn, [uri]):
                return
        try:
            await self.learn(uri, budget)
        except FederationError:
            return

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
            budget.spend(self._db.now())
            try:
                found = authenticity.from_fetch(await self._fetch(where))
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

    async def meet(self, host: Host) -> None:
        """Ask a host once a week what it runs, because that tells which form of Announce it understands."""
        async with self._db.connection() as conn:
            if not await peers.needs_asking(conn, host, self._db.now()):
                return
        try:
            software = await fetching.nodeinfo_software(
                self._transport, host, allow_http=self._instance.allow_http
            )
        except FederationError:
            software = None
        form: PeerClass = "activity" if quirks.speaks_activities(software) else "object"
        async with self._db.transaction() as tx:
            await peers.learn(tx, host, software, form, self._db.now())

    async def find(self, text: str) -> int | None:
        """Return the row of the actor or post that a pasted address or handle of another server means.

        Raises `FederationError` where the server does not answer or has no such thing; the caller shows no
        difference.
        """
        budget = Budget(fetches=8, until=self._db.now() + timedelta(seconds=20))
        uri = uris.find(text.strip())
        if uri is None:
            name, _, host = text.strip().lstrip("@!").removeprefix("acct:").partition("@")
            place = uris.parse_host(host)
            if not name or place == self._instance.host:
                return None
            await self._admit(place)
            budget.spend(self._db.now())
            uri = await fetching.webfinger(
                self._transport, name, place, allow_http=self._instance.allow_http,
                kind="Group" if text.strip().startswith("!") else None,
            )  # fmt: skip
        return await self._resolve(uri, budget)

    async def _admit(self, host: Host) -> None:
        async with self._db.connection() as conn:
            severity, _ = await peers.find_manners(conn, host)
        if not self._instance.talks_to(severity):
            raise Unreachable("domain_refused")

    async def _resolve(self, uri: Uri, budget: Budget) -> int | None:
        async with self._db.connection() as conn:
            known = await actors.find_row(conn, uri)
        if known is None and not self._instance.is_ours(uri):
            budget.spend(self._db.now())
            found = authenticity.from_fetch(await self._fetch(uri))
            if not isinstance(found, Authentic) or found.value.id is None:
                return None
            # The page's address may have led to the thing's id; only that counts from here on.
            await self.learn(found.value.id, budget)
            uri = found.value.id
        async with self._db.connection() as conn:
            return await actors.find_row(conn, uri)


def _with_key(actor: vocab.Actor, key: vocab.PublicKey) -> vocab.Actor:
    """Return the actor with the key that was asked for first; we keep one key an actor."""
    others = tuple(other for other in actor.keys if other.id != key.id)
    return replace(actor, keys=(key, *others))
