"""What a group passes on, and in which dress."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from federation import documents, groups, reading, writing
from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Accept,
    Activity,
    Actor,
    ActorKind,
    Announce,
    Audience,
    Create,
    Delete,
    Flag,
    Follow,
    Like,
    Reject,
    Undo,
    Update,
)

IO = Uri("https://masto.example/users/io")
GROUP = Uri("https://support.example/ap/g/sleepless")
MEMBERS = Uri(f"{GROUP}/followers")
POST = Uri("https://masto.example/notes/1")
ID = Uri("https://masto.example/a/1")
AT = datetime(2026, 11, 20, 2, 31, tzinfo=UTC)

FOLLOW = Follow(id=ID, actor=IO, object=GROUP)
LIKE = Like(id=ID, actor=IO, object=POST)
BOOST = Announce(id=ID, actor=IO, object=POST)


def actor(kind: ActorKind) -> Actor:
    return Actor(id=IO, kind=kind, preferred_username="io", inbox=Uri(f"{IO}/inbox"))


@pytest.mark.parametrize(
    ("is_new_root", "is_public", "forms"),
    [
        (True, True, {"activity", "object"}),
        (False, True, {"activity"}),
        (True, False, {"activity"}),
        (False, False, {"activity"}),
    ],
)
def test_only_a_new_public_thread_goes_out_as_an_object(
    is_new_root: bool, is_public: bool, forms: set[str]
) -> None:
    assert groups.variants(is_new_root=is_new_root, is_public=is_public) == forms


def test_no_peer_gets_a_form_it_does_not_understand() -> None:
    both, one = (
        groups.variants(is_new_root=True, is_public=True),
        groups.variants(is_new_root=False, is_public=True),
    )
    assert groups.form_for(both, speaks_activities=True) == "activity"
    assert groups.form_for(both, speaks_activities=False) == "object"
    assert groups.form_for(one, speaks_activities=True) == "activity"
    assert groups.form_for(one, speaks_activities=False) is None


@pytest.mark.parametrize(
    ("activity", "expected"),
    [
        (Create(id=ID, actor=IO, object=POST), True),
        (Update(id=ID, actor=IO, object=POST), True),
        (Update(id=ID, actor=IO, object=actor("Group")), True),
        (Update(id=ID, actor=IO, object=actor("Person")), False),
        (Delete(id=ID, actor=IO, object=POST), True),
        (Delete(id=ID, actor=IO, object=IO, former_type="Person"), True),
        (Delete(id=ID, actor=IO, object=POST, former_type="Person"), False),
        (LIKE, True),
        (Undo(id=ID, actor=IO, object=LIKE), True),
        (Undo(id=ID, actor=IO, object=Delete(id=ID, actor=IO, object=POST)), True),
        (Undo(id=ID, actor=IO, object=FOLLOW), False),
        (Undo(id=ID, actor=IO, object=BOOST), False),
        (Undo(id=ID, actor=IO, object=ID), False),
        (FOLLOW, False),
        (Accept(id=ID, actor=IO, object=FOLLOW), False),
        (Reject(id=ID, actor=IO, object=FOLLOW), False),
        (BOOST, False),
        (Flag(id=ID, actor=IO, objects=(POST,)), False),
    ],
)
def test_memberships_reports_and_people_are_not_passed_on(activity: Activity, expected: bool) -> None:
    assert groups.may_relay(activity) is expected


def test_a_relay_wraps_the_exact_text() -> None:
    raw = b'\xef\xbb\xbf {"type":"Like", "id":"%s","actor":"%s","object":"%s","unknown":{"kept":[1.0]}}\n' % (
        ID.encode(),
        IO.encode(),
        POST.encode(),
    )
    like = reading.read_activity(documents.parse(raw), raw=raw)
    assert isinstance(like, Like)
    relay = groups.relay(GROUP, MEMBERS, Uri(f"{GROUP}/1"), raw, like, published=AT, is_public=True)
    body = writing.write_announce(relay)
    assert raw.removeprefix(b"\xef\xbb\xbf").strip() in body
    document = json.loads(body)
    assert (document["to"], document["cc"], document["audience"]) == ([PUBLIC], [MEMBERS], GROUP)
    assert reading.read_activity(documents.parse(body), raw=body) == relay


def test_a_relay_for_members_never_says_public() -> None:
    create = Create(id=ID, actor=IO, object=POST, audience=Audience(to=(GROUP,), cc=(MEMBERS,)))
    relay = groups.relay(GROUP, MEMBERS, ID, b"{}", create, published=AT)
    assert relay.audience == Audience(to=(GROUP,), cc=(MEMBERS,), group=GROUP)
    public = groups.relay(
        GROUP,
        MEMBERS,
        ID,
        b"{}",
        Create(id=ID, actor=IO, object=POST, audience=Audience(cc=(PUBLIC,))),
        published=AT,
    )
    assert public.audience.is_public


def test_what_no_group_passes_on_cannot_be_wrapped() -> None:
    with pytest.raises(ValueError, match="Follow"):
        groups.relay(GROUP, MEMBERS, ID, b"{}", FOLLOW, published=AT)


def test_a_boost_names_the_post_and_can_be_taken_back() -> None:
    boost = groups.boost(GROUP, MEMBERS, Uri(f"{GROUP}/2"), POST, IO, published=AT)
    assert boost.audience == Audience(to=(PUBLIC,), cc=(MEMBERS, IO))
    assert json.loads(writing.write_announce(boost))["object"] == POST
    undo = groups.unboost(Uri(f"{GROUP}/3"), boost)
    assert (undo.actor, undo.object, undo.audience) == (GROUP, boost, boost.audience)
    assert reading.read(documents.parse(writing.write(undo))) == undo
