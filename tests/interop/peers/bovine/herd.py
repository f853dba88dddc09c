"""A peer with one person (bo) on bovine_herd. It answers every Follow with an Accept, and is steered through
`/control`, which only loopback reaches.

ORIGIN is the https address it is known by. Runs in a virtual environment of its own, and imports
nothing of ours.
"""

from __future__ import annotations

import os
from copy import deepcopy
from typing import Any

import bovine.clients
from bovine_herd import BovineHerd
from bovine_process import handle_outbox_item, process_inbox_item, process_outbox_item
from bovine_process.types import ProcessingItem
from bovine_store import BovineAdminStore
from bovine_store.actor.bovine_store_actor import BovineStoreActor
from quart import Quart, request

ORIGIN = os.environ["ORIGIN"]
AS = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS}#Public"

app = Quart(__name__)
app.config["heard"] = []


async def take_in(item: ProcessingItem, actor: BovineStoreActor) -> None:
    """Note what arrived, and say yes to who wants to follow."""
    app.config["heard"].append(deepcopy(item.data))
    app.add_background_task(process_inbox_item, item, actor)
    if item.data["type"] == "Follow":
        app.add_background_task(
            say, actor, {"type": "Accept", "object": item.data, "to": [item.data["actor"]]}
        )


async def say(actor: BovineStoreActor, activity: dict[str, Any]) -> dict[str, Any]:
    """Send an activity by way of the library's outbox."""
    data = {"@context": AS, "actor": actor.actor_id, **activity}
    item = await handle_outbox_item(ProcessingItem(actor.actor_id, data), actor)
    assert item is not None
    said: dict[str, Any] = deepcopy(item.data)
    await process_outbox_item(item, actor)
    return said


BovineHerd(app, db_url="sqlite://herd.sqlite3", start_background_task_inbox=take_in)


@app.before_serving
async def settle_in() -> None:
    """Register bo."""
    app.config["bo"] = await BovineAdminStore(domain=ORIGIN).register("bo")


@app.post("/control/<deed>")
async def control(deed: str) -> Any:
    """Do one thing and say what came of it."""
    asked = await request.get_json()
    actor = await app.config["bovine_store"].actor_for_name(app.config["bo"])
    match deed:
        case "heard":
            return app.config["heard"]
        case "whoami":
            return {"id": actor.actor_id}
        case "find":
            uri, _ = await bovine.clients.lookup_uri_with_webfinger(actor.session, asked["what"])
            return {"id": uri, "document": await actor.get(uri)}
        case "get":
            return await actor.get(asked["what"])
        case "follow":
            return await say(actor, {"type": "Follow", "object": asked["what"], "to": [asked["what"]]})
        case "undo":
            return await say(actor, {"type": "Undo", "object": asked["what"], "to": [asked["to"]]})
        case "like":
            return await say(actor, {"type": "Like", "object": asked["what"], "to": [asked["to"]]})
        case "post":
            addressed = {"to": [asked["group"], PUBLIC], "cc": []}
            note = {"type": "Note", "attributedTo": actor.actor_id, "content": asked["content"], **addressed}
            return await say(actor, {"type": "Create", "object": note, **addressed})
    return {"error": "no such deed"}, 404
