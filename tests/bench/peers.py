"""Peers that exist as rows only, and what they would send, signed beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from federation import keys, signatures, vocab
from federation.keys import PrivateKey
from federation.uris import Uri
from fediverse_support.db.pool import Db
from fediverse_support.domain.ids import fresh_token
from fediverse_support.store.people import follows, remote_actors

TEXT = "<p>The nights are long at the moment. What helps me is to get up and make tea.</p>"


def actor(uri: str, pem: str, *, shared: bool = True) -> vocab.Actor:
    """Return a person of a peer; all peers of the benchmark share one key."""
    origin = "/".join(uri.split("/")[:3])
    return vocab.Actor(
        id=Uri(uri),
        kind="Person",
        preferred_username=uri.rsplit("/", 1)[1],
        inbox=Uri(f"{uri}/inbox"),
        shared_inbox=Uri(f"{origin}/inbox") if shared else None,
        outbox=Uri(f"{uri}/outbox"),
        followers=Uri(f"{uri}/followers"),
        keys=(vocab.PublicKey(id=keys.key_id(Uri(uri)), owner=Uri(uri), pem=pem),),
    )


async def settle(db: Db, people: list[vocab.Actor], *, following: int | None = None) -> None:
    """Store people of peers, as members of a group if one is named."""
    async with db.transaction() as tx:
        for person in people:
            row = await remote_actors.upsert(tx, person, db.now())
            assert row is not None
            if following is not None:
                uri = Uri(f"{person.id}/follow")
                await follows.upsert(tx, uri, row, following, "accepted", "Follow", db.now())  # type: ignore[arg-type]


def creates(
    senders: list[vocab.Actor], group: Uri, count: int, private: PrivateKey, host: str
) -> list[bytes]:
    """Return signed deliveries of new threads in a group, as bytes for the socket."""
    made = []
    now = datetime.now(UTC)
    for number in range(count):
        person = senders[number % len(senders)]
        origin = "/".join(person.id.split("/")[:3])
        note = {
            "id": f"{origin}/notes/{fresh_token()}",
            "type": "Note",
            "attributedTo": person.id,
            "name": f"A night in winter, {number}",
            "content": TEXT,
            "to": [group, vocab.PUBLIC],
            "cc": [person.followers],
            "audience": group,
            "published": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "tag": [{"type": "Mention", "href": group, "name": "@bench"}],
        }
        made.append(post(_create(person, note, group), person, private, host, now))
    return made


Sender = tuple[vocab.Actor, PrivateKey]


def mix(
    senders: Sequence[Sender], group: Uri, parents: Sequence[Uri], named: Uri, count: int, host: str
) -> list[bytes]:
    """Return signed deliveries as a group gets them: of ten, six begin a conversation, three answer one, and
    one names somebody here."""
    made = []
    now = datetime.now(UTC)
    for number in range(count):
        person, private = senders[number % len(senders)]
        origin = "/".join(person.id.split("/")[:3])
        note: dict[str, object] = {
            "id": f"{origin}/notes/{fresh_token()}",
            "type": "Note",
            "attributedTo": person.id,
            "content": TEXT,
            "to": [group, vocab.PUBLIC],
            "cc": [person.followers],
            "audience": group,
            "published": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        if number % 10 in (1, 4, 7):
            note |= {"inReplyTo": parents[number % len(parents)]}
        elif number % 10 == 9:
            mention = {"type": "Mention", "href": named, "name": "@wren"}
            note |= {"name": f"A question, {number}", "cc": [person.followers, named], "tag": [mention]}
        else:
            note |= {"name": f"A night in winter, {number}"}
        made.append(post(_create(person, note, group), person, private, host, now))
    return made


def _create(person: vocab.Actor, note: Mapping[str, object], group: Uri) -> bytes:
    origin = "/".join(person.id.split("/")[:3])
    return msgspec.json.encode(
        {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": f"{origin}/acts/{fresh_token()}",
            "type": "Create",
            "actor": person.id,
            "to": note["to"],
            "cc": note["cc"],
            "audience": group,
            "object": note,
        }
    )


def post(body: bytes, person: vocab.Actor, private: PrivateKey, host: str, now: datetime) -> bytes:
    """Return one signed POST to the shared inbox."""
    target = Uri(f"http://{host}/ap/inbox")
    given = {"Content-Type": "application/activity+json"}
    headers = signatures.sign("POST", target, given, body, key_id=person.keys[0].id, private=private, now=now)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /ap/inbox HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
