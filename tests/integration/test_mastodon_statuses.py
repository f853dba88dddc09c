"""Writing through the client API: where a text goes, who reads it then, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.domain import keeping
from tests.integration.api import (
    APPOINTMENTS,
    FRONTROOM,
    GARDEN,
    MARLOW,
    TANSY,
    WREN,
    Api,
    make_api,
)

pytestmark = pytest.mark.postgres
STATUSES = "/api/v1/statuses"


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db, newcomer_posts_held=0)


async def sent(api: Api, name: str = "wren", **body: Any) -> Any:
    got = await api.post(STATUSES, name, **body)
    assert got.status_code == 200, got.text
    return got.json()


async def refused(api: Api, name: str = "wren", **body: Any) -> str:
    got = await api.post(STATUSES, name, **body)
    assert got.status_code == 422, got.text
    assert await api.ids(f"/api/v1/accounts/{WREN}/statuses", "wren") == []
    return str(got.json()["error"])


async def test_mentioning_a_group_starts_a_thread_in_it(api: Api) -> None:
    status = await sent(
        api, status="@frontroom How do I ask?\n\nI have **three** questions.", visibility="public"
    )
    assert status["group"] == {"id": str(FRONTROOM), "acct": "frontroom", "title": "The front room"}
    assert status["visibility"] == "private"
    assert status["content"].startswith("<p><strong>How do I ask?</strong></p>")
    assert "<strong>three</strong>" in status["content"]
    assert "frontroom" not in status["content"]
    assert [mention["acct"] for mention in status["mentions"]] == ["frontroom"]
    home = await api.json("/api/v1/timelines/home", "marlow")
    assert [(line["account"]["acct"], line["reblog"]["id"]) for line in home] == [("frontroom", status["id"])]
    assert (await api.get(f"{STATUSES}/{status['id']}", "tansy")).status_code == 404


async def test_an_open_group_is_public_without_a_word(api: Api) -> None:
    status = await sent(api, status="A question @appointments")
    assert (status["visibility"], status["group"]["acct"]) == ("public", "appointments")
    assert status["content"] == "<p>A question</p>\n"
    assert (await api.get(f"{STATUSES}/{status['id']}")).status_code == 200


async def test_a_picture_is_refused_however_it_is_named_and_an_empty_entry_is_none(api: Api) -> None:
    named: list[dict[str, Any]] = [{"media_ids[]": ["1"]}, {"media_ids": ["1"]}]
    for body in named:
        assert "Pictures" in await refused(api, status="x", visibility="unlisted", **body)
    nothing: dict[str, Any] = {"media_ids[]": [""]}
    await sent(api, status="x", visibility="unlisted", **nothing)


async def test_nothing_but_a_content_note_is_the_text(api: Api) -> None:
    for given in ({"status": ""}, {}):
        status = await sent(api, **given, spoiler_text="only a note", visibility="public")
        assert status["content"] == "<p>only a note</p>\n" and status["spoiler_text"] == ""
    async with api.client("wren") as client:
        where = f"{STATUSES}/{status['id']}"
        edited = await client.put(where, json={"status": "", "spoiler_text": "another note"})
        kept = await client.put(where, json={"spoiler_text": "a fold"})
    assert edited.status_code == 200 and edited.json()["content"] == "<p>another note</p>\n"
    assert (kept.json()["content"], kept.json()["spoiler_text"]) == ("<p>another note</p>\n", "a fold")


async def test_a_status_of_one_paragraph_leaves_with_its_words_once(api: Api) -> None:
    await sent(api, status="Who has slept well @appointments")
    async with api.db.connection() as conn:
        kept = await conn.fetchval("select document from activities where verb = 'Create'")
    content = json.loads(keeping.restore(kept))["object"]["content"]
    assert content.count("Who has slept well") == 1 and "<strong>" not in content


async def test_what_cannot_be_seen_is_left_out_and_marks_do_not_pile_up(api: Api) -> None:
    tower = "o" + "\u0301" * 100
    text = f"@frontroom Ti{tower}tle\n\nBe\x07low \u0065\u0301"
    status = await sent(api, status=text, spoiler_text=f"gr{tower}\x1bief", sensitive=True)
    async with api.db.connection() as conn:
        row = await conn.fetchrow("select * from posts where id = $1", int(status["id"]))
    assert row is not None
    for words in (row["title"], row["body_html"], row["body_source"], row["body_text"], row["warning"]):
        assert (words.count("\u0301") <= 5 and words.isprintable()) or "\n" in words
        assert "\x07" not in words and "\x1b" not in words
    assert row["body_source"] == "Below \u00e9" and row["warning"].endswith("ief")


async def test_our_own_parameters_name_group_and_title(api: Api) -> None:
    status = await sent(api, status="The text", title="The title", group_id=str(GARDEN))
    assert status["group"]["acct"] == "garden"
    assert status["content"] == "<p><strong>The title</strong></p><p>The text</p>\n"


async def test_a_long_first_line_is_text_and_its_first_words_are_the_title(api: Api) -> None:
    text = "word " * 40 + "\n\nmore"
    status = await sent(api, status=f"!frontroom {text}")
    assert "<strong>" not in status["content"]
    async with api.db.connection() as conn:
        title = await conn.fetchval("select title from posts where id = $1", int(status["id"]))
    assert title.startswith("word word") and title.endswith("…") and len(title) <= 61


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"status": "@frontroom and @appointments hello"}, "one group"),
        ({"status": "@frontroom hello", "group_id": str(APPOINTMENTS)}, "one group"),
        ({"status": "hello", "group_id": "424242"}, "no such group"),
        ({"status": "hello", "group_id": str(TANSY)}, "no such group"),
        ({"status": "hello @nobodyhere", "visibility": "public"}, "nobody here is called nobodyhere"),
        ({"status": "hello !frontrom"}, "nobody here is called frontrom"),
        ({"status": "hello !books@void.example"}, "nobody here is called books"),
        ({"status": "@appointments for some", "visibility": "private"}, "Everyone can read this group"),
        ({"status": "@frontroom hi", "visibility": "direct"}, "needs somebody"),
        ({"status": "hi", "visibility": "direct"}, "needs somebody"),
        ({"status": "@frontroom"}, "blank"),
        ({"status": ""}, "blank"),
        ({"status": "​"}, "blank"),
        ({"status": "x" * 5001}, "too long"),
        ({"status": "x", "spoiler_text": "y" * 201}, "too long"),
        ({"status": "x", "title": "y" * 201, "group_id": str(FRONTROOM)}, "too long"),
        ({"status": "x", "visibility": "group"}, "not one of"),
        ({"status": "x", "media_ids": ["1"]}, "cannot be sent here yet"),
        ({"status": "x", "poll": {"options": ["a", "b"]}}, "Polls"),
        ({"status": "x", "scheduled_at": "2031-01-01T00:00:00Z"}, "later"),
        ({"status": ["x"]}, "not a text"),
        ({"status": "x" + " @a" * 40}, "too many mentions"),
    ],
)
async def test_what_is_not_clear_or_not_possible_is_said(api: Api, body: dict[str, Any], says: str) -> None:
    assert says in await refused(api, **body)


async def test_a_group_one_may_not_post_to_is_refused_and_nothing_is_posted(api: Api) -> None:
    for text in ("@frontroom let me in", "!frontroom let me in"):
        got = await api.post(STATUSES, "tansy", status=text, visibility="public")
        assert got.status_code == 422
        unknown = await api.post(
            STATUSES, "tansy", status=text.replace("frontroom", "backroom"), visibility="public"
        )
        assert got.text == unknown.text.replace("backroom", "frontroom")
    await api.change("update groups set approval = true where actor_id = $1", APPOINTMENTS)
    got = await api.post(STATUSES, "tansy", status="@appointments hello")
    assert got.status_code == 422
    assert "joined the group" in got.json()["error"]
    await api.insert("group_bans", group_id=APPOINTMENTS, actor_id=MARLOW, banned_at=api.db.now())
    assert (await api.post(STATUSES, "marlow", status="@appointments hello")).status_code == 422
    async with api.db.connection() as conn:
        assert await conn.fetchval("select count(*) from posts") == 0


async def test_a_post_to_no_group_is_for_followers_unless_said_otherwise(api: Api) -> None:
    seen = [(await sent(api, status="hi", **more))["visibility"] for more in ({}, {"visibility": "public"})]
    assert seen == ["private", "public"]


async def test_a_reply_stays_in_its_group_whatever_its_visibility(api: Api) -> None:
    thread = await sent(api, status="@frontroom A question")
    for visibility in ("public", "unlisted", "private", None):
        reply = await sent(
            api,
            "marlow",
            status="@wren @frontroom An answer",
            in_reply_to_id=thread["id"],
            visibility=visibility,
        )
        assert (reply["visibility"], reply["group"]["acct"]) == ("private", "frontroom")
        assert reply["in_reply_to_id"] == thread["id"]
        assert reply["in_reply_to_account_id"] == str(WREN)
        assert reply["content"] == "<p>@wren An answer</p>\n"
        assert (await api.get(f"{STATUSES}/{reply['id']}", "tansy")).status_code == 404
    around = await api.json(f"{STATUSES}/{thread['id']}/context", "wren")
    assert len(around["descendants"]) == 4


async def test_a_reply_to_the_groups_reblog_answers_the_thread(api: Api) -> None:
    thread = await sent(api, status="@frontroom A question")
    reblog = (await api.json("/api/v1/timelines/home", "marlow"))[0]
    reply = await sent(api, "marlow", status="An answer", in_reply_to_id=reblog["id"])
    assert reply["in_reply_to_id"] == thread["id"]


async def test_a_reply_cannot_move_to_a_group(api: Api) -> None:
    await api.write(9001, MARLOW)
    await api.write(9002, MARLOW, group=FRONTROOM)
    assert "in no group" in await refused(api, status="@frontroom yes", in_reply_to_id="9001")
    assert "stays in its group" in await refused(api, status="@appointments yes", in_reply_to_id="9002")


async def test_a_direct_reply_leaves_the_group_and_names_it_to_nobody(api: Api) -> None:
    thread = await sent(api, status="@frontroom A question")
    message = await sent(
        api,
        "marlow",
        status="@wren @frontroom just for you",
        in_reply_to_id=thread["id"],
        visibility="direct",
    )
    assert message["visibility"] == "direct"
    assert "group" not in message
    assert message["in_reply_to_id"] is None
    assert [mention["acct"] for mention in message["mentions"]] == ["wren"]
    assert "frontroom" not in message["content"]
    assert (await api.get(f"{STATUSES}/{message['id']}", "asha")).status_code == 404
    assert (await api.get(f"{STATUSES}/{message['id']}", "wren")).status_code == 200


async def test_a_reply_is_no_wider_than_what_it_answers(api: Api) -> None:
    await api.follow(WREN, MARLOW)
    await api.write(9001, MARLOW, audience="followers")
    await api.write(9002, MARLOW, audience="direct")
    await api.mention(9002, WREN)
    narrow = await sent(api, status="yes", in_reply_to_id="9001", visibility="public")
    narrowest = await sent(api, status="yes", in_reply_to_id="9002", visibility="public")
    assert (narrow["visibility"], narrowest["visibility"]) == ("private", "direct")


async def test_a_held_post_comes_back_to_its_author_as_waiting(db: Db) -> None:
    api = await make_api(db, newcomer_posts_held=2)
    status = await sent(api, status="@frontroom A first question")
    assert status["pending"] is True
    assert status["visibility"] == "private"
    assert (await api.get(f"{STATUSES}/{status['id']}", "marlow")).status_code == 404
    assert await api.ids("/api/v1/timelines/home", "marlow") == []
    assert await api.ids("/api/v1/timelines/home", "wren") == [int(status["id"])]


async def test_the_same_key_posts_once(api: Api) -> None:
    async with api.client("wren", **{"idempotency-key": "k1"}) as client:
        first = await client.post(STATUSES, json={"status": "once"})
        again = await client.post(STATUSES, json={"status": "once"})
    async with api.client("wren", **{"idempotency-key": "k2"}) as client:
        other = await client.post(STATUSES, json={"status": "once"})
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]


async def test_forms_work_like_json(api: Api) -> None:
    async with api.client("wren") as client:
        form = await client.post(STATUSES, data={"status": "hi", "spoiler_text": "food", "sensitive": "true"})
        parts = await client.post(STATUSES, files={"status": (None, "hi"), "spoiler_text": (None, "food")})
    for got in (form, parts):
        assert got.status_code == 200, got.text
        assert (got.json()["spoiler_text"], got.json()["sensitive"]) == ("food", True)


async def test_source_and_edit_round_trip(api: Api) -> None:
    thread = await sent(api, status="@frontroom How do I ask?\n\nI have questions.", spoiler_text="doctors")
    source = await api.json(f"{STATUSES}/{thread['id']}/source", "wren")
    assert source["text"] == "@frontroom How do I ask?\n\nI have questions."
    async with api.client("wren") as client:
        same = (await client.put(f"{STATUSES}/{thread['id']}", json={"status": source["text"]})).json()
        assert same["content"] == thread["content"]
        assert same["spoiler_text"] == "doctors"
        got = await client.put(
            f"{STATUSES}/{thread['id']}",
            json={"status": "@frontroom Another title\n\nOther words", "spoiler_text": ""},
        )
    assert got.status_code == 200, got.text
    assert got.json()["content"] == "<p><strong>Another title</strong></p><p>Other words</p>\n"
    assert got.json()["spoiler_text"] == ""
    assert got.json()["edited_at"] is not None
    assert got.json()["group"]["acct"] == "frontroom"


async def test_f20_an_edit_moves_nothing_anywhere(api: Api) -> None:
    thread = await sent(api, status="@frontroom A question")
    for body in ({"status": "@appointments A question"}, {"status": "@frontroom @appointments A question"}):
        async with api.client("wren") as client:
            got = await client.put(f"{STATUSES}/{thread['id']}", json=body)
        assert got.status_code == 422
    async with api.client("wren") as client:
        got = await client.put(
            f"{STATUSES}/{thread['id']}",
            json={"status": "Changed", "visibility": "public", "group_id": str(APPOINTMENTS)},
        )
    assert got.json()["group"]["acct"] == "frontroom"
    assert (await api.get(f"{STATUSES}/{thread['id']}")).status_code == 404


async def test_deleting_gives_the_text_back_for_writing_it_anew(api: Api) -> None:
    thread = await sent(api, status="@frontroom A title\n\nSome **words**")
    reply = await sent(api, status="and more", in_reply_to_id=thread["id"])
    async with api.client("wren") as client:
        gone = (await client.delete(f"{STATUSES}/{reply['id']}")).json()
        assert gone["text"] == "@frontroom and more"
        gone = (
            await client.request("DELETE", f"{STATUSES}/{thread['id']}", json={"delete_media": True})
        ).json()
        assert (gone["id"], gone["text"]) == (thread["id"], "@frontroom A title\n\nSome **words**")
        assert gone["media_attachments"] == []
        assert (await client.get(f"{STATUSES}/{thread['id']}")).status_code == 404
        assert (await client.delete(f"{STATUSES}/{thread['id']}")).status_code == 404
        assert await api.ids("/api/v1/timelines/home", "marlow") == []
        again = (await client.post(STATUSES, json={"status": gone["text"]})).json()
    assert again["content"] == thread["content"]


async def test_nobody_changes_what_is_not_theirs(api: Api) -> None:
    thread = await sent(api, status="@frontroom A question")
    async with api.client("marlow") as client:
        answers = [
            await client.put(f"{STATUSES}/{thread['id']}", json={"status": "mine"}),
            await client.delete(f"{STATUSES}/{thread['id']}"),
        ]
    assert [got.status_code for got in answers] == [404, 404]
    assert (await api.json(f"{STATUSES}/{thread['id']}", "wren"))["content"] == thread["content"]


async def test_a_thank_you_is_seen_by_who_gave_it_and_counted_by_nobody(api: Api) -> None:
    await api.write(9001, MARLOW)
    for verb, liked in (
        ("favourite", True),
        ("favourite", True),
        ("unfavourite", False),
        ("unfavourite", False),
    ):
        got = await api.post(f"{STATUSES}/9001/{verb}", "wren")
        assert got.status_code == 200, got.text
        assert (got.json()["favourited"], got.json()["favourites_count"]) == (liked, 0)
    await api.post(f"{STATUSES}/9001/favourite", "wren")
    assert (await api.json(f"{STATUSES}/9001", "marlow"))["favourited"] is False
    assert await api.json(f"{STATUSES}/9001/favourited_by", "marlow") == []


async def test_boosting_is_not_possible(api: Api) -> None:
    await api.write(9001, MARLOW)
    assert (await api.post(f"{STATUSES}/9001/reblog", "wren")).status_code == 422


async def test_a_direct_message_to_an_open_group_alone_goes_to_its_moderators(api: Api) -> None:
    await api.insert("group_moderators", group_id=APPOINTMENTS, actor_id=MARLOW, since_at=api.db.now())
    body = {"status": "@appointments I am not all right.", "visibility": "direct"}
    written = await sent(api, **body)
    assert (written["visibility"], written["mentions"]) == ("direct", [])
    assert "I am not all right." in written["content"]
    async with api.db.connection() as conn:
        kept = await conn.fetch("select group_id, author_id, body_html from group_messages")
        told = await conn.fetch("select account_id from notifications where kind = 'message'")
        posts = await conn.fetch("select group_id, audience, author_id from posts order by id")
        owed = await conn.fetchval("select count(*) from deliveries")
    assert [(row["group_id"], row["author_id"]) for row in kept] == [(APPOINTMENTS, WREN)]
    assert "I am not all right." in kept[0]["body_html"] and len(told) == 1 and owed == 0
    # The automatic answer is a private message that never leaves; nobody else reads either of them.
    assert {(row["group_id"], row["audience"]) for row in posts} == {(None, "direct")}
    assert {row["author_id"] for row in posts} == {WREN, APPOINTMENTS}
    (answer,) = await api.json("/api/v1/notifications", "wren")
    assert "This is an automatic message." in answer["status"]["content"]
    for other in ("marlow", "tansy", None):
        for seen in (written["id"], answer["status"]["id"]):
            assert (await api.get(f"{STATUSES}/{seen}", other)).status_code in (401, 404)
    # A second one is not answered again; the first is gone where its writer takes it back.
    await sent(api, **{**body, "status": "@appointments Still here."})
    async with api.client("wren") as client:
        assert (await client.delete(f"{STATUSES}/{written['id']}")).status_code == 200
    async with api.db.connection() as conn:
        left = await conn.fetch("select body_html from group_messages")
        assert await conn.fetchval("select count(*) from posts where author_id = $1", APPOINTMENTS) == 1
    assert len(left) == 1 and "Still here." in left[0]["body_html"]
