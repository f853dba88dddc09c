"""Reading, writing and deciding, as a person at a screen meets it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.verdicts import Rank
from fediverse_support.policy.access import (
    VISITOR,
    Readable,
    Reader,
    may_enter,
    may_moderate,
    may_post,
    may_read,
    may_reread,
)
from fediverse_support.policy.decide import decide
from tests.unit.policy.cases import facts, group, local, post

AUTHOR = ActorId(1)
PUBLIC = Readable(
    author_id=AUTHOR,
    author_standing="visible",
    rule=None,
    standing="visible",
    audience="public",
    group_kind="open",
)
OURS = Reader(id=ActorId(2), is_ours=True)
MEMBER = replace(OURS, is_member=True)
HIMSELF = Reader(id=AUTHOR, is_ours=True, is_member=True)

READING: list[tuple[str, dict[str, Any], Reader, bool]] = [
    ("a visitor reads what is public", {}, VISITOR, True),
    ("a visitor reads nothing limited", {"standing": "limited", "rule": "limit"}, VISITOR, False),
    (
        "nor of a limited author",
        {"standing": "limited", "author_standing": "limited"},
        VISITOR,
        False,
    ),
    ("a visitor reads it once the limit is lifted", {"standing": "limited"}, VISITOR, True),
    ("somebody signed in reads what is limited", {"standing": "limited"}, OURS, True),
    ("nobody reads what waits", {"standing": "held"}, MEMBER, False),
    ("the author reads what waits", {"standing": "held"}, HIMSELF, True),
    ("no list shows what was removed, not even to its author", {"standing": "removed"}, HIMSELF, False),
    ("not even the author reads what was deleted", {"standing": "deleted"}, HIMSELF, False),
    ("nobody reads a suspended server", {"rule": "suspend"}, MEMBER, False),
    ("a limited server is read", {"rule": "limit"}, VISITOR, True),
    ("nobody reads a suspended author", {"author_standing": "suspended"}, MEMBER, False),
    ("a limited author is read", {"author_standing": "limited"}, VISITOR, True),
    ("a home is read by its members", {"group_kind": "home", "audience": "group"}, MEMBER, True),
    ("a home is not read by others here", {"group_kind": "home", "audience": "group"}, OURS, False),
    ("a home is not read because a post calls itself public", {"group_kind": "home"}, OURS, False),
    ("a circle is read by its members", {"group_kind": "circle", "audience": "group"}, MEMBER, True),
    ("a circle is not read by visitors", {"group_kind": "circle", "audience": "group"}, VISITOR, False),
    (
        "a home for everybody is read by everybody here",
        {"group_kind": "home-open", "audience": "group"},
        OURS,
        True,
    ),
    (
        "a home for everybody is not read by visitors",
        {"group_kind": "home-open", "audience": "group"},
        VISITOR,
        False,
    ),
    (
        "who left a home still reads their own words there",
        {"group_kind": "home"},
        replace(HIMSELF, is_member=False),
        True,
    ),
    ("followers read", {"audience": "followers", "group_kind": None}, replace(OURS, is_follower=True), True),
    ("others do not read what is for followers", {"audience": "followers", "group_kind": None}, OURS, False),
    (
        "the named read a message",
        {"audience": "direct", "group_kind": None},
        replace(OURS, is_mentioned=True),
        True,
    ),
    ("others do not read a message", {"audience": "direct", "group_kind": None}, MEMBER, False),
    (
        "a member does not read a message below a thread",
        {"audience": "direct", "group_kind": "home"},
        MEMBER,
        False,
    ),
    ("the author reads a message", {"audience": "direct", "group_kind": None}, HIMSELF, True),
    (
        "a post for a group without a group is nobody's",
        {"audience": "group", "group_kind": None},
        OURS,
        False,
    ),
]


@pytest.mark.parametrize("_, changed, reader, answer", READING, ids=[line[0] for line in READING])
def test_who_may_read(_: str, changed: dict[str, Any], reader: Reader, answer: bool) -> None:
    assert may_read(replace(PUBLIC, **changed), reader) is answer


REREADING: list[tuple[str, dict[str, Any], Reader, bool]] = [
    ("the author keeps what was removed", {}, HIMSELF, True),
    ("also after leaving its group", {"group_kind": "home"}, replace(HIMSELF, is_member=False), True),
    ("also a message", {"audience": "direct", "group_kind": None}, HIMSELF, True),
    ("no other member does", {}, MEMBER, False),
    ("nor whom it named", {"audience": "direct"}, replace(MEMBER, is_mentioned=True), False),
    ("nor a visitor", {}, VISITOR, False),
    ("nor an author elsewhere", {}, replace(HIMSELF, is_ours=False), False),
    ("nor a suspended author", {"author_standing": "suspended"}, HIMSELF, False),
    ("nor one who is gone", {"author_standing": "deleted"}, HIMSELF, False),
    ("what the author erased is gone for the author too", {"standing": "deleted"}, HIMSELF, False),
    ("what waits is no question of this", {"standing": "held"}, HIMSELF, False),
    ("nor what everybody reads", {"standing": "visible"}, HIMSELF, False),
]


@pytest.mark.parametrize("_, changed, reader, answer", REREADING, ids=[line[0] for line in REREADING])
def test_who_keeps_their_words(_: str, changed: dict[str, Any], reader: Reader, answer: bool) -> None:
    post = replace(PUBLIC, **{"standing": "removed", **changed})
    assert may_reread(post, reader) is answer
    assert not (may_reread(post, reader) and may_read(post, reader))


def test_who_may_enter() -> None:
    assert [may_enter(kind) for kind in (None, "open", "home-open", "home", "circle")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [may_enter(kind, MEMBER) for kind in ("open", "home-open", "home", "circle")] == [True] * 4


YES_NO = (False, True)


def test_who_may_post_is_what_decide_says() -> None:
    groups: list[Any] = [None]
    groups += [
        group(
            kind=kind, host=host, approval=approval, posting_restricted=restricted, is_member=member,
            is_moderator=moderator, is_banned=banned,
        )
        for kind in ("home", "home-open", "circle", "open")
        for host in (None, "pie.example")
        for approval, restricted, member, moderator, banned in itertools.product(YES_NO, repeat=5)
    ]  # fmt: skip
    parents = [None, post(), post(is_locked=True), post(standing="removed"), post(standing="deleted")]
    answers = set()
    for where, parent, account in itertools.product(groups, parents, ("active", "pending", "suspended")):
        given = facts(
            **local(account_standing=account), group=where, parent=parent,
            audience="public" if where is None or where.kind == "open" else "group",
        )  # fmt: skip
        answer = may_post(where, account_standing=account, parent=parent)
        assert answer is (decide(given).rank <= Rank.HOLD), (where, parent, account)
        answers.add(answer)
    assert answers == {True, False}


def test_who_may_decide() -> None:
    for kind in (None, "home", "home-open", "circle", "open"):
        assert may_moderate(kind, is_moderator=True, role="member")
        assert not may_moderate(kind, is_moderator=False, role="member")
        for role in ("moderator", "admin"):
            # Staff decide where they may read; a home or circle is its members' and its moderators' own.
            assert may_moderate(kind, is_moderator=False, role=role) is (kind not in ("home", "circle"))
