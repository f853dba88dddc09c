"""Memory that is bounded however many strangers appear: token buckets, and shelves of what was found out."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

V = TypeVar("V")

MOST_FAMILIES: Final = 2_000
MOST_OF_ONE: Final = 50
SHORT_LABEL: Final = 3
NUMBERS: Final = re.compile(r"[0-9.]+")


@dataclass(slots=True)
class Buckets:
    """A bucket per key: `burst` tokens at first, `per_second` more as time goes, forgotten oldest first."""

    burst: float
    per_second: float
    max_keys: int = 10_000
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: str, at: float) -> float:
        """Take one token at second `at`; return 0, or the seconds to wait where none is left."""
        tokens = self._tokens(key, at)
        wait = 0.0 if tokens >= 1.0 else (1.0 - tokens) / self.per_second
        self._keep(key, tokens - 1.0 if wait == 0.0 else tokens, at)
        return wait

    def wait(self, key: str, at: float) -> float:
        """Return what `take` would, and take nothing."""
        tokens = self._tokens(key, at)
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / self.per_second

    def give_back(self, key: str, at: float) -> None:
        """Put one token back: what was asked for turned out to be honest."""
        if key in self._left:
            self._keep(key, min(self.burst, self._tokens(key, at) + 1.0), at)

    def _tokens(self, key: str, at: float) -> float:
        tokens, since = self._left.get(key, (self.burst, at))
        return min(self.burst, tokens + max(0.0, at - since) * self.per_second)

    def _keep(self, key: str, tokens: float, at: float) -> None:
        self._left[key] = (tokens, at)
        self._left.move_to_end(key)
        if len(self._left) > self.max_keys:
            self._left.popitem(last=False)


class Shelf(Generic[V]):
    """What was found out about names, for a while. Each family of names has so much room and no more.

    So whoever owns a domain, with all the names below it, pushes out nobody else's.
    """

    def __init__(self) -> None:
        self._families: OrderedDict[str, OrderedDict[str, tuple[V, datetime]]] = OrderedDict()

    def find(self, host: str, name: str, now: datetime) -> V | None:
        """Return what is known about a name of this host at `now`."""
        kept = self._kin(host).get(name)
        return None if kept is None or kept[1] <= now else kept[0]

    def last(self, host: str, name: str) -> V | None:
        """Return what was known last about a name, past its time or not."""
        kept = self._kin(host).get(name)
        return None if kept is None else kept[0]

    def put(self, host: str, name: str, value: V, until: datetime) -> None:
        """Keep something about a name of this host until then."""
        kin = self._families.setdefault(family(host), OrderedDict())
        self._families.move_to_end(family(host))
        kin[name] = (value, until)
        kin.move_to_end(name)
        if len(kin) > MOST_OF_ONE:
            kin.popitem(last=False)
        if len(self._families) > MOST_FAMILIES:
            self._families.popitem(last=False)

    def drop(self, host: str, name: str) -> None:
        """Forget what is known about a name."""
        self._kin(host).pop(name, None)

    def _kin(self, host: str) -> OrderedDict[str, tuple[V, datetime]]:
        return self._families.get(family(host)) or OrderedDict()

    def __len__(self) -> int:
        return sum(len(kin) for kin in self._families.values())


def family(host: str) -> str:
    """Return the domain that somebody had to register for this host, as well as can be told from its name.

    That is the last two labels, or three where the second is a short one below a country: `x.y.example` is of
    `y.example`, `x.y.org.uk` of `y.org.uk`. A number is its own.
    """
    name = host if host.startswith("[") else host.split(":", 1)[0]
    labels = name.split(".")
    if host.startswith("[") or NUMBERS.fullmatch(name) or len(labels) == 1:
        return host
    is_below_country = len(labels[-1]) == 2 and len(labels[-2]) <= SHORT_LABEL
    return ".".join(labels[-3:] if is_below_country else labels[-2:])
