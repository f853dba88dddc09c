"""Collections and their pages, as bytes."""

from __future__ import annotations

import json

from federation import collections, documents, reading, writing
from federation.uris import Uri
from federation.vocab import Collection, Like, Tombstone

GROUP = Uri("https://support.example/ap/g/sleepless")
OUTBOX = Uri(f"{GROUP}/outbox")
PAGE = Uri(f"{OUTBOX}?page=1")
A, B = Uri("https://masto.example/notes/1"), Uri("https://support.example/ap/o/2")


def test_a_short_list_stands_in_the_collection() -> None:
    body = collections.ordered(OUTBOX, 2, items=[A, B], attributed_to=GROUP)
    assert reading.read(documents.parse(body)) == Collection(
        id=OUTBOX, total=2, items=(A, B), attributed_to=GROUP
    )


def test_an_empty_list_is_still_a_list() -> None:
    assert json.loads(collections.ordered(OUTBOX, 0))["orderedItems"] == []
    assert json.loads(collections.page(PAGE, OUTBOX, []))["orderedItems"] == []


def test_a_long_list_is_paged() -> None:
    whole = json.loads(collections.ordered(OUTBOX, None, first=PAGE))
    assert whole["first"] == PAGE
    assert "orderedItems" not in whole
    assert "totalItems" not in whole
    page = collections.page(PAGE, OUTBOX, [A], next=Uri(f"{OUTBOX}?page=2"))
    assert reading.read(documents.parse(page)) == Collection(
        id=PAGE, items=(A,), next=Uri(f"{OUTBOX}?page=2")
    )
    assert json.loads(page)["partOf"] == OUTBOX


def test_a_count_tells_a_number_or_nothing() -> None:
    assert json.loads(collections.count(OUTBOX, 3))["totalItems"] == 3
    hidden = json.loads(collections.count(OUTBOX, None, "OrderedCollection"))
    assert list(hidden) == ["@context", "id", "type"]
    assert hidden["type"] == "OrderedCollection"


def test_written_documents_are_spliced_without_their_context() -> None:
    stone, like = Tombstone(id=B, former_type="Note"), Like(id=A, actor=GROUP, object=B)
    body = collections.ordered(OUTBOX, 2, items=[writing.write(stone), writing.write(like)])
    first, second = json.loads(body)["orderedItems"]
    assert first == {"id": B, "type": "Tombstone", "formerType": "Note"}
    assert "@context" not in second
    assert reading.read(documents.parse(body)) == Collection(id=OUTBOX, total=2, items=(B, A))


def test_a_document_of_somebody_else_keeps_every_other_character() -> None:
    foreign = (
        b'{"id": "https://masto.example/notes/1", "@context": "x", "n": 1.50, "object": {"@context": "y"}}'
    )
    body = collections.page(PAGE, OUTBOX, [foreign])
    assert b'"n":1.50' in body
    assert json.loads(body)["orderedItems"][0]["object"] == {"@context": "y"}
    assert "@context" not in json.loads(body)["orderedItems"][0]
