"""Likes of people elsewhere: their author reads who it was, once, and nobody reads how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.domain.effects import NotificationKind
from fediverse_support.reads import notices
from fediverse_support.reads.posts import home
from fediverse_support.reads.posts.windows import Window
from tests.federation.scenes import GROUP, Scene, hears, three_servers
from tests.federation.world import Server, World


@dataclass
class Met:
    """Wren wrote something at A that Ada, at B, has read."""

    scene: Scene
    post: Uri

    @property
    def ada(self) -> Uri:
        return self.scene.b.people["ada"].uri

    def like(self, number: int = 1) -> dict[str, Any]:
        return {"id": f"{self.ada}/likes/{number}", "type": "Like", "actor": self.ada, "object": self.post}

    async def hears(self, document: dict[str, Any]) -> None:
        await hears(self.scene.a, document)

    async def unlikes(self, what: Any, number: int = 1) -> None:
        await self.hears(
            {"id": f"{self.ada}/undo/{number}", "type": "Undo", "actor": self.ada, "object": what}
        )

    async def named(self) -> list[str | None]:
        """Whom Wren reads of on the page, and in the API: both say the same."""
        wren, server = self.scene.a.people["wren"], self.scene.a
        kinds: list[NotificationKind] = ["liked"]
        async with server.db.connection() as conn:
            found = await notices.of_account(conn, wren.account_id, wren.actor_id, kinds, Window(limit=20))
            listed = await home.list_about_you(
                conn, wren.account_id, (wren.actor_id,), server.db.now().replace(year=2000)
            )
        on_page = [item.actor_name for item in listed if item.kind == "liked"]
        assert on_page == [each.actor.name for each in found]
        return on_page


async def _who_liked(server: Server, author: str) -> list[str]:
    rows = await server.rows(
        "select a.name from notifications n join actors a on a.id = n.actor_id"
        " where n.kind = 'liked' and n.person_id = $1 order by n.id", server.people[author].actor_id,
    )  # fmt: skip
    return [row["name"] for row in rows]


@pytest.fixture
async def met(world: World) -> Met:
    scene = await three_servers(world)
    post = await scene.a.posts("wren", "A long night.", to=GROUP)
    await world.settle()
    return Met(scene, post)


async def test_their_author_reads_who_liked_it(met: Met) -> None:
    await met.hears(met.like())
    assert await met.named() == ["ada"]
    assert await met.scene.a.value("select count(*) from notifications where kind = 'liked'") == 1


async def test_a_second_like_of_the_same_person_is_told_to_nobody(met: Met) -> None:
    await met.hears(met.like())
    await met.hears(met.like(2))
    assert await met.named() == ["ada"]


@pytest.mark.parametrize("by_id", [False, True])
async def test_one_that_is_taken_back_is_told_no_more(met: Met, by_id: bool) -> None:
    like = met.like()
    await met.hears(like)
    await met.unlikes(like["id"] if by_id else like)
    assert await met.named() == []


async def test_taking_back_and_liking_again_tells_nothing_anew(met: Met) -> None:
    await met.hears(met.like())
    first = await met.scene.a.value("select id from notifications where kind = 'liked'")
    for number in (2, 3):
        await met.unlikes(met.like(number - 1), number)
        await met.hears(met.like(number))
    assert await met.named() == ["ada"]
    assert await met.scene.a.rows("select id from notifications where kind = 'liked'") == [(first,)]


@pytest.mark.parametrize("ends", [("ada", "wren"), ("wren", "ada")])
async def test_where_one_blocks_the_other_no_like_is_told(met: Met, ends: tuple[str, str]) -> None:
    async with met.scene.a.db.transaction() as tx:
        await tx.execute(
            "insert into blocks (blocker_id, blocked_id, uri, created_at)"
            " select x.id, y.id, 'b', $3 from actors x, actors y where x.name = $1 and y.name = $2",
            *ends, met.scene.a.db.now(),
        )  # fmt: skip
    await met.hears(met.like())
    assert await met.scene.a.value("select count(*) from notifications where kind = 'liked'") == 0


async def test_a_suspended_server_likes_nothing_and_what_it_liked_is_not_told(met: Met) -> None:
    await met.hears(met.like())
    await met.scene.a.rules("b.example", "suspend")
    assert await met.named() == []
    await met.scene.a.lifts("b.example")
    assert await met.named() == ["ada"]


async def test_nobody_is_named_whose_own_server_did_not_say_it(world: World) -> None:
    """The group at A passes on likes: of its own people it may, of those at C only C may."""
    scene = await three_servers(world)
    a, b = scene.a, scene.b
    post = await b.posts("ada", "From far away.", to=GROUP)
    await world.settle()
    group = Uri(await a.value("select uri from actors where name = 'sleepless'"))
    for number, who in enumerate((scene.c.people["marlow"].uri, a.people["wren"].uri)):
        await b.finds(("marlow@c.example", "wren@a.example")[number])
        like = {"id": f"{who}/likes/1", "type": "Like", "actor": who, "object": post, "audience": group}
        await hears(b, {
            "id": f"{group}/announce/{number}", "type": "Announce", "actor": group, "object": like,
            "to": ["https://www.w3.org/ns/activitystreams#Public"], "cc": [f"{group}/followers"],
        })  # fmt: skip
    assert await b.value("select count(*) from reactions") == 2
    assert await _who_liked(b, "ada") == ["wren"]
    await hears(b, {"id": f"{scene.c.people['marlow'].uri}/likes/2", "type": "Like",
                    "actor": scene.c.people["marlow"].uri, "object": post})  # fmt: skip
    assert await _who_liked(b, "ada") == ["wren", "marlow"]


async def test_likes_push_no_answer_off_the_page(met: Met) -> None:
    wren, server = met.scene.a.people["wren"], met.scene.a
    await met.scene.b.posts("ada", "I hear you.", answering=met.post)
    await met.scene.a.world.settle()
    for number in range(6):
        other = await server.posts("wren", f"Night {number}.", to=GROUP)
        await met.hears({**met.like(number), "object": other})
    async with server.db.connection() as conn:
        found = await home.list_about_you(
            conn, wren.account_id, (wren.actor_id,), server.db.now().replace(year=2000)
        )
    kinds = [item.kind for item in found if item.kind in ("reply", "liked")]
    assert kinds == ["reply"] + ["liked"] * (home.MOST_LIKES + 1)
