"""The server under attack, and the promise that hostile input never shows up as an error of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from federation import keys
from fediverse_support.actions import local_keys
from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.edge import SECRET, key_pair
from tests.security.support import Place, make_place


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our people share one key: making them is slow."""
    private, pem = key_pair("ours")
    pair = local_keys.KeyPair(pem, keys.seal(keys.private_pem(private), SECRET))

    async def same(secret: bytes) -> local_keys.KeyPair:
        return pair

    monkeypatch.setattr(local_keys, "make_key_pair", same)


@pytest.fixture
async def place(db: Db, clock: Clock) -> Place:
    """Our server, open to everybody."""
    return await make_place(db, clock)


@pytest.fixture(autouse=True)
def nothing_is_our_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a case that made us log an error: hostile input is no error of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
