"""The JSON of every entity, whole, against files: `pytest --accept` rewrites them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.domain.version import VERSION
from tests.golden import Compare
from tests.integration.api import APPOINTMENTS, BOOKS, FRONTROOM, IO, MARLOW, WREN, Api, make_api

pytestmark = pytest.mark.postgres


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


async def test_accounts(api: Api, golden: Compare) -> None:
    golden("account", await api.json(f"/api/v1/accounts/{MARLOW}", "wren"))
    golden("account_group", await api.json(f"/api/v1/accounts/{FRONTROOM}", "wren"))
    golden("account_remote", await api.json(f"/api/v1/accounts/{IO}"))
    golden("credential_account", await api.json("/api/v1/accounts/verify_credentials", "wren"))


async def test_relationships(api: Api, golden: Compare) -> None:
    await api.follow(WREN, MARLOW, "pending")
    await api.follow(MARLOW, WREN)
    ids = [FRONTROOM, MARLOW, IO]
    golden("relationships", await api.json("/api/v1/accounts/relationships", "wren", **{"id[]": ids}))


async def test_statuses(api: Api, golden: Compare) -> None:
    await api.write(
        9001, MARLOW, "First **words**.\n\nMore.", group=FRONTROOM, title="A title", announced=9002
    )
    await api.write(9003, WREN, "An answer", group=FRONTROOM, parent=9001, language="und")
    await api.write(9004, WREN, "On my own", audience="followers", warning="about food")
    files = [
        {"kind": "Image", "url": "https://masto.example/cat.png", "media_type": "image/png", "alt": "A cat"}
    ]
    await api.write(9005, IO, "From afar", url="https://masto.example/@io/1", attachments=json.dumps(files))
    await api.write(9006, WREN, "Waiting", group=APPOINTMENTS, standing="held", title="Waiting")
    await api.mention(9003, MARLOW)
    golden("status_thread", await api.json("/api/v1/statuses/9001", "wren"))
    golden("status_reblog_by_group", await api.json("/api/v1/statuses/9002", "wren"))
    golden("status_reply", await api.json("/api/v1/statuses/9003", "marlow"))
    golden("status_own", await api.json("/api/v1/statuses/9004", "wren"))
    golden("status_remote", await api.json("/api/v1/statuses/9005"))
    golden("status_pending", await api.json("/api/v1/statuses/9006", "wren"))
    golden("status_source", await api.json("/api/v1/statuses/9006/source", "wren"))
    golden("context", await api.json("/api/v1/statuses/9001/context", "wren"))
    golden("search", await api.json("/api/v2/search", "wren", q="front", limit=5))


async def test_notifications(api: Api, golden: Compare) -> None:
    await api.write(9001, MARLOW, "Hello @wren", audience="unlisted")
    await api.write(9003, WREN, "A long night.", audience="unlisted")
    await api.follow(IO, WREN)
    at = api.db.now()
    account = WREN + 1000
    await api.change(
        "insert into reactions (actor_id, actor_uri, post_id, proof, reacted_at)"
        " select id, uri, 9003, 'signature', $2 from actors where id = $1", IO, at,
    )  # fmt: skip
    told = (9101, "mention", MARLOW, 9001), (9102, "follow", IO, None), (9103, "liked", IO, 9003)
    for number, kind, actor, post in told:
        await api.insert(
            "notifications",
            id=number,
            account_id=account,
            person_id=WREN,
            kind=kind,
            actor_id=actor,
            post_id=post,
            created_at=at,
        )
    golden("notifications", await api.json("/api/v1/notifications", "wren"))


async def test_instance(api: Api, golden: Compare) -> None:
    def unversioned(document: Any) -> Any:
        assert document["version"].startswith("4.2.0 (compatible; fediverse-support ")
        return document | {"version": document["version"].replace(VERSION, "VERSION")}

    golden("instance_v1", unversioned(await api.json("/api/v1/instance")))
    golden("instance_v2", unversioned(await api.json("/api/v2/instance")))


async def test_what_clients_ask_for_at_start(api: Api, golden: Compare) -> None:
    paths = (
        "/api/v1/custom_emojis", "/api/v1/filters", "/api/v2/filters", "/api/v1/lists",
        "/api/v1/announcements", "/api/v1/preferences", "/api/v1/markers", "/api/v1/followed_tags",
        "/api/v1/follow_requests",
        "/api/v1/conversations", "/api/v1/notifications", "/api/v1/instance/translation_languages",
    )  # fmt: skip
    golden("start_up", {path: await api.json(path, "wren") for path in paths})


async def test_errors(api: Api, golden: Compare) -> None:
    async def answer(path: str, name: str | None = None, method: str = "GET", **body: Any) -> Any:
        async with api.client(name) as client:
            got = await client.request(method, path, json=body or None)
        return {"status": got.status_code, "body": got.json()}

    golden(
        "errors",
        {
            "nobody": await answer("/api/v1/timelines/home"),
            "no such path": await answer("/api/v1/nothing/of/the/kind", "wren"),
            "no such status": await answer("/api/v1/statuses/1", "wren"),
            "wrong method": await answer("/api/v1/timelines/home", "wren", "DELETE"),
            "no text": await answer("/api/v1/statuses", "wren", "POST", status=" "),
            "unknown visibility": await answer(
                "/api/v1/statuses", "wren", "POST", status="x", visibility="local"
            ),
            "sign-up": await answer("/api/v1/accounts", None, "POST", username="new"),
        },
    )


async def test_every_status_has_every_member(api: Api) -> None:
    """The members that strict clients ask for, whatever kind of status it is."""
    needed = set(
        "id uri url created_at edited_at account content visibility sensitive spoiler_text media_attachments "
        "mentions tags emojis reblogs_count favourites_count replies_count quotes_count in_reply_to_id "
        "in_reply_to_account_id reblog poll card language quote quote_approval favourited reblogged muted "
        "bookmarked pinned filtered".split()
    )
    await api.write(9001, MARLOW, group=FRONTROOM, announced=9002)
    await api.write(9003, IO, group=BOOKS, announced=9004)
    await api.follow(WREN, BOOKS)
    for status in await api.json("/api/v1/timelines/home", "wren"):
        assert needed <= set(status)
        assert needed <= set(status["reblog"])
        assert status["visibility"] in {"public", "unlisted", "private", "direct"}


async def test_pictures_are_served(api: Api) -> None:
    for path in ("/avatars/original/missing.png", "/headers/original/missing.png", "/instance/thumbnail.png"):
        got = await api.get(path)
        assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
