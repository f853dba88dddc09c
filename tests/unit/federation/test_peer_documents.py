"""Documents in the shape of each software: our own vectors, and real ones beside the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from federation import documents, groups, quirks, reading, writing
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import (
    Accept,
    Actor,
    Announce,
    Block,
    Collection,
    Create,
    Delete,
    Flag,
    Follow,
    Hashtag,
    Like,
    Lock,
    Post,
    Tombstone,
    Undo,
    Unsupported,
    Update,
)

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests" / "vectors" / "documents"
REAL = ROOT.parent / "shared" / "fixtures" / "peers"
PEM_END = "-----END PUBLIC KEY-----\n"

GROUP = "https://support.example/ap/g/qh3t9zr5k1v7x2m4n8p6s0w9y3"
OURS = "https://support.example/ap/o/j5n8q1s4u7w0y3a6c9e2g5i8k1"

UNDERSTOOD: dict[str, tuple[type, dict[str, Any]]] = {
    "friendica/create_note": (Create, {"object.source": None, "object.language": "de", "object.warning": ""}),
    "friendica/dislike": (Unsupported, {"type": "Dislike"}),
    "friendica/forum": (Actor, {"kind": "Group", "moderators": None}),
    "gotosocial/create_note": (
        Create,
        {
            "object.attachments.0.alt": "A cup on a sill",
            "object.language": "en-gb",
            "object.mentions.0.href": GROUP,
        },
    ),
    "gotosocial/like_request": (Unsupported, {"why": "not_handled"}),
    "gotosocial/person": (
        Actor,
        {"shared_inbox": None, "keys.0.id": "https://gts.example/users/gus/main-key"},
    ),
    "lemmy/accept": (Accept, {"object.id": "https://support.example/ap/a/f0"}),
    "lemmy/add_moderator": (Unsupported, {"type": "Add"}),
    "lemmy/announce_create_page": (
        Announce,
        {
            "object.object.title": "What helped you last winter?",
            "object.object.source": "I would like to collect *small* things.",
        },
    ),
    "lemmy/announce_dislike": (Unsupported, {"why": "inner_not_handled"}),
    "lemmy/announce_like": (Announce, {"object.object": "https://lemmy.example/post/31"}),
    "lemmy/announce_page": (Announce, {"object": "https://lemmy.example/post/31", "embedded": None}),
    "lemmy/announce_removal": (Announce, {"object.reason": "rule 2"}),
    "lemmy/announce_undo_like": (Announce, {"object.object.actor": "https://lemmy.example/u/sol"}),
    "lemmy/create_comment": (
        Create,
        {"object.in_reply_to": OURS, "object.language": None, "audience.group": GROUP},
    ),
    "lemmy/flag": (Flag, {"objects": (OURS,), "content": "This worries me"}),
    "lemmy/follow": (Follow, {"object": GROUP, "verb": "Follow"}),
    "lemmy/group": (Actor, {"moderators": "https://lemmy.example/c/quiet/moderators", "language": "en"}),
    "lemmy/instance": (Actor, {"kind": "Application", "id": "https://lemmy.example/"}),
    "lemmy/moderators": (Collection, {"total": None, "items.1": "https://lemmy.example/u/sol"}),
    "lemmy/private_message": (Create, {"object.kind": "Note", "object.audience.is_public": False}),
    "mastodon/announce": (Announce, {"object": OURS, "embedded": None}),
    "mastodon/block": (Block, {"target": None, "ends": None}),
    "mastodon/create_note": (
        Create,
        {"object.title": "", "object.language": "en", "object.audience.is_public": True},
    ),
    "mastodon/create_note_with_warning": (
        Create,
        {
            "object.warning": "insomnia",
            "object.sensitive": True,
            "object.hashtags.0.name": "sleep",
            "object.attachments.0.width": 1500,
        },
    ),
    "mastodon/create_reply_followers_only": (
        Create,
        {"object.audience.is_public": False, "object.in_reply_to": OURS},
    ),
    "mastodon/create_vote": (Unsupported, {"type": "Create", "why": "vote"}),
    "mastodon/delete_note": (
        Delete,
        {"object": "https://masto.example/users/io/statuses/101", "reason": None},
    ),
    "mastodon/delete_person": (Delete, {"object": "https://masto.example/users/io"}),
    "mastodon/flag": (Flag, {"objects.1": OURS, "content": "Please look at this"}),
    "mastodon/follow": (Follow, {"object": GROUP, "audience.to": ()}),
    "mastodon/like": (Like, {"object": OURS}),
    "mastodon/move": (Unsupported, {"type": "Move"}),
    "mastodon/person": (
        Actor,
        {"webfinger": "io@masto.example", "approves_followers": True, "discoverable": False},
    ),
    "mastodon/question": (Post, {"kind": "Question", "choices.0.votes": 3, "ends.day": 21}),
    "mastodon/replies": (Collection, {"items.0": "https://masto.example/users/io/statuses/106"}),
    "mastodon/undo_announce": (Undo, {"object.object": OURS}),
    "mastodon/undo_follow": (Undo, {"object.object": GROUP}),
    "mastodon/update_note": (
        Update,
        {"object.content": "<p>Awake again, third night.</p>", "object.updated.minute": 33},
    ),
    "mbin/accept": (Accept, {"object.object": "https://mbin.example/m/evenings"}),
    "mbin/announce_create_note": (
        Announce,
        {"object.object.kind": "Note", "object.object.url": "https://mbin.example/m/evenings/p/12/-"},
    ),
    "mbin/flag": (Flag, {"content": "unkind", "audience.group": GROUP}),
    "mbin/group": (Actor, {"shared_inbox": "https://mbin.example/f/inbox", "indexable": True}),
    "mbin/lock": (Lock, {"reason": ""}),
    "misskey/create_note": (Create, {"object.warning": "food", "object.source": None}),
    "misskey/like_with_reaction": (Like, {"object": OURS}),
    "misskey/person": (Actor, {"shared_inbox": "https://misskey.example/inbox", "name": ""}),
    "mobilizon/create_event": (Unsupported, {"type": "Create", "why": "unknown_type"}),
    "mobilizon/group": (Actor, {"approves_followers": True}),
    "mobilizon/invite": (Unsupported, {"type": "Invite"}),
    "mobilizon/join": (Follow, {"verb": "Join", "object": GROUP}),
    "mobilizon/leave": (Undo, {"object.verb": "Join", "object.object": GROUP}),
    "nodebb/announce_create": (Announce, {"object.object.kind": "Article", "audience.is_public": True}),
    "nodebb/article": (
        Post,
        {"title": "Talking about winter", "warning": "", "context": "https://nodebb.example/topic/30"},
    ),
    "nodebb/category": (Actor, {"followers": None, "keys.0.id": "https://nodebb.example/category/4#key"}),
    "nodebb/reply": (Post, {"title": "", "in_reply_to": "https://nodebb.example/post/91"}),
    "peertube/announce_video": (Announce, {"object": "https://peertube.example/videos/watch/v1"}),
    "peertube/channel": (
        Actor,
        {"url": "https://peertube.example/c/still", "moderators": None, "posting_restricted": True},
    ),
    "peertube/comment": (
        Post,
        {
            "content": "<p>A lovely *walk* &amp; talk<br>&lt;b&gt;not bold&lt;/b&gt;</p>",
            "source": "A lovely *walk* & talk\n<b>not bold</b>",
        },
    ),
    "peertube/create_video": (Unsupported, {"type": "Create", "why": "unknown_type"}),
    "piefed/announce_id": (Announce, {"object": "https://pie.example/post/5"}),
    "piefed/announce_update": (
        Announce,
        {"object.object.title": "New here", "object.object.updated.hour": 3},
    ),
    "piefed/create_page": (Create, {"object.title": "New here", "object.attachments.0.alt": "A garden"}),
    "piefed/group": (
        Actor,
        {"moderators": "https://pie.example/c/calm/moderators", "posting_restricted": True},
    ),
    "pleroma/chat_message": (Create, {"object.kind": "Note", "object.audience.is_public": False}),
    "pleroma/create_note": (
        Create,
        {"object.hashtags": (Hashtag("tea", Uri("https://pleroma.example/tag/tea")),), "object.source": None},
    ),
    "pleroma/emoji_react": (Like, {"object": OURS}),
    "pleroma/old_note": (
        Post,
        {"attributed_to": "https://pleroma.example/users/rho", "audience.is_public": True},
    ),
    "wordpress/blog": (
        Actor,
        {"kind": "Group", "url": "https://wp.example/", "id": "https://wp.example/?author=0"},
    ),
    "wordpress/create_article": (Create, {"object.title": "Five quiet places", "object.warning": ""}),
}


def reach(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return value


def vectors() -> list[str]:
    return sorted(str(path.relative_to(VECTORS).with_suffix("")) for path in VECTORS.rglob("*.json"))


def real_documents() -> list[Any]:
    found = sorted(REAL.rglob("*.json"))
    if not found:
        reason = f"NO REAL DOCUMENTS: {REAL} is not there, only our own vectors are tested"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="missing")]
    return [pytest.param(path, id=str(path.relative_to(REAL))) for path in found]


def test_every_vector_has_its_expectation_and_every_software_its_vectors() -> None:
    assert vectors() == sorted(UNDERSTOOD)
    assert {name.split("/")[0] for name in vectors()} == {
        *("mastodon", "lemmy", "piefed", "mbin", "nodebb", "friendica"),
        *("peertube", "gotosocial", "misskey", "pleroma", "wordpress", "mobilizon"),
    }


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
def test_a_document_in_the_shape_of_a_software_is_understood(name: str) -> None:
    body = (VECTORS / f"{name}.json").read_bytes()
    kind, expected = UNDERSTOOD[name]
    value = reading.read(documents.parse(body))
    assert type(value) is kind
    assert {path: reach(value, path) for path in expected} == expected
    if isinstance(value, Actor):
        assert value.keys[0].pem.endswith(PEM_END)
        assert "\r" not in value.keys[0].pem


@pytest.mark.parametrize("name", [name for name in sorted(UNDERSTOOD) if "announce" in name])
def test_a_relay_of_a_peer_is_unwrapped_with_its_exact_text(name: str) -> None:
    body = (VECTORS / f"{name}.json").read_bytes()
    value = reading.read_activity(documents.parse(body), raw=body)
    if isinstance(value, Announce) and value.embedded is not None:
        assert not isinstance(value.object, str)
        assert value.embedded in body
        assert groups.may_relay(value.object)
        assert reading.read(documents.parse(value.embedded)) == value.object


@pytest.mark.parametrize("path", real_documents())
def test_a_real_document_is_read_and_written_byte_for_byte_alike(path: Path) -> None:
    body = path.read_bytes()
    try:
        value = reading.read(documents.parse(body))
    except Malformed as refusal:
        pytest.fail(f"{path}: {refusal}")
    assert isinstance(
        value,
        Accept
        | Actor
        | Announce
        | Block
        | Collection
        | Create
        | Delete
        | Flag
        | Follow
        | Like
        | Lock
        | Post
        | Tombstone
        | Undo
        | Update
        | Unsupported,
    )
    if isinstance(value, Unsupported):
        assert value.why in {"not_handled", "object_type", "unknown_type"}
        return
    written = writing.write(value)
    again = reading.read(documents.parse(written))
    assert type(again) is type(value)
    assert not isinstance(again, Unsupported)
    assert writing.write(again) == written


def test_the_real_documents_need_few_refusals() -> None:
    bodies = [parameters.values[0] for parameters in real_documents() if parameters.values[0] is not None]
    ignored = [
        path for path in bodies if isinstance(reading.read(documents.parse(path.read_bytes())), Unsupported)
    ]
    assert len(ignored) <= len(bodies) // 4


def test_mending_a_real_document_twice_changes_nothing() -> None:
    for name in vectors():
        document = documents.parse((VECTORS / f"{name}.json").read_bytes())
        assert quirks.mend(quirks.mend(document)) == quirks.mend(document)
