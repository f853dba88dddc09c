"""An inbox that is not where it was: the document of its owner says where it is now, or that they are gone.

A redirect or a 404 is believed by itself as little as anything else that is not said under an actor's own id.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from federation import authenticity, vocab
from federation.errors import FederationError, Gone
from federation.uris import Host, Uri
from fediverse_support.db.pool import Tx
from fediverse_support.deps import Deps
from fediverse_support.lookups import Budget
from fediverse_support.pipeline import outbox
from fediverse_support.pipeline.apply import apply
from fediverse_support.store.exchange import deliveries
from fediverse_support.store.exchange.deliveries import Delivery
from fediverse_support.store.people import remote_actors
from fediverse_support.store.people.remote_actors import Owner

MISSED_FOR: Final = timedelta(days=3)
"""How long an inbox and its owner may both answer 404: a server that lost its way finds it by then."""

MOST_MOVES: Final = 5
"""How often one delivery is addressed anew; a server could send it round in a circle."""

Found = Literal["there", "moved", "gone"]


async def ask_owner(deps: Deps, host: Host, job: Delivery) -> Found:
    """Ask whose inbox this is, and do what follows: address the delivery anew, or let a lost follower go."""
    async with deps.db.connection() as conn:
        owner = await remote_actors.find_owner(conn, host, job.inbox_uri)
    if owner is None:
        return "there"
    try:
        await deps.remote.learn(owner.uri, Budget(fetches=8))
    except Gone as error:
        is_lost = error.status == 410 or deps.db.now() - job.created_at > MISSED_FOR
        if owner.is_shared or not is_lost:
            return "there"
        async with deps.db.transaction() as tx:
            await _let_go(deps, tx, owner, is_certain=error.status == 410)
            await deliveries.refuse_inbox(tx, host, job.inbox_uri, error.code)
        return "gone"
    except FederationError:
        return "there"
    if job.attempts >= MOST_MOVES:
        return "there"
    async with deps.db.transaction() as tx:
        has_moved = await deliveries.readdress(tx, job.id, owner.id, is_shared=owner.is_shared)
    return "moved" if has_moved else "there"


async def _let_go(deps: Deps, tx: Tx, owner: Owner, *, is_certain: bool) -> None:
    """End the follows of an actor who is not there; take the word of a server that says "for good"."""
    farewell = vocab.Delete(
        id=Uri(f"{owner.uri}#gone" if is_certain else f"{owner.uri}#missing"),
        actor=owner.uri,
        object=owner.uri,
        is_missing=not is_certain,
    )
    act = authenticity.from_absence(farewell, owner.uri)
    outcome = await apply(tx, deps.instance, act, deps.db.now())
    await outbox.wake(tx, outcome.hosts)
