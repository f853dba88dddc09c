"""A notice is a row, and a word that there is one: to nobody before it is committed, and nothing by mail."""

from __future__ import annotations

import asyncio

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.domain.effects import Notify
from fediverse_support.store import notices
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres


async def test_whoever_listens_hears_whose_a_notice_is_with_the_commit_and_nothing_about_it(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    site: Site = await make_site(db, monkeypatch)
    wren, heard = site.people["wren"], asyncio.Queue[object]()
    note = Notify(person_id=wren.actor_id, kind="removed", words="Somebody's words.")
    async with db.dedicated() as listening:
        await listening.add_listener(notices.CHANNEL, lambda *said: heard.put_nowait(said[-1]))
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await notices.insert(tx, note, db.now())
                raise ZeroDivisionError
        async with db.transaction() as tx:
            await notices.insert(tx, note, db.now())
            await asyncio.sleep(0.05)
            assert heard.empty()
        async with asyncio.timeout(5):
            assert await heard.get() == str(wren.account_id)
        assert heard.empty()
    assert await site.value("select count(*) from jobs") == 0
