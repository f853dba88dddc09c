"""Small valid documents of remote people, to be spoilt by tests."""

from __future__ import annotations

from typing import Any

import pytest

from federation import reading
from federation.errors import Malformed
from federation.vocab import PUBLIC, Actor, Post

IO = "https://masto.example/users/io"
ADA = "https://pie.example/u/ada"
GROUP = "https://support.example/ap/g/sleepless"
POST = "https://masto.example/notes/1"
PARENT = "https://support.example/ap/o/1"
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def note(**changes: Any) -> dict[str, object]:
    return {"id": POST, "type": "Note", "attributedTo": IO, "to": [PUBLIC], "content": "<p>Hi</p>", **changes}


def person(**changes: Any) -> dict[str, object]:
    return {"id": IO, "type": "Person", "preferredUsername": "io", "inbox": f"{IO}/inbox", **changes}


def activity(verb: object = "Create", **changes: Any) -> dict[str, object]:
    return {"id": "https://masto.example/a/1", "type": verb, "actor": IO, "object": note(), **changes}


def post(**changes: Any) -> Post:
    return reading.read_post(note(**changes))


def actor(**changes: Any) -> Actor:
    return reading.read_actor(person(**changes))


def code_of(document: dict[str, Any]) -> str:
    with pytest.raises(Malformed) as refusal:
        reading.read(document)
    return refusal.value.code
