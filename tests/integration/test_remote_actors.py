"""What other servers say about their actors, as it is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from federation import vocab
from federation.uris import Uri
from fediverse_support.db.pool import Db
from fediverse_support.store.people import remote_actors

pytestmark = pytest.mark.postgres

KEY = vocab.PublicKey(
    id=Uri("https://masto.example/keys/1"), owner=Uri("https://masto.example/u/io"), pem="-----"
)
IO = vocab.Actor(
    id=Uri("https://masto.example/u/io"),
    kind="Person",
    preferred_username="io",
    inbox=Uri("https://masto.example/u/io/inbox"),
    keys=(KEY,),
)


async def test_two_actors_that_claim_one_key_are_both_stored_and_the_first_keeps_it(db: Db) -> None:
    ada = Uri("https://masto.example/u/ada")
    other = replace(
        IO, id=ada, preferred_username="ada", inbox=Uri(f"{ada}/inbox"), keys=(replace(KEY, owner=ada),)
    )
    async with db.transaction() as tx:
        assert await remote_actors.upsert(tx, IO, db.now()) is not None
        assert await remote_actors.upsert(tx, other, db.now()) is not None
        assert await remote_actors.upsert(tx, IO, db.now()) is not None
        found = await remote_actors.find_key(tx, KEY.id)
    assert found is not None
    assert found.uri == IO.id
