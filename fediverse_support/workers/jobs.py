"""One delivery on its way through a worker, and what has to stay in order with it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from federation import authenticity, vocab
from federation.authenticity import Authentic, NeedsFetch
from federation.errors import FederationError
from federation.uris import Host, Uri
from federation.vocab import Activity, Unsupported
from fediverse_support.store.exchange.receipts import Receipt

LOG: Final = logging.getLogger(__name__)

Read = Authentic[Activity] | Unsupported | NeedsFetch | None


@dataclass(frozen=True, slots=True)
class Later:
    """Why and until when a delivery is put off.

    `counts` says that this was a try, `park` that it was the last, `holds` that what comes after it waits,
    too. With `rule` it waits for the end of the rule about that host.
    """

    error: str
    due_at: datetime
    counts: bool = False
    park: bool = False
    holds: bool = True
    rule: Host | None = None


@dataclass(slots=True)
class Job:
    """One delivery on its way: what is to be applied, or why it is tried again.

    `ids` are what it makes, changes or takes back, `rests_on` what has to be there before. `is_ready` says
    that all it rests on was asked for. `is_barred` says that a rule about a server stood against preparing
    it, `is_put_off` against applying it.
    """

    receipt: Receipt
    act: Read = None
    ids: frozenset[Uri] = frozenset()
    rests_on: frozenset[Uri] = frozenset()
    acts: list[Authentic[Activity]] = field(default_factory=list)
    later: Later | None = None
    is_ready: bool = False
    is_barred: bool = False
    is_put_off: bool = False

    @classmethod
    def of(cls, receipt: Receipt) -> Job:
        """Return the job of a stored delivery; one that cannot be read any more has no effect."""
        job = cls(receipt)
        job.take(_read(receipt))
        return job

    def take(self, act: Read) -> None:
        """Have this activity for its delivery; where it stands in the order, follows from it.

        What we look at again ourselves stands in none: nobody waits for our questions, and of its author's
        words the newest count, whichever way they come first.
        """
        self.act = act
        if self.receipt.is_ours:
            return
        match act:
            case Authentic(value):
                self.ids, self.rests_on = frozenset(_ids(value)), frozenset(_rests_on(value))
            case NeedsFetch(uri):
                self.ids = frozenset({uri})
            case _:
                pass

    @property
    def carried(self) -> Uri | None:
        """Return the id under which is logged what a relay carried: an activity's, or that of the post which
        was asked for at its origin. None for everything else."""
        match self.act:
            case Authentic(vocab.Announce(object=vocab.Create(object=thing) | vocab.Update(object=thing))):
                return Uri(thing) if isinstance(thing, str) else thing.id
            case Authentic(vocab.Announce(object=inner)) if not isinstance(inner, str):
                return inner.id
            case _:
                return None

    def comes_after(self, others: Iterable[Uri]) -> bool:
        """Say whether this has to wait for another delivery that is about these.

        A deletion waits for nothing: what comes late then finds that it is gone.
        """
        if isinstance(self.act, Authentic) and isinstance(self.act.value, vocab.Delete):
            return False
        return any(uri in self.ids or uri in self.rests_on for uri in others)


def _read(receipt: Receipt) -> Read:
    if receipt.body is None:
        return None
    try:
        return authenticity.from_stored(receipt.body.encode(), receipt.signer_uri)
    except FederationError as error:
        LOG.info("unreadable", extra={"receipt": receipt.id, "code": error.code})
        return None


def _ids(value: Activity) -> set[Uri]:
    """Return what an activity makes, changes or takes back. Who joins is made a member by it."""
    found = set() if value.id is None else {value.id}
    match value:
        case vocab.Create(object=thing) | vocab.Update(object=thing):
            if not isinstance(thing, vocab.Actor):
                found.add(Uri(thing) if isinstance(thing, str) else thing.id)
        case vocab.Delete(object=uri):
            found.add(uri)
        case vocab.Follow(actor=actor):
            found.add(actor)
        case vocab.Undo(object=inner) | vocab.Announce(object=inner):
            found |= {Uri(inner)} if isinstance(inner, str) else _ids(inner)
        case _:
            pass
    return found


def _rests_on(value: Activity) -> set[Uri]:
    match value:
        case vocab.Create(object=vocab.Post() as post) | vocab.Update(object=vocab.Post() as post):
            return {value.actor} if post.in_reply_to is None else {value.actor, post.in_reply_to}
        case vocab.Like():
            return {value.actor, value.object}
        case vocab.Flag():
            return {value.actor, *value.objects}
        case vocab.Announce(object=inner) if not isinstance(inner, str):
            return _rests_on(inner)
        case _:
            return {value.actor}
