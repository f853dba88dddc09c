"""The lists that everybody opens stay quick when a hundred thousand posts are stored: no plan reads them
all."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from federation.uris import Host
from fediverse_support.actions.accounts import accounts
from fediverse_support.db.pool import Db
from fediverse_support.store.exchange import deliveries, queues, receipts
from fediverse_support.web.app import assemble
from fediverse_support.web.federation import routes as federation
from fediverse_support.web.mastodon import routes as mastodon
from tests.conftest import Queries
from tests.integration.site import Site, make_site

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

POSTS = 20_000
BIG = ("posts", "announces", "deliveries", "receipts", "activities", "mentions", "copies", "decisions")
SEED = """
insert into posts (id, uri, kind, author_id, group_id, written_in, root_id, parent_id, audience, standing,
    title, body_html, body_text, published_at, active_at, created_at)
select n, 'https://support.example/ap/o/seed' || n, 'Note', $1::bigint,
    case when n % 2 = 0 then $2::bigint else $3::bigint end, case when n % 2 = 0 then 'open' else 'home' end,
    case when n % 10 < 2 then n else n - n % 10 + n % 2 end, case when n % 10 < 2 then null else n - n % 10 +
    n % 2 end,
    case when n % 2 = 0 then 'public' else 'group' end, 'visible', 'A title', '<p>Some words.</p>', 'Some
    words.',
    now() - n * interval '1 second', now() - n * interval '1 second', now()
from generate_series(10, $4::int + 9) n
"""
ANNOUNCES = """
insert into announces (id, uri, actor_id, post_id, announced_at)
select id, uri || '/announce', group_id, id, published_at from posts where parent_id is null
"""
DELIVERIES = """
with act as (
    insert into activities (uri, actor_uri, verb, document, direction, created_at)
    select 'https://support.example/ap/a/seed' || n, 'https://support.example/ap/g/x', 'Announce', '{}',
        'out', now()
    from generate_series(1, 20000) n returning id
)
insert into deliveries (activity_id, sender_id, host, inbox_uri, post_id, due_at, created_at)
select act.id, $1, 'h' || act.id % 500 || '.example', 'https://h' || act.id % 500 || '.example/inbox', 10,
    now(), now()
from act
"""

MENTIONS = "insert into mentions (post_id, actor_id) select id, $1::bigint from posts where id % 3 = 0"
RECEIPTS = """
insert into receipts (uri, host, signer_uri, body, standing, due_at, received_at)
select 'https://h' || n % 500 || '.example/a/' || n, 'h' || n % 500 || '.example', 'https://h.example/u',
    '{}',
    case when n % 2 = 0 then 'waiting' else 'done' end, now(), now()
from generate_series(1, 20000) n
"""


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = await make_site(db, monkeypatch)
    async with db.dedicated() as conn:  # which has no time limit for a statement
        author = site.people["wren"].actor_id
        await conn.execute(SEED, author, site.groups["appointments"], site.groups["frontroom"], POSTS)
        await conn.execute(ANNOUNCES)
        await conn.execute(DELIVERIES, site.groups["appointments"])
        await conn.execute(MENTIONS, site.people["tansy"].actor_id)
        await conn.execute(RECEIPTS)
        await conn.execute("analyze")
    return site


async def readings_of_everything(site: Site, sql: str) -> list[str]:
    """Return the big tables that the general plan for this statement would read from end to end."""
    async with site.db.connection() as conn:
        count = len((await conn.prepare(sql)).get_parameters())
        given = f"({', '.join(['null'] * count)})" if count else ""
        await conn.execute("set plan_cache_mode = force_generic_plan")
        await conn.execute(f"prepare looked_at as {sql}")
        try:
            plan = "\n".join(row[0] for row in await conn.fetch(f"explain execute looked_at{given}"))
        finally:
            await conn.execute("deallocate looked_at; reset plan_cache_mode")
    return [table for table in re.findall(r"Seq Scan on (\w+)", plan) if table in BIG]


async def assert_quick(site: Site, seen: list[str]) -> None:
    statements = [
        sql for sql in dict.fromkeys(seen) if re.match(r"\s*(with|select|insert|update|delete)\b", sql)
    ]
    assert statements
    slow = {sql: tables for sql in statements if (tables := await readings_of_everything(site, sql))}
    assert slow == {}


async def _no_page_reads_every_post(site: Site, queries: Queries) -> None:
    await site.session("wren")
    await site.session("asha")
    seen: list[str] = []
    for path, name in (
        ("/g/appointments", None),
        ("/g/appointments", "wren"),
        ("/g/frontroom", "wren"),
        ("/g/appointments/t/10", "wren"),
        ("/home", "wren"),
        ("/find", "wren"),
        ("/@wren", "marlow"),
        ("/mod/held", "asha"),
    ):
        queries.forget()
        got = await site.get(path, name)
        assert got.status_code == 200, path
        seen += queries.seen
    await assert_quick(site, seen)


async def _no_list_of_the_client_api_reads_every_post(site: Site, queries: Queries) -> None:
    app = assemble(mastodon.routes(site.deps), base_url=site.deps.instance.base_url)
    token = await accounts.create_token(site.db, "wren")
    seen: list[str] = []
    for path in (
        "/api/v1/timelines/home",
        "/api/v1/statuses/10/context",
        f"/api/v1/accounts/{site.groups['appointments']}/statuses",
        f"/api/v1/accounts/{site.people['wren'].actor_id}/statuses",
    ):
        queries.forget()
        assert (await _get(app, path, {"authorization": f"Bearer {token}"})) == 200, path
        seen += queries.seen
    await assert_quick(site, seen)


async def _no_collection_for_other_servers_reads_every_post(site: Site, queries: Queries) -> None:
    app = assemble(federation.routes(site.deps), base_url=site.deps.instance.base_url)
    uri = await site.value("select uri from actors where id = $1", site.groups["appointments"])
    queries.forget()
    path = uri.removeprefix(site.deps.instance.base_url)
    for part in ("", "/outbox", "/followers"):
        await _get(app, path + part, {"accept": "application/activity+json"})
    await assert_quick(site, queries.seen)


async def _no_lane_reads_every_delivery(site: Site, queries: Queries) -> None:
    host = Host("h1.example")
    queries.forget()
    async with site.db.connection() as conn:
        took = await deliveries.take_deliveries(conn, [host], site.db.now(), 50, "open")
        await deliveries.still_wanted(conn, host, [one.id for one in took], "open")
        await receipts.take_receipts(conn, host, site.db.now(), 50)
        wanted = deliveries.Wanted(7, uuid4(), healthy=1000, failing=9, after="", mode="open")
        taken = [lane.host for lane in await deliveries.take_lanes(conn, wanted, site.db.now())]
        came = await queues.due_lanes(conn, site.db.now(), 1000)
        for table, found in (("deliveries", taken), ("receipts", came)):
            hosts = await conn.fetch(
                f"select distinct host from {table} where standing = 'waiting' order by host"
            )
            assert sorted(found) == sorted(row["host"] for row in hosts)
    await assert_quick(site, [sql for sql in queries.seen if not sql.startswith("select distinct")])


async def _get(app: object, path: str, headers: dict[str, str]) -> int:
    import httpx2

    transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="https://support.example") as client:
        got = await client.get(path, headers=headers)
    return got.status_code


async def test_no_hot_list_reads_all_there_is(site: Site, queries: Queries) -> None:
    """One test, because storing a hundred thousand posts takes longer than all the looking."""
    await _no_page_reads_every_post(site, queries)
    await _no_list_of_the_client_api_reads_every_post(site, queries)
    await _no_collection_for_other_servers_reads_every_post(site, queries)
    await _no_lane_reads_every_delivery(site, queries)
