"""What we write is the same every time, and means the same when it is read again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from federation import contexts, documents, reading, writing
from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Accept,
    Actor,
    Announce,
    Attachment,
    Audience,
    Choice,
    Collection,
    Create,
    Delete,
    Flag,
    Follow,
    Hashtag,
    Like,
    Mention,
    Observe,
    Post,
    PublicKey,
    Reject,
    Tombstone,
    Undo,
    Update,
)

BASE = "https://support.example"
WREN = Uri(f"{BASE}/ap/u/wren")
GROUP = Uri(f"{BASE}/ap/g/sleepless")
MEMBERS = Uri(f"{GROUP}/followers")
IO = Uri("https://masto.example/users/io")
AT = datetime(2026, 11, 20, 2, 31, tzinfo=UTC)
PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
IN_GROUP = Audience(to=(GROUP, PUBLIC), cc=(MEMBERS, IO), group=GROUP)

ROOT = Post(
    id=Uri(f"{BASE}/ap/o/1"),
    kind="Note",
    attributed_to=WREN,
    audience=IN_GROUP,
    title="Third night in a row",
    content="<p><strong>Third night in a row</strong></p><p>How do you get through it?</p>",
    source="How do you get through it?",
    warning="insomnia, work stress",
    language="en",
    url=Uri(f"{BASE}/g/sleepless/t/1"),
    context=Uri(f"{BASE}/ap/c/1"),
    published=AT,
    updated=AT + timedelta(milliseconds=1_500),
    mentions=(Mention(GROUP, "@sleepless@support.example"), Mention(IO)),
    hashtags=(Hashtag("sleep", Uri(f"{BASE}/tags/sleep")), Hashtag("tea")),
    attachments=(
        Attachment(
            kind="Image",
            url=Uri("https://media.support.example/m/1.webp"),
            media_type="image/webp",
            alt="A dark window",
            width=1200,
            height=800,
        ),
        Attachment(kind="Link", url=Uri("https://news.example/light")),
    ),
    comments_enabled=False,
)
REPLY = Post(
    id=Uri(f"{BASE}/ap/o/2"),
    kind="Note",
    attributed_to=WREN,
    audience=IN_GROUP,
    content="<p>Tea.</p>",
    in_reply_to=ROOT.id,
)
POLL = replace(
    ROOT, kind="Question", warning="", choices=(Choice("Tea", 3), Choice("Walk")), ends=AT + timedelta(days=1)
)
PERSON = Actor(
    id=WREN,
    kind="Person",
    preferred_username="wren",
    webfinger="wren@support.example",
    name="Wren",
    summary="<p>Night owl.</p>",
    source="Night owl.",
    url=Uri(f"{BASE}/@wren"),
    inbox=Uri(f"{WREN}/inbox"),
    outbox=Uri(f"{WREN}/outbox"),
    followers=Uri(f"{WREN}/followers"),
    following=Uri(f"{WREN}/following"),
    featured=Uri(f"{WREN}/featured"),
    shared_inbox=Uri(f"{BASE}/ap/inbox"),
    keys=(PublicKey(id=Uri(f"{WREN}#main-key"), owner=WREN, pem=PEM),),
    approves_followers=True,
    published=AT,
    also_known_as=(IO,),
    moved_to=IO,
)
CIRCLE = Actor(
    id=GROUP,
    kind="Group",
    preferred_username="sleepless",
    inbox=Uri(f"{GROUP}/inbox"),
    outbox=Uri(f"{GROUP}/outbox"),
    moderators=Uri(f"{GROUP}/moderators"),
    keys=tuple(PublicKey(id=Uri(f"{GROUP}#key-{n}"), owner=GROUP, pem=PEM) for n in (1, 2)),
    posting_restricted=True,
    discoverable=True,
    indexable=True,
    suspended=True,
    language="pt-BR",
    updated=AT,
)
BARE = Actor(
    id=Uri(f"{BASE}/ap/instance"),
    kind="Application",
    preferred_username="support.example",
    inbox=Uri(f"{BASE}/ap/inbox"),
)
FOLLOW_ID = Uri("https://masto.example/f/81")
FOLLOW = Follow(id=FOLLOW_ID, actor=IO, object=GROUP)


def a(number: int) -> Uri:
    return Uri(f"{BASE}/ap/a/{number}")


VALUES: dict[str, writing.Writable] = {
    "root": ROOT,
    "reply": REPLY,
    "poll": POLL,
    "article": replace(ROOT, kind="Article", sensitive=True),
    "bare post": Post(id=ROOT.id, kind="Page", attributed_to=WREN, audience=Audience()),
    "person": PERSON,
    "group": CIRCLE,
    "instance": BARE,
    "tombstone": Tombstone(id=ROOT.id, former_type="Note", deleted=AT),
    "bare tombstone": Tombstone(id=ROOT.id),
    "collection": Collection(id=MEMBERS, total=3, items=(WREN, IO), attributed_to=GROUP),
    "paged collection": Collection(id=MEMBERS, total=0, first=Uri(f"{MEMBERS}?page=1")),
    "page": Collection(id=Uri(f"{MEMBERS}?page=1"), next=Uri(f"{MEMBERS}?page=2")),
    "follow": replace(FOLLOW, audience=Audience(to=(GROUP,))),
    "join": replace(FOLLOW, verb="Join"),
    "accept": Accept(id=a(1), actor=GROUP, object=FOLLOW, audience=Audience(to=(IO,))),
    "accept of an id": Accept(id=a(1), actor=GROUP, object=FOLLOW_ID),
    "reject": Reject(id=a(1), actor=GROUP, object=replace(FOLLOW, audience=Audience(to=(GROUP,)))),
    "create": Create(id=a(2), actor=WREN, object=ROOT, audience=IN_GROUP, published=AT),
    "create of an id": Create(id=a(2), actor=WREN, object=ROOT.id, audience=IN_GROUP),
    "update": Update(id=a(3), actor=WREN, object=REPLY, audience=IN_GROUP, published=AT),
    "update of a group": Update(id=a(3), actor=GROUP, object=CIRCLE),
    "update of an id": Update(id=a(3), actor=WREN, object=WREN),
    "delete": Delete(id=a(4), actor=WREN, object=ROOT.id, former_type="Note", deleted=AT, audience=IN_GROUP),
    "removal": Delete(id=a(4), actor=WREN, object=ROOT.id, reason="removed by moderators", audience=IN_GROUP),
    "removal without words": Delete(id=a(4), actor=WREN, object=ROOT.id, reason=""),
    "farewell": Delete(id=a(4), actor=WREN, object=WREN, audience=Audience(to=(PUBLIC,))),
    "like": Like(id=a(5), actor=WREN, object=ROOT.id, audience=Audience(group=GROUP)),
    "like without id": Like(id=None, actor=WREN, object=ROOT.id),
    "boost": Announce(
        id=a(6), actor=GROUP, object=ROOT.id, audience=Audience(to=(PUBLIC,), cc=(MEMBERS,)), published=AT
    ),
    "undo follow": Undo(id=a(7), actor=IO, object=FOLLOW),
    "undo like": Undo(id=a(7), actor=WREN, object=Like(id=a(5), actor=WREN, object=ROOT.id)),
    "undo removal": Undo(id=a(7), actor=IO, object=Delete(id=a(4), actor=WREN, object=ROOT.id, reason="x")),
    "undo boost": Undo(id=a(7), actor=GROUP, object=Announce(id=a(6), actor=GROUP, object=ROOT.id)),
    "undo of an id": Undo(id=a(7), actor=WREN, object=a(5)),
    "flag": Flag(
        id=a(8), actor=BARE.id, objects=(IO, ROOT.id), content="Please look", audience=Audience(to=(IO,))
    ),
}


def written(value: writing.Writable) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(writing.write(value))
    return found


@pytest.mark.parametrize("name", VALUES)
def test_what_is_written_is_read_as_the_same_value_and_written_as_the_same_bytes(name: str) -> None:
    value = VALUES[name]
    body = writing.write(value)
    assert reading.read(documents.parse(body)) == value
    assert writing.write(value) == body


@pytest.mark.parametrize("name", VALUES)
def test_nothing_is_null_and_lists_are_lists(name: str) -> None:
    def look(value: object) -> None:
        assert value is not None
        if isinstance(value, dict):
            for member, inside in value.items():
                if member in {"to", "cc", "tag", "attachment"}:
                    assert isinstance(inside, list), member
                if member in {"attributedTo", "inReplyTo", "audience", "actor", "id", "url"}:
                    assert isinstance(inside, str), member
                    assert inside
                look(inside)
        elif isinstance(value, list):
            for inside in value:
                look(inside)

    document = written(VALUES[name])
    assert next(iter(document)) == "@context"
    look(document)


def test_a_root_is_written_as_the_profile_shows_it() -> None:
    document = written(ROOT)
    assert document["type"] == "Note"
    assert document["name"] == "[CW: insomnia, work stress] Third night in a row"
    assert document["summary"] == "insomnia, work stress"
    assert document["to"] == [GROUP, PUBLIC]
    assert document["audience"] == GROUP
    assert document["published"] == "2026-11-20T02:31:00Z"
    assert document["updated"] == "2026-11-20T02:31:01.500Z"
    assert document["contentMap"] == {"en": ROOT.content}
    assert document["language"] == {"identifier": "en", "name": "English"}
    assert document["source"] == {"content": ROOT.source, "mediaType": "text/markdown"}
    assert document["interactionPolicy"] == {"canQuote": {"automaticApproval": [], "manualApproval": [WREN]}}
    assert document["attachment"][1] == {"type": "Link", "href": "https://news.example/light"}
    assert document["tag"][0] == {"type": "Mention", "href": GROUP, "name": "@sleepless@support.example"}


def test_a_reply_has_no_name() -> None:
    assert "name" not in written(replace(REPLY, title="Re: something"))


def test_only_the_outermost_document_has_a_context() -> None:
    assert "@context" not in written(VALUES["create"])["object"]


def test_a_members_post_never_says_public() -> None:
    body = writing.write(replace(ROOT, audience=Audience(to=(GROUP,), cc=(MEMBERS,), group=GROUP)))
    assert b"#Public" not in body


def test_an_accepted_follow_is_the_follow_as_it_came() -> None:
    assert written(VALUES["accept"])["object"] == {
        "id": "https://masto.example/f/81",
        "type": "Follow",
        "actor": IO,
        "object": GROUP,
    }


def test_an_actor_names_one_key_as_object_and_tells_what_it_verifies() -> None:
    document = written(PERSON)
    assert document["publicKey"] == {"id": f"{WREN}#main-key", "owner": WREN, "publicKeyPem": PEM}
    assert document["endpoints"] == {"sharedInbox": f"{BASE}/ap/inbox"}
    assert document["generator"]["implements"][0]["href"] == "https://datatracker.ietf.org/doc/html/rfc9421"
    assert "attributedTo" not in document
    assert written(CIRCLE)["attributedTo"] == f"{GROUP}/moderators"


def test_a_stub_tells_nothing_about_a_person() -> None:
    stub = json.loads(writing.write_stub(PERSON))
    assert list(stub) == ["@context", "id", "type", "preferredUsername", "inbox", "outbox", "publicKey"]
    read = reading.read_actor(documents.parse(writing.write_stub(PERSON)))
    assert (read.id, read.keys, read.name, read.summary) == (WREN, PERSON.keys, "", "")


def test_a_relayed_activity_stands_in_the_announce_character_for_character() -> None:
    raw = (
        '{ "id":"https://pie.example/c/1",\n "type" :"Create", "actor":"https://pie.example/u/ada", '
        '"n":1.50,"object":"https://pie.example/p/1","\\u0078":"ü" }'
    ).encode()
    inner = reading.read_activity(documents.parse(raw))
    assert isinstance(inner, Create)
    announce = Announce(
        id=a(9),
        actor=GROUP,
        object=inner,
        embedded=raw,
        audience=Audience(to=(PUBLIC,), group=GROUP),
        published=AT,
    )
    body = writing.write_announce(announce)
    assert raw in body
    assert reading.read_activity(documents.parse(body), raw=body) == announce
    # Whatever protected terms the relayed context brings, none of ours stands around it.
    assert documents.parse(body)["@context"] == contexts.ACTIVITYSTREAMS


def test_an_activity_without_its_text_is_written_from_the_value() -> None:
    announce = Announce(id=a(9), actor=GROUP, object=Like(id=a(5), actor=IO, object=ROOT.id))
    assert written(announce)["object"]["type"] == "Like"


def test_times_are_utc_with_at_most_milliseconds() -> None:
    elsewhere = datetime(2026, 11, 20, 4, 31, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    assert written(replace(REPLY, published=elsewhere))["published"] == "2026-11-20T02:31:00.123Z"
    with pytest.raises(ValueError, match="zone"):
        writing.write(replace(REPLY, published=AT.replace(tzinfo=None)))


def test_an_observe_never_leaves() -> None:
    with pytest.raises(TypeError):
        writing.write(Observe(id=a(1), actor=IO, object=REPLY))


def test_our_own_context_passes_our_own_check() -> None:
    assert documents.parse(writing.write(BARE))["@context"]
