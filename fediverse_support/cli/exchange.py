"""`queue` and `explain`: what waits between servers, and the way of one activity."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime

from federation import uris
from federation.errors import Malformed
from federation.uris import Host
from fediverse_support.cli.grammar import complain
from fediverse_support.cli.running import print_json, print_table, with_database
from fediverse_support.db.pool import Db
from fediverse_support.reads import house
from fediverse_support.reads import jobs as reads_jobs
from fediverse_support.reads.exchange import explain as reads_explain
from fediverse_support.reads.exchange import queues
from fediverse_support.reads.exchange.explain import Explanation, Receipt
from fediverse_support.settings import Settings


def queue_status(typed: argparse.Namespace, settings: Settings) -> int:
    """Print what waits, is parked or was refused: per host, and of errands per lane."""

    async def work(db: Db) -> int:
        async with db.connection() as conn:
            mode = (await house.find(conn, settings.overrides)).federation
            lanes = await queues.status(conn, mode=mode) + await reads_jobs.status(conn)
        if typed.json:
            print_json(lanes)
        elif not lanes:
            print("Nothing waits.")
        else:
            rows = [
                (lane.kind, lane.host, lane.waiting, lane.ruled, lane.parked, lane.refused,
                 _time(lane.oldest_at), lane.failures, _time(lane.due_at), lane.last_error)
                for lane in lanes
            ]  # fmt: skip
            titles = (
                "LANE",
                "HOST",
                "WAITING",
                "UNDER RULE",
                "PARKED",
                "REFUSED",
                "OLDEST",
                "FAILURES",
                "NEXT TRY",
                "LAST ERROR",
            )
            print_table(titles, rows)
        return 0

    return with_database(settings, work)


def queue_retry(typed: argparse.Namespace, settings: Settings) -> int:
    """Make what waits or is parked due at once."""

    async def work(db: Db, host: Host | None) -> int:
        from fediverse_support.store import jobs
        from fediverse_support.store.exchange import queues as store_queues

        async with db.transaction() as tx:
            count = await store_queues.retry_all(tx, host, db.now())
            count += await jobs.retry_all(tx, host, db.now())
        print(f"{count} to be tried again.")
        return 0

    return _for_host(typed, settings, work)


def queue_clear(typed: argparse.Namespace, settings: Settings) -> int:
    """Forget what other servers refused, and what was given up."""

    async def work(db: Db, host: Host | None) -> int:
        from fediverse_support.store import jobs
        from fediverse_support.store.exchange import deliveries

        async with db.transaction() as tx:
            count = await deliveries.clear(tx, host) + await jobs.clear(tx, host)
        print(f"{count} forgotten.")
        return 0

    return _for_host(typed, settings, work)


def _for_host(
    typed: argparse.Namespace, settings: Settings, work: Callable[[Db, Host | None], Awaitable[int]]
) -> int:
    """Do some work for the host that was typed, or for all of them where none was."""
    try:
        host = None if typed.host is None else uris.parse_host(typed.host)
    except Malformed:
        return complain(f"{typed.host} is no host name.", 2)
    return with_database(settings, lambda db: work(db, host))


def explain(typed: argparse.Namespace, settings: Settings) -> int:
    """Tell the way of one activity, post or actor."""
    try:
        uri = uris.parse(typed.uri)
    except Malformed:
        return complain(f"{typed.uri} is no http or https URI.", 2)

    async def work(db: Db) -> int:
        async with db.connection() as conn:
            mode = (await house.find(conn, settings.overrides)).federation
            found = await reads_explain.explain(conn, uri, with_bytes=typed.bytes, mode=mode)
        if found.is_empty:
            return complain(f"Nothing is known here of {uri}; decisions are kept for seven days.")
        if typed.json:
            print_json(found)
        else:
            print("\n".join([*_told(found), *found.stored]))
        return 0

    return with_database(settings, work)


def _told(found: Explanation) -> list[str]:
    lines = [found.uri, *_standings(found)]
    for receipt in found.receipts:
        lines.append(
            f"received   {_time(receipt.received_at)} from {receipt.host}, signed by {receipt.signer_uri}, "
            f"{_kept(receipt.bytes_kept)}, {_standing(receipt)}, {receipt.attempts} attempts"
            + (f", last error {receipt.last_error}" if receipt.last_error else "")
        )
        if receipt.carried is not None:
            lines.append(f"carried    {receipt.carried}, under which is told what was decided")
    for decision in found.decisions:
        lines.append(
            f"decided    {_time(decision.decided_at)} {decision.verb} {decision.activity_uri} "
            f"by {decision.actor_uri}"
        )
        lines.append(f"  proof    {decision.proof}")
        lines += [f"  fact     {fact}" for fact in _facts(decision.facts)]
        lines.append(f"  verdict  {decision.verdict}{_because(decision.reasons)}")
        lines.append(f"  effects  {', '.join(decision.effects) or 'none'}")
    for logged in found.activities:
        way = "written" if logged.direction == "out" else "logged"
        lines.append(
            f"{way:<10} {_time(logged.created_at)} {logged.verb} {logged.uri}, {_kept(logged.bytes_kept)}"
        )
    for delivery in found.deliveries:
        lines.append(
            f"delivery   {delivery.standing} to {delivery.inbox_uri}, {delivery.attempts} attempts, next "
            f"{_time(delivery.due_at)}"
            + (f", last error {delivery.last_error}" if delivery.last_error else "")
        )
    lines += [
        f"delivered  {arrival.activity_uri} to {arrival.host} {_time(arrival.arrived_at)}"
        for arrival in found.arrivals
    ]
    lines += [f"copy       {copy.how} to {copy.host} {_time(copy.since_at)}" for copy in found.copies]
    return lines


def _standings(found: Explanation) -> Iterator[str]:
    if found.post_standing:
        yield f"post       {found.post_standing}"
    if found.actor_standing:
        yield f"actor      {found.actor_standing}"
    if found.deleted_at:
        yield f"deleted    {_time(found.deleted_at)}"
    if found.key_fault:
        yield f"refused    {_time(found.key_fault_at)} somebody on this server: {found.key_fault}"


def _facts(facts: Mapping[str, object] | None) -> Iterator[str]:
    """Say in one line each what was known; what was not there is left out."""
    for name, value in (facts or {}).items():
        if isinstance(value, Mapping):
            inner = (f"{key}={entry}" for key, entry in value.items() if _is_there(entry))
            yield f"{name}: {', '.join(inner)}"
        elif _is_there(value):
            yield f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"


def _is_there(value: object) -> bool:
    return value is not None and value is not False and value != [] and value != ""


def _standing(receipt: Receipt) -> str:
    if receipt.waits_for is None:
        return receipt.standing
    return f"waiting until the rule about {receipt.waits_for} is another one"


def _kept(count: int | None) -> str:
    return "bytes erased" if count is None else f"{count} bytes kept"


def _because(reasons: Sequence[str]) -> str:
    return f" because {', '.join(reasons)}" if reasons else ""


def _time(at: datetime | None) -> str:
    return "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")
