"""A notice is a row that stands and falls with its cause, and goes to nobody by mail."""

from __future__ import annotations

import pytest

from fediverse_support.db.pool import Db
from fediverse_support.domain.effects import Notify
from fediverse_support.store import notices
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres
COUNT = "select count(*) from notifications where account_id = $1 and kind = 'removed'"


async def test_a_notice_is_stored_with_its_cause_or_not_at_all_and_is_mailed_to_nobody(
    db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    site: Site = await make_site(db, monkeypatch)
    wren = site.people["wren"]
    note = Notify(person_id=wren.actor_id, kind="removed", words="Somebody's words.")
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await notices.insert(tx, note, db.now())
            raise ZeroDivisionError
    assert await site.value(COUNT, wren.account_id) == 0
    async with db.transaction() as tx:
        await notices.insert(tx, note, db.now())
    assert await site.value(COUNT, wren.account_id) == 1
    assert await site.value("select count(*) from jobs") == 0
