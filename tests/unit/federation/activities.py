"""Activities as they come in, for tests."""

from __future__ import annotations

import json
from typing import Any

from federation import documents
from federation.authenticity import Authentic, NeedsFetch, from_signed_request
from federation.uris import Uri
from federation.vocab import Unsupported
from tests.unit.federation.requests import IO

CONTEXT = "https://www.w3.org/ns/activitystreams"
EVIL = Uri("https://evil.example/u/x")
NOTE_ID = "https://masto.example/notes/1"


def note(**changes: Any) -> dict[str, Any]:
    return {
        "id": NOTE_ID,
        "type": "Note",
        "attributedTo": IO,
        "to": [f"{CONTEXT}#Public"],
        "content": "<p>Hello</p>",
        **changes,
    }


def act(verb: str, thing: Any, actor: str = IO, **changes: Any) -> dict[str, Any]:
    host = actor.split("/")[2]
    return {
        "@context": CONTEXT,
        "id": f"https://{host}/acts/1",
        "type": verb,
        "actor": actor,
        "to": [f"{CONTEXT}#Public"],
        "object": thing,
        **changes,
    }


def deliver(activity: dict[str, Any], signer: str = IO) -> Authentic[Any] | Unsupported | NeedsFetch:
    raw = json.dumps(activity).encode()
    return from_signed_request(documents.parse(raw), raw, Uri(signer))
