"""What only a rule about a server keeps from being applied.

What was taken in before the rule was promised: it waits until the rule is another one. What came later, in a
delivery of somebody else, was answered and dropped on purpose, unless it takes something back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from federation import uris, vocab
from federation.authenticity import Authentic, NeedsFetch
from federation.uris import Host
from federation.vocab import Activity
from fediverse_support.db.pool import Tx
from fediverse_support.deps import Deps
from fediverse_support.domain.question import ask
from fediverse_support.reads import house
from fediverse_support.store.exchange import receipts
from fediverse_support.workers.jobs import Job, Read

Barred = Literal["waits", "again", "dropped"]

GRACE: Final = timedelta(minutes=1)
"""So long after a rule a delivery may have been let in by a process that did not know of it yet."""


async def bar(deps: Deps, tx: Tx, job: Job) -> Barred:
    """Put a delivery aside that a rule stands against, if it was promised.

    `again` says that the rule was lifted in this very moment, `dropped` that nobody is owed anything.
    """
    receipt, act = job.receipt, job.act
    own = uris.host(receipt.signer_uri)
    mode = (await house.find(tx, deps.instance.overrides)).federation
    ruled = await receipts.ruled_since(tx, {own, *_hosts(act)}, mode)
    if not ruled:
        return "again"
    if own in ruled:
        # The whole line of this host waits, in its order.
        return "waits"
    for host, since in ruled.items():
        if _takes_back(act) or (since is not None and receipt.received_at <= since + GRACE):
            await receipts.wait_for_rule(tx, receipt.id, host, job.ids)
            return "waits"
    return "dropped"


def is_withdrawal(act: Read) -> bool:
    """Say whether a delivery is its sender's own Delete or Undo; to undo a Delete takes nothing back."""
    if not isinstance(act, Authentic):
        return False
    value = act.value
    if isinstance(value, vocab.Undo):
        return not isinstance(value.object, vocab.Delete)
    return isinstance(value, vocab.Delete)


def _takes_back(act: Read) -> bool:
    if not isinstance(act, Authentic):
        return False
    value = act.value
    if isinstance(value, vocab.Announce) and not isinstance(value.object, str):
        value = value.object
    return isinstance(value, vocab.Delete | vocab.Undo)


def _hosts(act: Read) -> set[Host]:
    """Return every host that a delivery involves: by itself, or by what it passes on."""
    match act:
        case NeedsFetch(uri):
            return {uris.host(uri)}
        case Authentic(value):
            return _involved(value)
        case _:
            return set()


def _involved(value: Activity) -> set[Host]:
    if isinstance(value, vocab.Announce) and not isinstance(value.object, str):
        return {*ask(value).hosts, *_involved(value.object)}
    return set(ask(value).hosts)
