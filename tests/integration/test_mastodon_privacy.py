"""What the client API must not tell. Names begin with the id of the security case where there is one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from federation.errors import Gone, Malformed, Unreachable
from fediverse_support.db.pool import Db
from tests.integration.api import (
    APPOINTMENTS,
    BASE,
    FRONTROOM,
    GARDEN,
    HERON,
    IO,
    MARLOW,
    TANSY,
    WREN,
    Api,
    dumped,
    make_api,
)

pytestmark = pytest.mark.postgres
MARKER = "xylophone-of-secrets"


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


async def secrets(api: Api) -> list[int]:
    """One post of each kind that Tansy may not read; every one holds the marker."""
    await api.write(9001, MARLOW, MARKER, group=FRONTROOM, title=MARKER, warning=MARKER, announced=9002)
    await api.write(9003, MARLOW, MARKER, audience="followers")
    await api.write(9004, MARLOW, MARKER, audience="direct")
    await api.mention(9004, WREN)
    await api.write(9005, MARLOW, MARKER, group=APPOINTMENTS, standing="held")
    await api.write(9006, MARLOW, MARKER, group=APPOINTMENTS, standing="removed")
    await api.write(9007, MARLOW, MARKER, standing="deleted")
    return [9001, 9003, 9004, 9005, 9006, 9007]


async def test_f07_private_replies_below_a_public_root_are_missing(api: Api) -> None:
    await api.write(9001, MARLOW)
    await api.write(9002, WREN, parent=9001)
    await api.write(9003, WREN, MARKER, parent=9001, audience="followers")
    await api.write(9004, MARLOW, MARKER, parent=9001, audience="direct")
    await api.write(9005, MARLOW, MARKER, parent=9001, standing="removed")
    for name in (None, "tansy"):
        around = await api.json("/api/v1/statuses/9001/context", name)
        assert [status["id"] for status in around["descendants"]] == ["9002"]
        assert MARKER not in dumped(around)
        root = await api.json("/api/v1/statuses/9001", name)
        assert root["replies_count"] == 0


async def test_a_removed_status_is_absent_for_its_author_too(api: Api) -> None:
    # Apps cannot say what happened to it; its page can, and is where its author finds the words.
    await api.write(9001, WREN, MARKER, group=APPOINTMENTS, announced=9002, standing="removed")
    await api.write(9003, MARLOW, "Hello.", group=APPOINTMENTS, announced=9004)
    await api.write(9005, WREN, MARKER, parent=9003, standing="removed")
    await api.write(9006, WREN, MARKER, standing="removed")
    for path in ("timelines/home", "timelines/public", f"accounts/{WREN}/statuses",
                 f"accounts/{APPOINTMENTS}/statuses", "statuses/9003/context", "notifications"):  # fmt: skip
        assert MARKER not in dumped(await api.json(f"/api/v1/{path}", "wren")), path
    assert MARKER not in dumped((await api.json("/api/v2/search", "wren", q=MARKER))["statuses"])
    for number in (9001, 9002, 9005, 9006):
        for tail in ("", "/context", "/source"):
            assert (await api.get(f"/api/v1/statuses/{number}{tail}", "wren")).status_code == 404
        for verb in ("favourite", "unfavourite"):
            assert (await api.post(f"/api/v1/statuses/{number}/{verb}", "wren")).status_code == 404
    below = await api.post("/api/v1/statuses", "wren", status="Below.", in_reply_to_id="9005")
    assert below.status_code == 404


async def test_f08_a_public_reply_does_not_tell_what_it_answers(api: Api) -> None:
    await api.write(9001, MARLOW, MARKER, audience="followers")
    await api.write(9002, WREN, "yes", parent=9001)
    await api.mention(9002, MARLOW)
    await api.mention(9002, TANSY)
    for name in (None, "heron"):
        status = await api.json("/api/v1/statuses/9002", name)
        assert status["in_reply_to_id"] is None
        assert status["in_reply_to_account_id"] is None
        assert [mention["acct"] for mention in status["mentions"]] == ["tansy"]
        assert status["card"] is None
        around = await api.json("/api/v1/statuses/9002/context", name)
        assert around == {"ancestors": [], "descendants": []}
    await api.follow(HERON, MARLOW)
    status = await api.json("/api/v1/statuses/9002", "heron")
    assert (status["in_reply_to_id"], status["in_reply_to_account_id"]) == ("9001", str(MARLOW))
    assert {mention["acct"] for mention in status["mentions"]} == {"tansy", "marlow"}


async def test_f09_nothing_can_be_done_with_a_hidden_post(api: Api) -> None:
    doings = [
        ("GET", rest) for rest in ("", "/context", "/source", "/history", "/favourited_by", "/reblogged_by")
    ]
    doings += [
        ("POST", f"/{verb}")
        for verb in ("favourite", "unfavourite", "reblog", "unreblog", "bookmark", "pin", "mute", "translate")
    ]
    doings += [("PUT", ""), ("DELETE", "")]
    for number in [*await secrets(api), 9002, 424242]:
        for method, rest in doings:
            body = {"status": "x"} if method == "PUT" else None
            async with api.client("tansy") as client:
                got = await client.request(method, f"/api/v1/statuses/{number}{rest}", json=body)
            assert (got.status_code, got.json()) == (404, {"error": "Record not found"}), (
                method,
                number,
                rest,
            )


async def test_f09_a_hidden_post_cannot_be_answered(api: Api) -> None:
    for number in await secrets(api):
        got = await api.post("/api/v1/statuses", "tansy", status="x", in_reply_to_id=str(number))
        assert (got.status_code, got.json()) == (404, {"error": "Record not found"})


async def test_no_list_holds_a_hidden_post(api: Api) -> None:
    hidden = await secrets(api)
    paths: list[tuple[str, dict[str, Any]]] = [
        ("/api/v1/timelines/home", {}),
        ("/api/v1/timelines/public", {}),
        (f"/api/v1/accounts/{MARLOW}/statuses", {}),
        ("/api/v1/statuses", {"id[]": hidden}),
        ("/api/v1/notifications", {}),
        ("/api/v1/favourites", {}),
        ("/api/v1/bookmarks", {}),
        ("/api/v1/conversations", {}),
        ("/api/v2/search", {"q": MARKER}),
        ("/api/v1/trends/statuses", {}),
    ]
    await api.follow(TANSY, APPOINTMENTS)
    await api.insert(
        "notifications",
        account_id=TANSY + 1000,
        person_id=TANSY,
        kind="mention",
        actor_id=MARLOW,
        post_id=9001,
        created_at=api.db.now(),
    )
    for path, params in paths:
        assert MARKER not in dumped(await api.json(path, "tansy", **params)), path


async def test_f16_search_finds_nothing_hidden(api: Api) -> None:
    hidden = await secrets(api)
    addresses = [f"{BASE}/ap/o/{number}" for number in hidden]
    addresses += [
        f"{BASE}/g/frontroom/t/9001",
        f"{BASE}/post/9003",
        f"{BASE}/g/frontroom",
        "!frontroom",
        "@frontroom",
    ]
    for text in [MARKER, "from:marlow", "in:frontroom", MARKER[:5], "frontroom", "front room", *addresses]:
        for resolve in ("true", "false"):
            found = await api.json("/api/v2/search", "tansy", q=text, resolve=resolve)
            assert found == {"accounts": [], "statuses": [], "hashtags": []}, text
    assert api.remote.asked == []
    found = await api.json("/api/v2/search", "wren", q=MARKER)
    assert [status["id"] for status in found["statuses"]] == ["9004", "9001"]


async def test_f16_a_blocked_a_missing_and_a_broken_address_look_alike(api: Api) -> None:
    now = api.db.now()
    await api.write(9001, IO, MARKER, url="https://masto.example/@io/1")
    await api.insert(
        "domain_rules", domain="masto.example", severity="suspend", created_at=now, updated_at=now
    )
    api.remote.known = {"https://masto.example/@io/1": 9001, "@io@masto.example": IO}
    answers = []
    for text in (
        "https://masto.example/@io/1",
        "@io@masto.example",
        "https://void.example/1",
        "!g@void.example",
    ):
        answers.append(await api.json("/api/v2/search", "wren", q=text, resolve="true"))
    for failure in (Unreachable("timeout"), Gone("gone"), Malformed("bad_json")):
        api.remote.failure = failure
        answers.append(await api.json("/api/v2/search", "wren", q="https://void.example/2", resolve="true"))
    assert all(answer == {"accounts": [], "statuses": [], "hashtags": []} for answer in answers)


async def test_search_resolves_for_people_only_and_within_a_budget(api: Api) -> None:
    await api.write(9001, IO)
    api.remote.known = {"https://masto.example/new": 9001}
    assert (await api.get("/api/v2/search?q=https://masto.example/new&resolve=true")).status_code == 401
    assert api.remote.asked == []
    await api.json("/api/v2/search", "wren", q="https://masto.example/new")
    assert api.remote.asked == []
    found = await api.json("/api/v2/search", "wren", q="https://masto.example/new", resolve="true")
    assert [status["id"] for status in found["statuses"]] == ["9001"]
    seen = [
        (await api.get("/api/v2/search", "wren", q=f"https://masto.example/{n}", resolve="true")).status_code
        for n in range(12)
    ]
    assert (seen.count(200), seen.count(429)) == (9, 3)
    assert len(api.remote.for_whom) == 1 and "" not in api.remote.for_whom  # all at her account's expense
    assert (await api.get("/api/v2/search", "wren", q="front", resolve="true")).status_code == 200


async def test_a_closed_group_is_there_for_those_who_may_see_it(api: Api) -> None:
    async def seen_by(group: int, name: str | None) -> int:
        return (await api.get(f"/api/v1/accounts/{group}", name)).status_code

    assert [await seen_by(FRONTROOM, name) for name in ("wren", "tansy", None)] == [200, 404, 404]
    assert [await seen_by(GARDEN, name) for name in ("wren", "tansy", None)] == [200, 200, 404]
    assert [await seen_by(APPOINTMENTS, name) for name in ("wren", "tansy", None)] == [200, 200, 200]
    assert (await api.get("/api/v1/accounts/lookup?acct=frontroom", "tansy")).status_code == 404
    assert (await api.get("/api/v1/accounts/lookup?acct=frontroom", "wren")).status_code == 200
    assert await api.json("/api/v1/accounts/relationships", "tansy", **{"id[]": [FRONTROOM]}) == []
    assert await api.json(
        "/api/v1/accounts", "tansy", **{"id[]": [FRONTROOM, MARLOW, FRONTROOM]}
    ) == await api.json("/api/v1/accounts", "tansy", **{"id[]": MARLOW})
    assert await api.json("/api/v1/accounts/search", "tansy", q="frontroom") == []
    got = await api.post(f"/api/v1/accounts/{FRONTROOM}/follow", "tansy")
    assert got.status_code == 404


async def test_f29_nothing_counts_what_is_hidden(api: Api) -> None:
    async def snapshot() -> list[Any]:
        paths: tuple[str, ...] = (
            f"/api/v1/accounts/{MARLOW}",
            f"/api/v1/accounts/{APPOINTMENTS}",
            "/api/v1/statuses/8001",
        )
        paths += ("/api/v1/instance", "/api/v2/instance", f"/api/v1/accounts/{MARLOW}/statuses")
        answers = [await api.get(path, "tansy") for path in paths]
        return [(answer.text, dict(answer.headers)) for answer in answers]

    await api.write(8001, MARLOW)
    before = await snapshot()
    await secrets(api)
    await api.write(9020, WREN, MARKER, parent=8001, audience="direct")
    await api.insert(
        "reactions",
        actor_id=WREN,
        actor_uri=f"{BASE}/ap/u/wren",
        post_id=8001,
        proof="local",
        reacted_at=api.db.now(),
    )
    await api.follow(HERON, MARLOW)
    assert await snapshot() == before


async def test_a_person_of_one_group_is_there_for_that_group_only(api: Api) -> None:
    await api.change("update actors set for_group_id = $1 where id = $2", FRONTROOM, MARLOW)
    assert (await api.get(f"/api/v1/accounts/{MARLOW}", "tansy")).status_code == 404
    assert (await api.get(f"/api/v1/accounts/{MARLOW}", "wren")).status_code == 200


async def test_the_day_of_joining_is_all_that_is_told(api: Api) -> None:
    moment = api.db.now() - timedelta(hours=3, minutes=7)
    await api.change("update actors set created_at = $1 where id = $2", moment, MARLOW)
    told = await api.json(f"/api/v1/accounts/{MARLOW}")
    assert told["created_at"].endswith("T00:00:00.000Z")
    assert told["last_status_at"] is None


async def test_source_is_for_the_author_alone(api: Api) -> None:
    await api.write(9001, MARLOW, "**open**")
    assert (await api.get("/api/v1/statuses/9001/source", "wren")).status_code == 404
    assert (await api.json("/api/v1/statuses/9001/source", "marlow"))["text"] == "**open**"
