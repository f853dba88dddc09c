"""What lists say about a conversation: a reply only where there is one, and what waits for our team."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch, newcomer_posts_held=1)


async def lists(site: Site, name: str) -> list[str]:
    return [(await site.get(path, name)).text for path in ("/g/frontroom", "/home")]


async def test_a_post_that_was_let_in_has_no_latest_reply(site: Site, clock: Clock) -> None:
    root = await site.writes("wren", "I am new here.", group="frontroom", title="Hello")
    clock.pass_by(hours=3)
    await site.post(f"/mod/held/{root}", "asha", {"decision": "approve"})
    for text in await lists(site, "tansy"):
        assert "Hello" in text and "Latest reply" not in text
    reply = await site.writes("asha", "Welcome.", parent=root)
    for text in await lists(site, "tansy"):
        assert "Latest reply" in text
    await site.post(f"/post/{reply}/remove", "asha")
    for text in await lists(site, "tansy"):
        assert "Hello" in text and "Latest reply" not in text


async def test_a_post_from_elsewhere_that_nobody_answered_has_no_latest_reply(
    site: Site, clock: Clock
) -> None:
    async with site.db.transaction() as tx:
        io = await tx.fetchval(
            "insert into actors (uri, kind, host, name, handle_host, inbox_uri, created_at, updated_at) "
            "values ('https://masto.example/u/io', 'person', 'masto.example', 'io', 'masto.example', "
            "'https://masto.example/inbox', $1, $1) returning id",
            site.db.now(),
        )
        await tx.execute(
            "insert into posts (uri, kind, author_id, host, group_id, written_in, root_id, audience, "
            "standing, title, body_html, body_text, published_at, active_at, created_at) "
            "values ('https://masto.example/q/1', 'Question', $1, 'masto.example', $2, 'open', new_id(), "
            "'public', 'visible', 'A poll', 'Tea?', 'Tea?', $3::timestamptz - interval '1 hour', $3, $3)",
            io,
            site.groups["appointments"],
            site.db.now(),
        )
        await tx.execute("update posts set root_id = id")
    for path in ("/g/appointments", "/home"):
        text = (await site.get(path, "wren")).text
        assert "A poll" in text and "Latest reply" not in text


async def test_a_reply_that_waits_is_no_latest_reply(site: Site) -> None:
    root = await site.writes("asha", "Here we are.", group="frontroom", title="Tea")
    await site.writes("wren", "My first words here.", parent=root)
    assert await site.value("select count(*) from posts where standing = 'held'") == 1
    for name in ("tansy", "wren"):
        for text in await lists(site, name):
            assert "Tea" in text and "Latest reply" not in text


async def test_what_waits_does_not_look_published_to_its_author(site: Site) -> None:
    root = await site.writes("wren", "I am new here.", group="frontroom", title="Hello")
    for text in [*await lists(site, "wren"), (await site.get("/@wren", "wren")).text]:
        line = text[text.index(">Hello<") :].partition("</li>")[0]
        assert "Waits for our team" in line
    for text in [*await lists(site, "tansy"), (await site.get("/@wren", "tansy")).text]:
        assert ">Hello<" not in text
    await site.post(f"/mod/held/{root}", "asha", {"decision": "approve"})
    for text in [*await lists(site, "wren"), (await site.get("/@wren", "wren")).text]:
        assert ">Hello<" in text and "Waits for our team" not in text


async def test_what_nobody_has_read_was_not_changed_later(site: Site, clock: Clock) -> None:
    root = await site.writes("wren", "I am new heer.", group="frontroom", title="Hello")
    clock.pass_by(minutes=5)
    await site.post(f"/post/{root}/edit", "wren", {"title": "Hello", "body": "I am new here."})
    own = (await site.get(f"/g/frontroom/t/{root}", "wren")).text
    assert "I am new here." in own and "changed later" not in own
    await site.post(f"/mod/held/{root}", "asha", {"decision": "approve"})
    assert "changed later" not in (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    await site.post(f"/post/{root}/edit", "wren", {"title": "Hello", "body": "I am new here, and glad."})
    assert "changed later" in (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
