"""Documents that other software is known to send, from the Fediverse Pasture: read, or refused by name."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from fediverse_pasture_inputs import available

from federation import documents, reading, writing
from federation.errors import Malformed
from federation.vocab import PUBLIC, Actor, Collection, Create, Post, Tombstone, Unsupported

IO = "https://masto.example/users/io"
NOTE = {
    "@context": [
        "https://www.w3.org/ns/activitystreams",
        {"Hashtag": "as:Hashtag", "sensitive": "as:sensitive"},
    ],
    "id": "https://masto.example/notes/1",
    "type": "Note",
    "attributedTo": IO,
    "to": [PUBLIC],
    "cc": [],
    "content": "text",
    "published": "2026-11-20T02:31:00Z",
}
EXAMPLES = [
    pytest.param(example, id=f"{name}-{number}")
    for name, data in sorted(available.items())
    for number, example in enumerate(data.examples)
]
REFUSED = frozenset(
    {
        "bad_id",
        "bad_attributedTo",
        "several_attributedTo",
        "content_too_long",
        "bad_context",
        "no_type",
        "bad_name",
        "bad_inbox",
        "inbox_origin",
    }
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read_or_refused_by_name(example: dict[str, object]) -> None:
    note = {**deepcopy(NOTE), **deepcopy(example)}
    create = {
        "id": "https://masto.example/a/1",
        "type": "Create",
        "actor": IO,
        "to": [PUBLIC],
        "object": note,
    }
    try:
        read = reading.read(documents.parse(json.dumps(create).encode()))
        alone = reading.read_object(documents.parse(json.dumps(note).encode()))
    except Malformed as refusal:
        assert refusal.code in REFUSED
        return
    assert isinstance(read, Create | Unsupported)
    assert isinstance(alone, Post | Actor | Tombstone | Collection | Unsupported)
    if isinstance(alone, Post):
        assert isinstance(read, Create)
        assert read.object == alone
        body = writing.write(alone)
        again = reading.read_object(documents.parse(body))
        assert isinstance(again, Post)
        assert writing.write(again) == body


def test_most_examples_are_understood() -> None:
    understood = 0
    for parameters in EXAMPLES:
        [changes] = parameters.values
        assert isinstance(changes, dict)
        note = {**NOTE, **changes}
        try:
            understood += isinstance(reading.read_object(note), Post)
        except Malformed:
            continue
    assert understood > 0.85 * len(EXAMPLES)
