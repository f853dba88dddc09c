"""Public keys of other servers' actors that were seen lately, and those that are not worth asking for again.

An object, made by `Keys`; nothing in it outlives the process. Bounded in every direction.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from federation import uris
from federation.errors import FederationError, Gone, Unauthentic, Unreachable
from federation.keys import PublicKeyHandle
from federation.uris import Host, Uri
from fediverse_support.domain.buckets import Shelf, family

K = TypeVar("K")
T = TypeVar("T")

MAX_KEYS: Final = 10_000
KEPT_FOR: Final = timedelta(minutes=10)
MISSED_FOR: Final = timedelta(seconds=30)
MISSED_AT_MOST: Final = timedelta(minutes=2)
"""A key that could not be had is asked for again soon: its owner's document may be mended by then."""
REFRESHES_PER_HOUR: Final = 5
HOUR: Final = timedelta(hours=1)
FRESH_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key and whose it is."""

    actor_uri: Uri
    host: Host
    key: PublicKeyHandle


class KeyRing:
    """What this process remembers about keys."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Uri, tuple[KnownKey, datetime]] = OrderedDict()
        self._faults: Shelf[tuple[FederationError, int]] = Shelf()
        self._refreshes: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._asked: OrderedDict[Uri, datetime] = OrderedDict()

    def find(self, key_id: Uri, now: datetime) -> KnownKey | None:
        """Return a key seen in the last ten minutes."""
        found = self._keys.get(key_id)
        return found[0] if found is not None and found[1] > now else None

    def keep(self, key_id: Uri, key: KnownKey, now: datetime, *, asked: bool = False) -> None:
        """Remember a key, and forget that it was ever missing; `asked` says that its server just told it."""
        self._faults.drop(key.host, key_id)
        _put(self._keys, key_id, (key, now + KEPT_FOR))
        if asked:
            _put(self._asked, key_id, now)

    def drop(self, key_id: Uri) -> None:
        """Forget a key."""
        self._keys.pop(key_id, None)

    def check(self, key_id: Uri, now: datetime) -> None:
        """Raise again what the last attempt to get this key raised, while that is fresh."""
        found = self._faults.find(uris.host(key_id), key_id, now)
        if found is not None:
            error = found[0]
            if isinstance(error, Gone):
                raise Gone(error.code, error.detail, status=error.status)
            raise type(error)(error.code, error.detail)

    def miss(self, key_id: Uri, error: FederationError, now: datetime) -> None:
        """Remember for a moment that a key could not be had; the longer, the more often it could not."""
        host = uris.host(key_id)
        last = self._faults.last(host, key_id)
        times = 0 if last is None else last[1]
        fault = error if isinstance(error, Unreachable | Gone) else Unauthentic(error.code, error.detail)
        wait = min(MISSED_FOR * 2 ** min(times, 10), MISSED_AT_MOST)
        self._faults.put(host, key_id, (fault, times + 1), now + wait)

    def may_refresh(self, key_id: Uri, host: Host, now: datetime) -> bool:
        """Say whether a domain may be asked for a key that we have, and count it: five times an hour.

        A key that its server told us within the last minute is not asked for again: the signature is wrong.
        """
        if (since := self._asked.get(key_id)) is not None and since > now - FRESH_FOR:
            return False
        domain = family(host)
        asked = self._refreshes.setdefault(domain, deque(maxlen=REFRESHES_PER_HOUR))
        self._refreshes.move_to_end(domain)
        while len(self._refreshes) > MAX_KEYS:
            self._refreshes.popitem(last=False)
        if len(asked) == REFRESHES_PER_HOUR and asked[0] > now - HOUR:
            return False
        asked.append(now)
        return True


def _put(mapping: OrderedDict[K, T], key: K, value: T) -> None:
    mapping[key] = value
    mapping.move_to_end(key)
    while len(mapping) > MAX_KEYS:
        mapping.popitem(last=False)
