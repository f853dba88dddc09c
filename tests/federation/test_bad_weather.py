"""The conversation on an internet that loses, doubles, delays, reorders, breaks and goes dark for a day.

What people wrote, changed and deleted must end up the same everywhere: nothing lost, nothing twice.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send

from federation.uris import Uri
from tests.federation.internet import SUNNY, Weather
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import Server, World

STORM = Weather(lost=0.15, unanswered=0.1, doubled=0.15, broken=0.1, late=0.1, held=0.1)
AUTHORS = ("wren", "ada", "marlow")


@dataclass
class Said:
    """One post as its author means it."""

    author: str
    text: str
    parent: Uri | None
    may_go: bool
    answers: int = 0


@dataclass
class Conversation:
    """People who write, answer, edit and delete at random, and what should come of it."""

    scene: Scene
    chance: random.Random
    posts: dict[Uri, Said] = field(default_factory=dict)
    deleted: set[Uri] = field(default_factory=set)
    count: int = 0

    def home_of(self, author: str) -> Server:
        return self.scene.everyone[AUTHORS.index(author)]

    async def goes_on(self) -> None:
        """Let somebody do something."""
        self.count += 1
        author = self.chance.choice(AUTHORS)
        home = self.home_of(author)
        mine = [uri for uri, said in self.posts.items() if said.author == author]
        leaves = [uri for uri in mine if self.posts[uri].may_go]
        there = {post.uri for post in await home.shown(GROUP)}
        heard = [uri for uri, said in self.posts.items() if uri in there and not said.may_go]
        what = self.chance.choice(("start", "answer", "answer", "edit", "delete"))
        text = f"{author} says {self.count}."
        if what == "delete" and leaves:
            uri = self.chance.choice(leaves)
            await home.deletes(author, uri)
            del self.posts[uri]
            self.deleted.add(uri)
        elif what == "edit" and mine:
            uri = self.chance.choice(mine)
            title = "" if self.posts[uri].parent else f"{author} {uri[-4:]}"
            await home.edits(author, uri, text, title=title)
            self.posts[uri].text = text
        elif what == "answer" and heard:
            parent = self.chance.choice(heard)
            uri = await home.posts(author, text, answering=parent)
            self.posts[uri] = Said(author, text, parent, may_go=self.chance.random() < 0.4)
            self.posts[parent].answers += 1
        else:
            uri = await home.posts(author, text, to=GROUP, title=f"{author} {self.count}")
            self.posts[uri] = Said(author, text, None, may_go=self.chance.random() < 0.4)

    async def is_the_same_everywhere(self) -> None:
        """Check every server against what was meant."""
        meant = {uri: (said.text, said.parent) for uri, said in self.posts.items()}
        for server in self.scene.everyone:
            shown = await server.shown(GROUP)
            found = {post.uri: (post.body_text.split("\n")[0], post.parent) for post in shown}
            assert len(shown) == len(found)
            assert found == meant, server.host
            await self._nothing_is_left_over(server)
        for author in AUTHORS:
            await self._was_told_once(author)

    async def _nothing_is_left_over(self, server: Server) -> None:
        left = await server.rows("select host, last_error, standing from deliveries")
        left += await server.rows("select host, last_error, standing from receipts where standing <> 'done'")
        assert [tuple(row) for row in left] == [], server.host
        twice = "select count(*) from announces group by actor_id, post_id having count(*) > 1"
        assert await server.value(twice) is None

    async def _was_told_once(self, author: str) -> None:
        home = self.home_of(author)
        told = await home.value(
            "select count(*) from notifications where account_id = $1 and kind = 'reply'",
            home.people[author].account_id,
        )
        mine = {uri for uri, said in self.posts.items() if said.author == author}
        answers = [said for said in self.posts.values() if said.parent in mine and said.author != author]
        assert told == len(answers), author


@pytest.mark.parametrize("seed", range(3))
async def test_in_a_storm_nothing_is_lost_and_nothing_comes_twice(world: World, seed: int) -> None:
    scene = await three_servers(world, undo_for=timedelta(minutes=10 if seed % 2 else 0))
    talk = Conversation(scene, random.Random(seed))
    world.internet.chance.seed(seed)
    world.internet.weather = STORM
    for number in range(24):
        if number == 8:
            world.internet.dark.add(scene.everyone[seed % 3].host)
        await talk.goes_on()
        await world.wait(minutes=talk.chance.choice((0.5, 3, 20, 90)))
        if number == 16:
            await world.wait(days=1)
            world.internet.dark.clear()
    world.internet.weather = SUNNY
    await world.calm(days=4)
    await talk.is_the_same_everywhere()
    assert len(world.internet.misfortunes) >= 3, "that was no storm"


async def test_on_a_perfect_day_the_same_conversation_is_the_same(world: World) -> None:
    talk = Conversation(await three_servers(world), random.Random(0))
    for _ in range(24):
        await talk.goes_on()
        await world.wait(minutes=1)
    await talk.is_the_same_everywhere()


async def test_a_server_that_was_down_for_a_week_catches_up(world: World) -> None:
    scene = await three_servers(world)
    world.internet.dark.add(scene.b.host)
    root = await scene.a.posts("wren", "The first of the week.", to="sleepless", title="Monday")
    await world.wait(days=2)
    await scene.a.posts("wren", "Still there?", answering=root)
    await scene.c.posts("marlow", "From C.", to=GROUP, title="Wednesday")
    await world.wait(days=5)
    world.internet.dark.clear()
    await world.calm(days=3)
    assert sorted(await scene.b.texts(GROUP)) == sorted(await scene.a.texts(GROUP))
    assert len(await scene.b.texts(GROUP)) == 3


async def test_one_activity_that_always_fails_does_not_hold_up_the_others(world: World) -> None:
    scene = await three_servers(world)
    poison = await scene.a.posts("wren", "Not digestible.", to="sleepless", title="One")
    app = world.internet.apps[scene.b.host]

    async def picky(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if scope["method"] == "POST" and poison.encode() in message["body"]:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return

        async def again() -> Message:
            return message

        await app(scope, again, send)

    world.internet.apps[scene.b.host] = picky
    await world.wait(minutes=1)
    await scene.a.posts("wren", "Quite all right.", to="sleepless", title="Two")
    await world.wait(days=3)
    assert await scene.b.texts(GROUP) == ["Quite all right."]


async def test_one_inbox_that_is_gone_does_not_hold_up_its_neighbours(world: World) -> None:
    scene = await three_servers(world)
    await scene.b.a_person("nils")
    await scene.b.follows("nils", GROUP)
    await world.settle()
    # Some software has no shared inbox; there, one of two members is gone without a word.
    gone = scene.b.people["ada"].uri
    async with scene.a.db.transaction() as tx:
        await tx.execute("update actors set shared_inbox_uri = null where host = 'b.example'")
    async with scene.b.db.transaction() as tx:
        await tx.execute("update actors set standing = 'deleted' where uri = $1", gone)
    await scene.a.posts("wren", "For whoever is there.", to="sleepless", title="One")
    await world.settle()
    assert await scene.b.texts(GROUP) == ["For whoever is there."]
    await world.wait(days=20)
    left = await scene.a.rows("select inbox_uri, standing, last_error from deliveries")
    assert [tuple(row) for row in left] == [(f"{gone}/inbox", "refused", "gone")]


async def test_a_deletion_is_tried_for_a_month(world: World) -> None:
    scene = await three_servers(world)
    uri = await scene.a.posts("wren", "Soon gone.", to="sleepless", title="One")
    await world.settle()
    world.internet.dark.add(scene.b.host)
    await scene.a.deletes("wren", uri)
    await world.wait(days=20)
    world.internet.dark.clear()
    await world.calm(days=3)
    assert await scene.b.value("select standing from posts where uri = $1", uri) == "deleted"
