"""The schema's history: run once, safe at the same moment, honest about what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fediverse_support.db import migrate, pool
from fediverse_support.db.migrate import MigrationFailed
from fediverse_support.db.pool import DatabaseUnavailable
from tests.conftest import Server

Fresh = Callable[[], Awaitable[str]]


@pytest.fixture
async def bare(postgres_server: Server) -> str:
    """The address of a database with nothing in it."""
    postgres_server.made += 1
    name = f"bare_{postgres_server.made}"
    await postgres_server.run(f"create database {name} owner fediverse_support")
    return postgres_server.dsn_of(name)


async def ask(dsn: str, question: str) -> object:
    conn = await pool.connect(dsn)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


async def pending(dsn: str) -> tuple[str, ...]:
    conn = await pool.connect(dsn)
    try:
        return await migrate.pending(conn)
    finally:
        await conn.close()


async def test_a_bare_database_gets_everything_and_the_second_run_nothing(bare: str) -> None:
    todo = await pending(bare)
    assert todo[0] == "0001_initial" and todo[-1] == "functions.sql"
    assert await migrate.migrate(bare) == todo
    assert await pending(bare) == ()
    assert await migrate.migrate(bare) == ()
    assert await ask(bare, "select count(*) from posts") == 0


async def test_people_who_were_here_before_are_asked_too(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = migrate.MIGRATIONS / "0001_initial.sql"
    (tmp_path / first.name).write_bytes(first.read_bytes())
    with monkeypatch.context() as before:
        before.setattr(migrate, "MIGRATIONS", tmp_path)
        await migrate.migrate(bare)
    conn = await pool.connect(bare)
    await conn.execute(
        "insert into actors (uri, kind, host, name, inbox_uri, created_at, updated_at)"
        " select kind || coalesce(host, ''), kind, host, 'wren', '/inbox', now(), now()"
        " from unnest(array['person', 'group']) as k (kind), unnest(array[null, 'b.example']) as h (host)"
    )
    await conn.close()
    assert "0003_people_approve_followers" in await migrate.migrate(bare)
    asked = "select string_agg(uri, ' ') from actors where approves_followers"
    assert await ask(bare, asked) == "person"


async def test_the_addresses_of_posts_that_were_deleted_before_go_too(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in migrate.MIGRATIONS.glob("*.sql"):
        if path.name < "0028":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with monkeypatch.context() as before:
        before.setattr(migrate, "MIGRATIONS", tmp_path)
        await migrate.migrate(bare)
    conn = await pool.connect(bare)
    await conn.execute(
        "insert into actors (id, uri, kind, host, name, inbox_uri, created_at, updated_at)"
        " values (1, 'https://b.example/u', 'person', 'b.example', 'ada', '/inbox', now(), now())"
    )
    await conn.execute(
        "insert into posts (uri, kind, author_id, host, root_id, audience, standing, language, url,"
        " context_uri, published_at, active_at, created_at)"
        " select standing || coalesce(host, ''), 'Page', 1, host, 1, 'public', standing, 'en', 'a-title',"
        " 'thread', now(), now(), now()"
        " from unnest(array['visible', 'deleted']) s (standing), unnest(array[null, 'b.example']) h (host)"
    )
    await conn.close()
    assert any("addresses_of_deleted" in each for each in await migrate.migrate(bare))
    left = "select string_agg(concat_ws(' ', uri, url, context_uri, language), ', ' order by uri) from posts"
    assert await ask(bare, left) == (
        "deleted thread und, deletedb.example und,"
        " visible a-title thread en, visibleb.example a-title thread en"
    )


async def test_whoever_had_a_role_has_it_in_the_set(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in migrate.MIGRATIONS.glob("*.sql"):
        if path.name < "0031":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with monkeypatch.context() as before:
        before.setattr(migrate, "MIGRATIONS", tmp_path)
        await migrate.migrate(bare)
    conn = await pool.connect(bare)
    await conn.execute(
        "insert into accounts (name, password_hash, role, created_at)"
        " select role, '-', role, now() from unnest(array['member', 'moderator', 'admin']) r (role)"
    )
    await conn.close()
    await migrate.migrate(bare)
    had = "select string_agg(name || ' ' || roles::text, ', ' order by id) from accounts"
    assert await ask(bare, had) == "member {}, moderator {moderator}, admin {admin}"


async def test_posts_that_were_there_before_count_as_written_under_the_kind_of_their_group(
    bare: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = next(path.stem for path in migrate.MIGRATIONS.glob("*_kinds_posts_were_written_under.sql"))
    for path in migrate.MIGRATIONS.glob("*.sql"):
        if path.stem < name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with monkeypatch.context() as before:
        before.setattr(migrate, "MIGRATIONS", tmp_path)
        await migrate.migrate(bare)
    conn = await pool.connect(bare)
    await conn.execute(
        "insert into actors (id, uri, kind, name, inbox_uri, created_at, updated_at)"
        " select n, n, case n when 1 then 'person' else 'group' end, n, '/inbox', now(), now()"
        " from generate_series(1, 3) n"
    )
    await conn.execute(
        "insert into groups (actor_id, kind, title, created_at)"
        " values (2, 'home', '', now()), (3, 'open', '', now())"
    )
    await conn.execute(
        "insert into posts (uri, kind, author_id, group_id, root_id, audience, standing, published_at,"
        " active_at, created_at)"
        " select coalesce(g, 0), 'Note', 1, g, 1, 'group', 'visible', now(), now(), now()"
        " from unnest(array[null, 2, 3]) g"
    )
    await conn.close()
    assert name in await migrate.migrate(bare)
    kept = "select string_agg(concat_ws(' ', uri, written_in), ', ' order by uri) from posts"
    assert await ask(bare, kept) == "0, 2 home, 3 open"


async def test_two_starts_at_once_are_safe(bare: str) -> None:
    ran = await asyncio.gather(*(migrate.migrate(bare) for _ in range(4)))
    assert sorted(bool(steps) for steps in ran) == [False, False, False, True]


async def test_changed_functions_are_installed_again(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await fresh_database()
    monkeypatch.setattr(migrate, "fingerprint", lambda: "another")
    assert await migrate.migrate(dsn) == ("functions.sql",)
    assert await migrate.migrate(dsn) == ()


async def test_a_database_of_a_newer_release_is_refused_but_served(fresh_database: Fresh) -> None:
    dsn = await fresh_database()
    conn = await pool.connect(dsn)
    await conn.execute(
        "insert into _pogo_migration (migration_hash, migration_id, schema_name, applied) "
        "values ('x', '9999_future', 'public', now())"
    )
    assert await migrate.is_ready(conn)
    await conn.close()
    with pytest.raises(MigrationFailed, match="newer release"):
        await migrate.migrate(dsn)


async def test_a_broken_migration_changes_nothing_and_is_named(
    fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dsn = await fresh_database()
    for path in migrate.MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "9000_broken.sql").write_text(
        "-- Broken.\n-- depends: 0001_initial\n\n-- migrate: apply\n"
        "create table half (n int);\nselect no_such_function();\n\n-- migrate: rollback\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    with pytest.raises(MigrationFailed, match="9000_broken") as problem:
        await migrate.migrate(dsn)
    assert "\n" not in str(problem.value)
    assert await ask(dsn, "select to_regclass('half') is null") is True


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://x@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql:///x?host=/nowhere", "cannot be reached"),
    ],
)
async def test_a_database_that_is_away_is_one_sentence(dsn: str, said: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=said) as problem:
        await pool.open_db(dsn)
    assert "\n" not in str(problem.value)


async def test_a_database_that_goes_away_is_told_as_such(
    fresh_database: Fresh, postgres_server: Server
) -> None:
    db = await pool.open_db(await fresh_database())
    try:
        with pytest.raises(DatabaseUnavailable):
            async with db.connection() as conn:
                pid = await conn.fetchval("select pg_backend_pid()")
                await postgres_server.run(f"select pg_terminate_backend({pid})")
                await conn.fetchval("select 1")
        async with db.connection() as conn:
            assert await conn.fetchval("select 1") == 1
    finally:
        await db.close()
