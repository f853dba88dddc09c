"""A stage for deliveries: our group, members elsewhere, and everything that an activity may change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from federation import authenticity, documents, uris
from federation.errors import FederationError
from federation.uris import Uri
from fediverse_support.actions.exchange.intake import Intake
from fediverse_support.db.pool import Db
from fediverse_support.deps import Deps
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import ActorId
from fediverse_support.workers import receive
from tests.conftest import Clock
from tests.integration.edge import Internet

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
IO = Uri("https://masto.example/users/io")
EVE = Uri("https://evil.example/users/eve")
QUIET = Uri("https://lemmy.example/c/quiet")
STATE = {
    "posts": """
        select uri, standing, title, body_text, parent_uri, parent_id is not null from posts order by uri
    """,
    "follows": "select follower_id, target_id, standing from follows order by 1, 2",
    "likes": "select actor_uri, post_id from reactions order by 1, 2",
    "boosts": "select actor_id, post_id, undone_at is null from announces order by 1, 2",
    "locked": "select uri from posts where is_locked order by uri",
    "bans": "select group_id, actor_id, reason, ends_at from group_bans order by 1, 2",
    "blocks": "select blocker_id, blocked_id from blocks order by 1, 2",
    "reports": "select from_host, post_ids, body from reports order by id",
    "actors": "select uri, standing, display_name from actors order by uri",
}
State = dict[str, list[tuple[Any, ...]]]


@dataclass
class Stage:
    """Our server: a group, wren in it, a post of hers; io (a member), eve and the group quiet elsewhere."""

    db: Db
    deps: Deps
    clock: Clock
    internet: Internet
    wren: Person
    group: Uri = field(init=False)
    group_id: ActorId = field(init=False)
    post: Uri = field(init=False)
    quiet_id: ActorId = field(init=False)
    count: int = 0

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.db.connection() as conn:
            return await conn.fetchval(sql, *values)

    async def state(self) -> State:
        """Return everything that an activity may change and people may see."""
        async with self.db.connection() as conn:
            return {name: [tuple(row) for row in await conn.fetch(sql)] for name, sql in STATE.items()}

    def activity(self, kind: str, actor: Uri, object: Any, **more: Any) -> dict[str, Any]:
        """Write an activity with an id of its own."""
        self.count += 1
        return {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{actor}/activities/{self.count}",
            "type": kind,
            "actor": actor,
            "object": object,
            "to": [PUBLIC],
            **more,
        }

    def note(self, name: str, author: Uri = IO, **more: Any) -> dict[str, Any]:
        """Write a post in our group, which its own server serves as well."""
        document = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{uris.origin(author)}/notes/{name}",
            "type": "Note",
            "attributedTo": author,
            "content": f"<p>{name}</p>",
            "to": [PUBLIC, self.group],
            "audience": self.group,
            "published": "2030-05-01T11:00:00Z",
            **more,
        }
        self.internet.documents[document["id"]] = json.dumps(document).encode()
        return document

    async def deliver(self, document: dict[str, Any], signer: Uri | None = None) -> None:
        """Bring one delivery in, proven to be `signer`'s (if None, the actor's), and apply it."""
        signer = Uri(document["actor"]) if signer is None else signer
        body = json.dumps(document).encode()
        try:
            act = authenticity.from_signed_request(documents.parse(body), body, signer)
        except FederationError:
            return
        uri = act.uri if isinstance(act, authenticity.NeedsFetch) else Uri(document["id"])
        await Intake(self.db, self.deps.instance).accept(
            uri=uri, host=uris.host(signer), signer=signer, body=body, digest=None,
            is_once=document["type"] in ("Create", "Announce"),
        )  # fmt: skip
        while await receive.step(self.deps):
            pass


@dataclass
class Try:
    """One row's vector: what comes before it, the delivery itself, and the same thing by somebody else.

    `late` are deliveries that belong before it; when they come after it, the world must end as `late_ends`
    says: like `nothing` happened, or like everything came in `order`.
    """

    act: dict[str, Any]
    forged: dict[str, Any]
    before: list[dict[str, Any]] = field(default_factory=list)
    late: list[dict[str, Any]] = field(default_factory=list)
    late_ends: str = "order"
    serves: dict[str, int] = field(default_factory=dict)
