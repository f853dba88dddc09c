"""Who gets in: tokens, scopes, logins that wait, web clients on other origins, and answers that are always
JSON."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.integration.api import MARLOW, WREN, Api, give_token, make_api

pytestmark = pytest.mark.postgres
HOME = "/api/v1/timelines/home"


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nonsense",
        "Bearer ",
        "Basic d3Jlbjp4",
        "token-of-wren",
        "Bearer token-of-wren x",
        "Bearer \xe9",
    ],
)
async def test_a_credential_that_is_none_gets_401(api: Api, header: str) -> None:
    async with api.client() as client:
        got = await client.get("/api/v1/statuses/1", headers=[(b"authorization", header.encode("latin-1"))])
    assert got.status_code == 401
    assert got.json() == {"error": "The access token is invalid"}


async def test_what_server_this_is_can_be_learned_with_an_ended_token(api: Api) -> None:
    async with api.client(authorization="Bearer nonsense") as client:
        for path in ("/api/v1/instance", "/api/v2/instance", "/api/v1/custom_emojis"):
            assert (await client.get(path)).status_code == 200


async def test_nobody_gets_401_where_a_person_is_needed(api: Api) -> None:
    got = await api.get(HOME)
    assert got.status_code == 401
    assert got.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["read"], "GET", HOME, 200),
        (["read:statuses"], "GET", HOME, 200),
        (["read:accounts"], "GET", HOME, 403),
        (["write"], "GET", HOME, 403),
        (["profile"], "GET", "/api/v1/preferences", 403),
        (["read"], "POST", "/api/v1/statuses", 403),
        (["write:favourites"], "POST", "/api/v1/statuses", 403),
        (["read"], "POST", f"/api/v1/accounts/{MARLOW}/follow", 403),
        (["follow"], "GET", "/api/v1/follow_requests", 200),
        (["follow"], "GET", "/api/v1/statuses/1", 403),
        (["admin:read"], "GET", HOME, 403),
    ],
)
async def test_a_token_does_what_its_scopes_say(
    api: Api, scopes: list[str], method: str, path: str, status: int
) -> None:
    await give_token(api, "narrow", WREN, scopes)
    async with api.client(**{"authorization": "Bearer narrow"}) as client:
        got = await client.request(method, path)
    assert got.status_code == status
    if status == 403:
        assert got.json() == {"error": "This action is outside the authorized scopes"}


@pytest.mark.parametrize(("standing", "status"), [("pending", 403), ("suspended", 403), ("deleted", 401)])
async def test_a_login_not_in_use_gets_nothing(api: Api, standing: str, status: int) -> None:
    await api.change("update accounts set standing = $1 where name = 'wren'", standing)
    for path in (HOME, "/api/v1/timelines/public", "/api/v1/statuses/1"):
        got = await api.get(path, "wren")
        assert got.status_code == status
        assert set(got.json()) == {"error"}


async def test_a_suspended_person_gets_nothing(api: Api) -> None:
    await api.change("update actors set standing = 'suspended' where id = $1", WREN)
    assert (await api.get(HOME, "wren")).status_code == 403


async def test_a_web_client_of_another_origin_may_ask(api: Api) -> None:
    async with api.client() as client:
        preflight = await client.options(
            "/api/v1/statuses",
            headers={
                "origin": "https://client.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,idempotency-key,content-type",
            },
        )
        refused = await client.get(HOME, headers={"origin": "https://client.example"})
        missing = await client.get("/api/v9/none", headers={"origin": "https://client.example"})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    for got in (refused, missing):
        assert got.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in got.headers
        assert "Link" in got.headers["access-control-expose-headers"]


async def test_answers_are_json_and_kept_by_no_cache(api: Api) -> None:
    for path, name in ((HOME, "wren"), (HOME, None), ("/api/none", None), ("/api/v1/statuses/x", "wren")):
        got = await api.get(path, name)
        assert got.headers["content-type"] == "application/json; charset=utf-8"
        assert got.headers["cache-control"] == "private, no-store"


async def test_a_method_that_is_not_there_is_named(api: Api) -> None:
    async with api.client("wren") as client:
        got = await client.delete(HOME)
        plain = await client.options(HOME)
        head = await client.head(HOME)
    assert (got.status_code, got.headers["allow"]) == (405, "GET, OPTIONS")
    assert plain.status_code == 204
    assert head.status_code == 200


async def test_three_hundred_calls_and_no_more(api: Api) -> None:
    async with api.client("wren") as client:
        for _ in range(300):
            assert (await client.get("/api/v1/filters")).status_code == 200
        got = await client.get("/api/v1/filters")
    assert (got.status_code, got.headers["retry-after"]) == (429, "1")
    assert (await api.get("/api/v1/filters", "marlow")).status_code == 200


async def test_tokens_cannot_be_tried_out(api: Api) -> None:
    async with api.client() as client:
        seen = set()
        for number in range(310):
            got = await client.get(HOME, headers={"authorization": f"Bearer guess{number}"})
            seen.add(got.status_code)
    assert seen == {401, 429}


async def test_a_slash_at_the_end_changes_nothing(api: Api) -> None:
    assert await api.json("/api/v1/instance/") == await api.json("/api/v1/instance")
    for path in ("/api/", "/api//", "/api/v1/none/"):
        got = await api.get(path)
        assert (got.status_code, got.json()) == (404, {"error": "Record not found"})


async def test_clients_may_ask_whether_the_server_is_up(api: Api) -> None:
    assert (await api.get("/health")).text == "OK"
