"""After a suspension, ask once for what was said meanwhile in threads that both sides took part in.

One question a step, on our own account, so that nobody's errands wait for it; what is found goes through the
same door as everything that is fetched, is judged by the rules of that moment, and is news to nobody.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from federation import delivery, uris
from federation.errors import FederationError, Unreachable
from federation.uris import Uri
from fediverse_support.db.outages import AT_FAULT
from fediverse_support.deps import Deps
from fediverse_support.lookups import UPKEEP, Budget
from fediverse_support.store.exchange import catch_ups
from fediverse_support.store.exchange.catch_ups import PAGES, CatchUp
from fediverse_support.store.posts import posts
from fediverse_support.workers.preparing import CHANCE

LOG: Final = logging.getLogger(__name__)

FETCHES: Final = 8
"""So much one question may lead to: the author, and what the post answers."""
SECONDS: Final = timedelta(seconds=30)


async def step(deps: Deps) -> bool:
    """Ask for one thing that is due; False when nothing is."""
    async with deps.db.connection() as conn:
        asked = await catch_ups.take(conn, deps.db.now())
    if asked is None:
        return False
    try:
        await (_ask_post(deps, asked) if asked.kind == "post" else _ask_list(deps, asked))
    except Unreachable as error:
        if error.code != "domain_refused":
            await _put_off(deps, asked, error)
            return True
    except FederationError as error:
        LOG.info("not caught up", extra={"host": asked.host, "code": error.code})
    except AT_FAULT as error:
        LOG.warning("not caught up", extra={"host": asked.host, "error": type(error).__name__})
    async with deps.db.transaction() as tx:
        await catch_ups.finish(tx, asked.uri, deps.db.now())
    return True


def _budget(deps: Deps) -> Budget:
    return Budget(fetches=FETCHES, until=deps.db.now() + SECONDS, cause=UPKEEP)


async def _ask_post(deps: Deps, asked: CatchUp) -> None:
    """Take a post in as it is now, and note the lists that lead on from it."""
    post = await deps.remote.learn(asked.uri, _budget(deps), is_old=True)
    if post is None or asked.rounds <= 0:
        return
    lists = [uri for uri in (post.replies, post.context) if uri is not None and uris.host(uri) == asked.host]
    async with deps.db.transaction() as tx:
        if await posts.known_uris(tx, [asked.uri]):
            await catch_ups.add(
                tx, asked.host, "list", lists, rounds=asked.rounds - 1, pages=PAGES, now=deps.db.now()
            )


async def _ask_list(deps: Deps, asked: CatchUp) -> None:
    """Note the posts of this server that one page of a list names, and the next page."""
    listed, onward = await deps.remote.read_list(asked.uri, _budget(deps))
    found: list[Uri] = [uri for uri in listed if uris.host(uri) == asked.host]
    now = deps.db.now()
    async with deps.db.transaction() as tx:
        await catch_ups.add(tx, asked.host, "post", found, rounds=asked.rounds - 1, pages=0, now=now)
        if onward is not None and asked.pages > 1:
            await catch_ups.add(
                tx, asked.host, "list", [onward], rounds=asked.rounds, pages=asked.pages - 1, now=now
            )


async def _put_off(deps: Deps, asked: CatchUp, error: Unreachable) -> None:
    """Ask again when more may be asked, or once the server may have come back."""
    wait = delivery.backoff(asked.attempts, CHANCE) or timedelta()
    if error.after is not None:
        wait = timedelta(seconds=max(error.after, 1.0))
    async with deps.db.transaction() as tx:
        counts = error.after is None or error.code == "missing"
        await catch_ups.put_off(tx, asked.uri, deps.db.now() + wait, counts=counts)
