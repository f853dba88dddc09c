"""A post keeps the kind of group it was written under: opening a group opens nothing that was said before."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.ids import PostId
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres

KINDS: tuple[GroupKind, ...] = get_args(GroupKind)
READERS = ("visitor", "ada", "heron", "io", "marlow")
"""Nobody signed in; a follower elsewhere; somebody here; a member elsewhere; a member here."""
MAY_READ: dict[GroupKind, tuple[str, ...]] = {
    "open": READERS,
    "home-open": ("heron", "marlow"),
    "circle": ("io", "marlow"),
    "home": ("marlow",),
}


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def change(site: Site, group: str, kind: GroupKind) -> None:
    async with site.db.transaction() as tx:
        await tx.execute("update groups set kind = $2 where actor_id = $1", site.groups[group], kind)


async def readers_of(site: Site, group: str) -> dict[str, int | None]:
    """Let two people elsewhere be known, one of them a member of the group; return everybody's row."""
    rows: dict[str, int | None] = {"visitor": None}
    async with site.db.transaction() as tx:
        for name in ("ada", "io"):
            rows[name] = await tx.fetchval(
                "insert into actors (uri, kind, host, name, inbox_uri, created_at, updated_at)"
                " values ($1, 'person', 'b.example', $1, '/inbox', now(), now()) returning id", name,
            )  # fmt: skip
        await tx.execute(
            "insert into follows (uri, follower_id, target_id, standing, created_at)"
            " values ('x', $1, $2, 'accepted', now())", rows["io"], site.groups[group],
        )  # fmt: skip
    return rows | {name: site.people[name].actor_id for name in ("heron", "marlow")}


async def opened(site: Site, kind: GroupKind) -> PostId:
    """Have wren write in the front room while it is of this kind."""
    await change(site, "frontroom", kind)
    return await site.writes("wren", f"Said in {kind}.", group="frontroom", title=f"In {kind}")


async def test_nobody_reads_what_they_could_not_have_read_then_or_could_not_read_now(site: Site) -> None:
    rows = await readers_of(site, "frontroom")
    posts = {kind: await opened(site, kind) for kind in KINDS}
    for then, now in itertools.product(KINDS, KINDS):
        await change(site, "frontroom", now)
        for reader, row in rows.items():
            asked = "select can_see(p, array[$2::bigint]) from posts p where p.id = $1"
            seen = await site.value(asked, posts[then], row)
            assert seen is (reader in MAY_READ[then] and reader in MAY_READ[now]), (then, now, reader)
        fetched = await site.value("select can_fetch(p) from posts p where p.id = $1", posts[then])
        assert fetched is (then == now == "open"), (then, now)


async def test_opening_a_group_shows_nobody_its_past(site: Site) -> None:
    root = await opened(site, "home")
    answer = await site.writes("marlow", "An answer at home.", parent=root)
    await change(site, "frontroom", "open")
    fresh = await site.writes("wren", "Said in the open.", group="frontroom", title="In the open")
    for name in (None, "heron"):
        page = (await site.get("/g/frontroom", name)).text
        assert "Said in the open." in page and "Said in home." not in page
        for post in (root, answer):
            assert (await site.get(f"/post/{post}", name)).status_code == 404
            assert (await site.get(f"/g/frontroom/t/{post}", name)).status_code == 404
        profile = (await site.get("/@wren", name)).text
        assert "In the open" in profile and "In home" not in profile
    assert "In home" not in (await site.get("/@wren", "marlow")).text
    assert "An answer at home." in (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    assert (await site.get(f"/g/frontroom/t/{fresh}")).status_code == 200


async def test_an_answer_to_what_was_said_at_home_stays_there(site: Site) -> None:
    root = await opened(site, "home")
    await change(site, "frontroom", "open")
    answer = await site.writes("marlow", "Still among us.", parent=root)
    row = await site.value("select row (audience, written_in)::text from posts where id = $1", answer)
    assert row == "(group,home)"
    assert await site.value("select count(*) from activities where verb = 'Announce' and public") == 0
    assert await site.value("select count(*) from group_messages") == 0
    assert (await site.get(f"/g/frontroom/t/{root}")).status_code == 404
    page = (await site.get(f"/g/frontroom/t/{root}", "tansy")).text
    assert "Still among us." in page
    # What stands beside the answer is what is true of this conversation, not of the group's next one.
    assert "It does not go to other servers." in page and "Anyone can read this" not in page


async def test_when_somebody_last_answered_is_for_those_who_may_read_the_answer(site: Site) -> None:
    root = await opened(site, "open")
    await change(site, "frontroom", "home")
    await site.writes("marlow", "Among us now.", parent=root)
    assert "Latest reply" in (await site.get("/g/frontroom", "tansy")).text
    await change(site, "frontroom", "open")
    page = (await site.get("/g/frontroom")).text
    assert "In open" in page and "Latest reply" not in page


async def test_a_removed_answer_leaves_no_trace_for_those_who_could_not_read_it(site: Site) -> None:
    root = await opened(site, "open")
    await change(site, "frontroom", "home")
    answer = await site.writes("marlow", "Among us now.", parent=root)
    await change(site, "frontroom", "open")
    async with site.db.transaction() as tx:
        await tx.execute("update posts set standing = 'removed' where id = $1", answer)
    there = f"/g/frontroom/t/{root}"
    assert f'id="p{answer}"' not in (await site.get(there)).text
    assert f'id="p{answer}"' in (await site.get(there, "tansy")).text
