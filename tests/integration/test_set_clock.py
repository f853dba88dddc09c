"""A server whose clock is set for a test: all of its own times move with it."""

from __future__ import annotations

import asyncio
import urllib.request

import asyncpg
import pytest

from fediverse_support.actions.accounts.sessions import hash_of
from tests.conftest import Server
from tests.integration.test_processes import Place, place

__all__ = ["place"]

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

TOKEN = "of_a_session_that_lasts_two_hours_more"
SIGN_IN = """
insert into sessions (token_hash, account_id, created_at, expires_at)
select $1, id, now(), now() + interval '2 hours' from accounts where name = 'fern'
"""
PUT_OFF = """
insert into jobs (kind, lane, cause, payload, due_at, created_at)
values ('housekeeping', 'later', 'later', '{}', now() + interval '2 hours', now())
"""
WAITS = "select count(*) from jobs where cause = 'later'"
BASE = "FEDIVERSE_SUPPORT_BASE_URL"


def title(place: Place, path: str) -> str:
    """What a browser with the session is shown."""
    address, cookie = f"http://127.0.0.1:{place.port}{path}", {"Cookie": f"session={TOKEN}"}
    asked = urllib.request.Request(address, headers=cookie)
    with urllib.request.urlopen(asked, timeout=20) as answer:
        text: str = answer.read().decode()
    return text.partition("<h1>")[2].partition("</h1>")[0]


async def test_a_server_three_hours_ahead_ends_sessions_and_does_what_is_due(
    postgres_server: Server, place: Place
) -> None:
    dsn = await postgres_server.clone()
    given = {"DATABASE_URL": dsn, BASE: f"http://127.0.0.1:{place.port}", "FEDIVERSE_SUPPORT_ALLOW_HTTP": "1"}
    made = place.start("account", "create", "fern", **given)
    assert made.communicate(timeout=60)[1] == ""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(SIGN_IN, hash_of(TOKEN))
        await conn.execute(PUT_OFF)
        now = place.serve(**given)
        assert title(place, "/home") != "Sign in"
        assert await conn.fetchval(WAITS) == 1
        now.terminate()
        now.communicate(timeout=20)
        place.serve(**given, FEDIVERSE_SUPPORT_CLOCK="+3h")
        assert title(place, "/home") == "Sign in"
        for _ in range(200):
            if not await conn.fetchval(WAITS):
                break
            await asyncio.sleep(0.1)
        assert await conn.fetchval(WAITS) == 0
    finally:
        await conn.close()


def test_a_server_that_others_reach_does_not_start_with_a_set_clock(place: Place) -> None:
    refused = place.start("serve", FEDIVERSE_SUPPORT_CLOCK="+3h", **{BASE: "https://support.example"})
    _, said = refused.communicate(timeout=60)
    assert refused.returncode == 2 and "FEDIVERSE_SUPPORT_CLOCK" in said and said.count("\n") == 1
