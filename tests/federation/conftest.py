"""A world for every test: no servers yet, a clock that stands still, a perfect internet."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fediverse_support.actions import local_keys
from tests.builders import key_maker
from tests.conftest import Clock
from tests.federation.internet import Internet
from tests.federation.world import World


@pytest.fixture
async def world(
    fresh_database: Callable[[], Awaitable[str]], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """An empty world. Open servers with `await world.server("a.example")`."""
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    made = World(fresh_database, clock, Internet(clock, random.Random(7)))
    yield made
    await made.close()
