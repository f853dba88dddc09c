"""The keys that prove who asks: from memory, from the database, else from their owner's server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from federation import authenticity, documents, keys, uris, vocab
from federation.authenticity import Authentic
from federation.errors import FederationError, Malformed, Unauthentic, Unreachable
from federation.uris import Uri
from fediverse_support.db.pool import Db
from fediverse_support.keyring import KeyRing, KnownKey
from fediverse_support.lookups import Budget, Cause, Lookups
from fediverse_support.store.exchange import peers
from fediverse_support.store.people import remote_actors

SECONDS: Final = 4.0
MOST_AT_ONCE: Final = 16
MOST_WAITING: Final = 200
MOST_STEPS: Final = 6
"""A key by itself, its owner, a redirect and a second signature each."""
TOO_SMALL: Final = "key_too_small"
MOST_UNPROVEN: Final = 1_000


@dataclass(slots=True)
class Keys:
    """What a process knows of others' keys. Made once, in `Remote`."""

    db: Db
    lookups: Lookups
    _ring: KeyRing = field(default_factory=KeyRing)
    _tasks: dict[Uri, asyncio.Task[KnownKey]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    _unproven: OrderedDict[Uri, Cause] = field(default_factory=OrderedDict)

    def kept(self, key_id: Uri) -> KnownKey | None:
        """Return a key that this process saw lately; asks neither the database nor anybody else."""
        return self._ring.find(key_id, self.db.now())

    async def get(self, key_id: Uri, address: str, *, refresh: bool = False) -> KnownKey:
        """Return a public key and its owner. `address` is where the request came from that wants it.

        `refresh` asks the server although the key is known, at most five times an hour and domain. Raises
        `Unauthentic` for a key that is not its owner's, `Gone`, `Unreachable`; each is kept for a moment.
        """
        now = self.db.now()
        known = self._ring.find(key_id, now)
        if known is None and (known := await self._stored(key_id)) is not None:
            self._ring.keep(key_id, known, now)
        if known is not None and not (refresh and self._ring.may_refresh(key_id, known.host, now)):
            return known
        if known is None:
            self._ring.check(key_id, now)
        return await self._fly(key_id, Cause("proof", address))

    def proven(self, key_id: Uri) -> None:
        """Note that a key made the signature it was asked for: that costs whoever sent it nothing."""
        cause = self._unproven.pop(key_id, None)
        if cause is not None:
            self.lookups.give_back(cause, uris.host(key_id))

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stored(self, key_id: Uri) -> KnownKey | None:
        async with self.db.connection() as conn:
            row = await remote_actors.find_key(conn, key_id)
        if row is None or row.host is None:
            return None
        return KnownKey(row.uri, row.host, keys.load_public(row.public_key_pem))

    async def _fly(self, key_id: Uri, cause: Cause) -> KnownKey:
        """Fetch a key, together with everybody who wants it at this moment."""
        task = self._tasks.get(key_id)
        if task is None:
            if len(self._tasks) >= MOST_WAITING:
                raise Unreachable("budget", after=SECONDS)
            task = asyncio.create_task(self._fetch(key_id, cause))
            self._tasks[key_id] = task
            task.add_done_callback(lambda done: self._over(key_id, done))
        return await asyncio.shield(task)

    def _over(self, key_id: Uri, task: asyncio.Task[KnownKey]) -> None:
        self._tasks.pop(key_id, None)
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; perhaps nobody does

    async def _fetch(self, key_id: Uri, cause: Cause) -> KnownKey:
        try:
            async with asyncio.timeout(SECONDS), self._slots:
                actor = await self._owner_of(key_id, Budget(MOST_STEPS, cause=cause))
            key = next(key for key in actor.keys if key.id == key_id)
            known = KnownKey(actor.id, uris.host(actor.id), keys.load_public(key.pem))
            async with self.db.transaction() as tx:
                if await remote_actors.upsert(tx, _with_key(actor, key), self.db.now()) is None:
                    raise Unauthentic("actor_changed")
        except TimeoutError as error:
            raise self._missed(key_id, Unreachable("timeout")) from error
        except Malformed as error:
            # The owner's document is at fault, not the delivery: it proves nothing.
            raise self._missed(key_id, Unauthentic(error.code, error.detail)) from error
        except FederationError as error:
            if error.code == TOO_SMALL:
                async with self.db.transaction() as tx:
                    await peers.note_key_fault(tx, uris.host(key_id), TOO_SMALL, self.db.now())
            raise self._missed(key_id, error) from error
        self._ring.keep(key_id, known, self.db.now(), asked=True)
        self._unproven[key_id] = cause
        if len(self._unproven) > MOST_UNPROVEN:
            self._unproven.popitem(last=False)
        return known

    def _missed(self, key_id: Uri, fault: FederationError) -> FederationError:
        if fault.code not in ("budget", "domain_refused"):
            self._ring.miss(key_id, fault, self.db.now())
        return fault

    async def _owner_of(self, key_id: Uri, budget: Budget) -> vocab.Actor:
        """Return the actor who has this key by the word of their own document; one more step for a key by
        itself."""
        found = await self.lookups.fetch(uris.without_fragment(key_id), budget, seconds=SECONDS)
        thing = authenticity.from_fetch(found) if "owner" not in found.document else None
        if thing is None:
            owner = documents.id_of(found.document["owner"])
            if owner is None or not uris.same_origin(owner, key_id):
                raise Unauthentic("key_mismatch")
            thing = authenticity.from_fetch(await self.lookups.fetch(owner, budget, seconds=SECONDS))
        if not isinstance(thing, Authentic) or not isinstance(thing.value, vocab.Actor):
            raise Unauthentic("key_mismatch")
        actor = thing.value
        if not uris.same_origin(actor.id, key_id) or not any(
            key.id == key_id and key.owner == actor.id for key in actor.keys
        ):
            raise Unauthentic("key_mismatch")
        return actor


def _with_key(actor: vocab.Actor, key: vocab.PublicKey) -> vocab.Actor:
    """Return the actor with the key that was asked for first; we keep one key an actor."""
    others = tuple(other for other in actor.keys if other.id != key.id)
    return replace(actor, keys=(key, *others))
