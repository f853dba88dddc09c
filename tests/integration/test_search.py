"""Words and names that are looked for: in every form of a word, and only where people let them be found."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.integration.api import (
    ADA,
    APPOINTMENTS,
    BOOKS,
    FRONTROOM,
    HERON,
    IO,
    MARLOW,
    TANSY,
    WREN,
    Api,
    make_api,
)

pytestmark = pytest.mark.postgres
SEARCH = "/api/v2/search"


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


async def found(api: Api, text: str, name: str = "wren") -> list[str]:
    return [status["id"] for status in (await api.json(SEARCH, name, q=text))["statuses"]]


async def people(api: Api, text: str, name: str = "wren") -> list[str]:
    return [each["acct"] for each in (await api.json("/api/v1/accounts/search", name, q=text))]


async def test_a_word_is_found_in_the_forms_of_its_language(api: Api) -> None:
    await api.write(9001, MARLOW, "Two kettles were boiling.", group=FRONTROOM)
    await api.write(9002, MARLOW, "Die Häuser am See.", group=FRONTROOM, language="de")
    await api.write(9003, MARLOW, "Nothing of it.", group=FRONTROOM, title="A kettle")
    assert await found(api, "kettle") == ["9003", "9001"]
    assert await found(api, "haus see") == await found(api, "Häuser") == ["9002"]
    assert await found(api, "boiling kettle") == ["9001"]
    assert await found(api, "kettle see") == []


async def test_an_edit_changes_what_is_found_and_a_deletion_leaves_no_word(api: Api) -> None:
    await api.write(9001, MARLOW, "A lighthouse.", group=FRONTROOM)
    await api.change("update posts set body_text = 'A windmill.' where id = 9001")
    assert (await found(api, "lighthouse"), await found(api, "windmill")) == ([], ["9001"])
    await api.change("update posts set body_text = '', standing = 'deleted' where id = 9001")
    async with api.db.connection() as conn:
        assert await conn.fetchval("select count(*) from post_words") == 0


async def test_what_was_taken_out_is_found_by_nobody_until_it_is_shown_again(api: Api) -> None:
    await api.write(9001, MARLOW, "A lighthouse.", group=FRONTROOM)
    await api.change("update posts set standing = 'removed' where id = 9001")
    async with api.db.connection() as conn:
        assert await conn.fetchval("select count(*) from post_words") == 0
    await api.change("update posts set standing = 'visible' where id = 9001")
    assert await found(api, "lighthouse") == ["9001"]


async def test_what_others_write_in_open_groups_is_found_only_where_they_let_it_be(api: Api) -> None:
    await api.write(9001, IO, "A lighthouse.", group=APPOINTMENTS)
    await api.change("update actors set indexable = true where id = $1", IO)
    assert await found(api, "lighthouse") == []  # what came before consent stays as it came
    await api.write(9002, IO, "A lighthouse again.", group=APPOINTMENTS)
    assert await found(api, "lighthouse") == ["9002"]
    await api.change("update actors set indexable = false where id = $1", IO)
    assert await found(api, "lighthouse") == []
    await api.mention(9001, WREN)
    await api.write(9003, WREN, "My lighthouse.", group=APPOINTMENTS)
    assert await found(api, "lighthouse") == ["9003", "9001"]


async def test_o06_words_are_found_only_in_groups_one_is_in(api: Api) -> None:
    await api.change("update actors set indexable = true")
    await api.write(9001, ADA, "A lighthouse.", group=BOOKS)
    await api.write(9002, MARLOW, "A lighthouse.", group=FRONTROOM)
    assert await found(api, "lighthouse", "tansy") == []
    assert await found(api, "lighthouse") == ["9002"]
    await api.follow(TANSY, BOOKS)
    assert await found(api, "lighthouse", "tansy") == ["9001"]


async def test_people_are_found_only_where_they_want_to_be(api: Api) -> None:
    assert await people(api, "hero") == []
    await api.change("update actors set discoverable = true where id = $1", HERON)
    assert await people(api, "hero") == ["heron"]
    await api.change("update actors set discoverable = false")
    assert await people(api, "hero") == []
    await api.follow(WREN, HERON)
    assert await people(api, "hero") == ["heron"]
    assert await people(api, "wre") == ["wren"]


async def test_a_group_is_found_by_a_part_of_its_title(api: Api) -> None:
    assert "appointments" in await people(api, "ready for")
    assert await people(api, "front", "tansy") == []


STORE_MANY = """
insert into posts (id, uri, kind, author_id, group_id, written_in, root_id, audience, standing, title,
    body_html, body_text, language, published_at, active_at, created_at)
select n, 'https://a.example/' || n, 'Note', $1, g.actor_id, g.kind, n, 'group', 'visible', '', '',
    'A kettle, once more.', 'en', now(), now(), now()
from generate_series($3::bigint, $4::bigint) n, groups g where g.actor_id = $2
"""
POSTS_READ = """
select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
where relname = 'posts'
"""


async def test_words_of_new_posts_are_kept_without_reading_the_posts_there_are(api: Api) -> None:
    async with api.db.connection() as conn:
        await conn.execute(STORE_MANY, MARLOW, FRONTROOM, 9001, 9600)
        await conn.execute("analyze posts")
    async with api.db.transaction() as tx:
        before = await tx.fetchval(POSTS_READ)
        await tx.execute(STORE_MANY, MARLOW, FRONTROOM, 9601, 9700)
        assert await tx.fetchval(POSTS_READ) == before
        assert await tx.fetchval("select count(*) from post_words where post_id > 9600") == 100
    assert await found(api, "kettles") == [str(number) for number in range(9700, 9680, -1)]
