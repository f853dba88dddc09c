"""Recorded exchanges with live peers, played to a fresh instance: as they were, and in other orders.

Every delivery is the peer's own bytes with the peer's own signature, at the peer's own time; our ids are made
those of the recording. Whatever order the deliveries come in, the state has to be the recorded one. `make
interop` with INTEROP_RECORD=1 makes the recordings anew.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from federation.errors import Unreachable
from federation.http import Reply
from federation.uris import Uri
from fediverse_support import wiring
from fediverse_support.actions import groups, local_keys
from fediverse_support.actions.accounts import accounts
from fediverse_support.actions.people import following
from fediverse_support.actions.posts import posting
from fediverse_support.db.pool import open_db
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId, PostId
from fediverse_support.domain.posts import Draft
from fediverse_support.reads.people import people
from fediverse_support.settings import Settings
from fediverse_support.workers import deliver, receive
from fediverse_support.workers.visits import Sender
from tests.asgi import ask
from tests.builders import PASSWORD, SECRET, QuickPasswords, key_maker
from tests.conftest import Clock
from tests.replay.state import state_of

RECORDED = sorted((Path(__file__).parents[1] / "interop" / "recorded").glob("*.json"))
GROUP = "sleepless"
ORDERS = 4
RENAME_ACTOR = """
update actors set uri = replace(uri, $1, $2), inbox_uri = replace(inbox_uri, $1, $2),
    outbox_uri = replace(outbox_uri, $1, $2), followers_uri = replace(followers_uri, $1, $2),
    moderators_uri = replace(moderators_uri, $1, $2), key_id = replace(key_id, $1, $2)
where uri = $1
"""


@dataclass
class Peer:
    """The other server as far as the recording knows it: what it served and when. It takes everything."""

    served: list[dict[str, Any]]
    clock: Clock
    taken: list[bytes] = field(default_factory=list)

    async def send(
        self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", *, limit: int, seconds: float
    ) -> Reply:
        """Answer as the peer did at this time, or, before it was asked for the first time, as it did then."""
        if method == "POST":
            self.taken.append(body)
            return Reply(202, {}, b"", uri)
        known = [one for one in self.served if one["uri"] == uri]
        if not known:
            raise Unreachable("refused")
        before = [one for one in known if datetime.fromisoformat(one["at"]) <= self.clock.at]
        one = before[-1] if before else known[0]
        return Reply(one["status"], {"content-type": one["type"]}, one["body"].encode(), uri)


@dataclass
class Stage:
    """A fresh instance under the recorded names."""

    record: dict[str, Any]
    clock: Clock
    deps: Deps
    app: ASGIApp
    sender: Sender
    wren: Person

    async def value(self, sql: str, *values: Any) -> Any:
        """Run one statement; return its first value."""
        async with self.deps.db.connection() as conn:
            return await conn.fetchval(sql, *values)

    async def settle(self) -> None:
        """Step the workers until nothing is left that can be done now."""
        while await receive.step(self.deps) | await deliver.step(self.deps, self.sender):
            pass

    async def arrives(self, step: dict[str, Any]) -> None:
        """Deliver one recorded request as it came."""
        got = await ask(self.app, "POST", step["target"], step["headers"], step["body"].encode())
        assert got.status == 202, got.text

    async def row_of(self, uri: str) -> PostId:
        """Return the row of a post."""
        return PostId(await self.value("select id from posts where uri = $1", uri))

    async def does(self, step: dict[str, Any]) -> None:
        """Have wren do again what was done."""
        db, instance, wren = self.deps.db, self.deps.instance, self.wren
        match step["does"]:
            case "follow":
                target = await self.deps.remote.find(step["target"])
                assert target is not None
                await following.follow(db, instance, wren, ActorId(target))
                await self.value("update follows set uri = $1 where target_id = $2", step["uri"], target)
            case "unfollow":
                target = await self.value("select id from actors where uri = $1", step["target"])
                await following.unfollow(db, instance, wren, ActorId(target))
            case "publish":
                group_id = await self.value("select id from actors where name = $1 and host is null", GROUP)
                await self._publish(step, Draft(body=step["body"], title=step["title"], group_id=group_id))
            case "answer":
                parent_id = await self.row_of(step["to"])
                await self._publish(step, Draft(body=step["body"], parent_id=parent_id))
            case "edit":
                draft = Draft(body=step["body"], title=step["title"])
                await posting.edit(db, instance, wren, await self.row_of(step["uri"]), draft)
            case "delete":
                await posting.delete(db, instance, wren, await self.row_of(step["uri"]))

    async def _publish(self, step: dict[str, Any], draft: Draft) -> None:
        done = await posting.publish(self.deps.db, self.deps.instance, self.wren, draft)
        await self.value("update posts set uri = $1 where id = $2", step["uri"], done.post_id)

    async def differences(self) -> tuple[list[Any], list[Any]]:
        """Return what of the recorded state is not here, and what is here beside it."""
        async with self.deps.db.connection() as conn:
            state = await state_of(conn)
        here = [(table, row) for table, rows in state.items() for row in rows]
        recorded = [(table, row) for table, rows in self.record["state"].items() for row in rows]
        return [row for row in recorded if row not in here], [row for row in here if row not in recorded]


Opened = Callable[[Path], Awaitable[Stage]]


@pytest.fixture
async def opened(
    fresh_database: Callable[[], Awaitable[str]], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A function that sets the stage for a recording."""
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    stages: list[Stage] = []

    async def set_up(path: Path) -> Stage:
        record = json.loads(path.read_text(encoding="utf-8"))
        clock.at = datetime.fromisoformat(record["steps"][0]["at"]) - timedelta(minutes=1)
        db = await open_db(await fresh_database(), clock=clock, size=4)
        chosen = Settings(base_url=record["ours"], newcomer_posts_held=0, undo_for=timedelta())
        deps = wiring.build(chosen, db, Peer(record["served"], clock), SECRET)
        await accounts.ensure_instance_actor(db, chosen.instance, SECRET)
        for name in ("asha", "wren"):
            account_id = await accounts.create_account(
                db, chosen.instance, name=name, password=PASSWORD, secret=SECRET,
                hash_password=QuickPasswords().hash,
            )  # fmt: skip
        await groups.create_group(
            db, chosen.instance, SECRET, name=GROUP, title="Sleepless", kind="open", moderators=("asha",)
        )
        async with db.connection() as conn:
            for name, uri in record["actors"].items():
                made = await conn.fetchval("select uri from actors where name = $1 and host is null", name)
                await conn.execute(RENAME_ACTOR, made, uri)
            wren = await people.find_person(conn, account_id)
        assert wren is not None
        stages.append(Stage(record, clock, deps, wiring.web(deps), Sender(chance=lambda: 0.5), wren))
        return stages[-1]

    yield set_up
    for stage in stages:
        await stage.deps.db.close()


def test_there_are_recordings() -> None:
    assert {path.stem for path in RECORDED} >= {"fedify_rfc9421", "fedify_cavage", "bovine"}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_as_it_was(path: Path, opened: Opened) -> None:
    stage = await opened(path)
    for step in stage.record["steps"]:
        stage.clock.at = max(stage.clock.at, datetime.fromisoformat(step["at"]))
        await (stage.does(step) if "does" in step else stage.arrives(step))
        await stage.settle()
    assert await stage.differences() == ([], [])


@pytest.mark.parametrize("order", range(ORDERS))
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_in_another_order(path: Path, order: int, opened: Opened) -> None:
    stage = await opened(path)
    chance = random.Random(order)
    underway: list[dict[str, Any]] = []

    async def arrive() -> None:
        chance.shuffle(underway)
        for step in underway:
            await stage.arrives(step)
            await stage.settle()
        underway.clear()

    stage.clock.at = datetime.fromisoformat(stage.record["steps"][-1]["at"]) + timedelta(minutes=1)
    for step in stage.record["steps"]:
        if "does" not in step:
            underway.append(step)
            continue
        # What wren answers she has seen, and what is passed on after she left she never sees.
        if step["does"] in ("answer", "unfollow"):
            await arrive()
        await stage.does(step)
        await stage.settle()
    await arrive()
    assert await stage.differences() == ([], [])
