"""What waits for a moderator: nothing that nobody has seen gets out in its place."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.security.support import EVE, Place, make_place

DELIVERIES = "select id from deliveries order by id"
KEPT = "select 1 from activities where direction = 'in' and document is not null and object_uri = $1"


async def hold(place: Place, domain: str = "evil.example") -> None:
    await place.rows(
        "insert into domain_rules (domain, severity, created_at, updated_at)"
        " values ($1, 'hold', now(), now())",
        domain,
    )


async def edit(place: Place, create: dict[str, Any], words: str) -> None:
    place.clock.pass_by(minutes=1)
    note = {**create["object"], "content": words, "updated": f"{place.db.now():%Y-%m-%dT%H:%M:%SZ}"}
    assert (await place.deliver(place.act("Update", EVE, note), EVE)).status == 202


async def waiting(place: Place, words: str) -> dict[str, Any]:
    create = place.create(EVE, content=words)
    assert (await place.deliver(create, EVE)).status == 202
    row = await place.post_of(create["object"]["id"])
    assert row is not None and row["standing"] == "held"
    return create


@pytest.mark.parametrize("why", ["server", "newcomer"])
async def test_what_is_passed_on_are_the_words_that_were_approved(db: Db, clock: Clock, why: str) -> None:
    place = await make_place(db, clock, newcomer_posts_held=2 if why == "newcomer" else 0)
    if why == "server":
        await hold(place)
    before = await place.rows(DELIVERIES)
    create = await waiting(place, "<p>Words nobody approved.</p>")
    await edit(place, create, "<p>Kind words.</p>")
    row = await place.post_of(create["object"]["id"])
    assert row is not None and row["body_text"] == "Kind words."
    assert await place.rows(DELIVERIES) == before
    await moderating.approve_post(db, place.deps.instance, place.people["asha"], row["id"])
    after = await place.post_of(create["object"]["id"])
    assert after is not None
    assert (after["standing"], after["body_text"]) == ("visible", "Kind words.")
    sent = await place.rows(
        "select document from activities where direction = 'out' and document is not null"
    )
    assert any(create["object"]["id"] in one["document"] for one in sent)
    assert not any("nobody approved" in one["document"] for one in sent)
    # Once it is decided, nothing is kept of the words that went before.
    assert await place.rows(KEPT, create["object"]["id"]) == []


async def test_a_held_server_changes_nothing_that_was_approved(place: Place) -> None:
    await hold(place)
    create = await waiting(place, "<p>Kind words.</p>")
    row = await place.post_of(create["object"]["id"])
    assert row is not None
    await moderating.approve_post(place.db, place.deps.instance, place.people["asha"], row["id"])
    async with place.no_effect():
        await edit(place, create, "<p>Words nobody approved.</p>")
    after = await place.post_of(create["object"]["id"])
    assert after is not None and (after["standing"], after["body_text"]) == ("visible", "Kind words.")
    # Taking it away is always theirs to do.
    gone = place.act("Delete", EVE, create["object"]["id"])
    assert (await place.deliver(gone, EVE)).status == 202
    after = await place.post_of(create["object"]["id"])
    assert after is not None and after["standing"] == "deleted"
