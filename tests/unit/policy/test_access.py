"""Reading, writing and deciding, as a person at a screen meets it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest

from federation.uris import Host
from fediverse_support.domain.actors import ROLES, GroupKind, Role
from fediverse_support.domain.ids import ActorId
from fediverse_support.domain.posts import PostStanding
from fediverse_support.domain.verdicts import Rank
from fediverse_support.policy.access import (
    POWERS,
    VISITOR,
    Power,
    Readable,
    Reader,
    has_a_desk,
    has_joined,
    may,
    may_answer,
    may_edit,
    may_enter,
    may_join,
    may_moderate,
    may_read,
    may_read_messages,
    may_remove,
    may_reread,
    may_start,
    may_write,
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
    written_in="open",
)
OURS = Reader(ids=frozenset({ActorId(2)}), is_ours=True)
MEMBER = replace(OURS, is_member=True)
HIMSELF = Reader(ids=frozenset({AUTHOR}), is_ours=True, is_member=True)

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
    ("nor by whoever has an account", {"group_kind": "circle", "written_in": "circle"}, OURS, False),
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
STANDINGS: tuple[PostStanding, ...] = ("visible", "limited", "held", "removed", "deleted")


def test_who_may_write_is_what_decide_says() -> None:
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
        answer = may_write(where, parent, account_standing=account)
        assert answer is (decide(given).rank <= Rank.HOLD), (where, parent, account)
        answers.add(answer)
    assert answers == {True, False}


KINDS: tuple[GroupKind | None, ...] = (None, "home", "home-open", "circle", "open")


def test_who_may_decide() -> None:
    for kind in KINDS:
        assert may_moderate(kind, is_moderator=True, roles=())
        assert not may_moderate(kind, is_moderator=False, roles=())
        for role in ROLES:
            # Our team decides where it reads; a home or circle is its members' and its moderators' own.
            assert may_moderate(kind, is_moderator=False, roles=[role]) is (kind not in ("home", "circle"))


def test_our_team_reads_messages_to_a_group_only_where_nobody_here_moderates_it() -> None:
    for here in YES_NO:
        assert may_read_messages(is_moderator=True, has_moderator_here=here, roles=())
        assert not may_read_messages(is_moderator=False, has_moderator_here=here, roles=())
        for role in ROLES:
            answer = may_read_messages(is_moderator=False, has_moderator_here=here, roles=[role])
            assert answer is not here


POWERS_OF: list[tuple[tuple[Role, ...], str]] = [
    ((), ""),
    (("moderator",), "admit moderate read-messages rule"),
    (("deputy",), "admit moderate read-messages rule"),
    (("safety-lead",), "admit link-names moderate read-messages rule"),
    (("admin",), "administer admit moderate read-messages rule"),
    (("admin", "safety-lead"), "administer admit link-names moderate read-messages rule"),
]


@pytest.mark.parametrize("roles, powers", POWERS_OF, ids=[" ".join(line[0]) for line in POWERS_OF])
def test_what_a_role_gives(roles: tuple[Role, ...], powers: str) -> None:
    assert sorted(power for power in get_args(Power) if may(roles, power)) == powers.split()


def test_nobody_but_the_safety_lead_learns_which_names_are_one_persons() -> None:
    assert [role for role in ROLES if may([role], "link-names")] == ["safety-lead"]


def test_every_role_is_in_the_table_and_a_moderator_of_a_group_has_no_say_elsewhere() -> None:
    assert POWERS.keys() == {*ROLES, "group-moderator"}
    assert POWERS["group-moderator"] == {"moderate", "read-messages"}


def test_who_may_start_takes_part_and_may_write() -> None:
    for kind, approval, restricted, member, moderator, banned in itertools.product(KINDS[1:], *[YES_NO] * 5):
        where = group(
            kind=kind, approval=approval, posting_restricted=restricted, is_member=member,
            is_moderator=moderator, is_banned=banned,
        )  # fmt: skip
        assert may_start(where) is (has_joined(where) and may_write(where)), where
        assert may_answer(where, post()) is (has_joined(where) and may_write(where, post())), where
        # In a group elsewhere it is decided there, but nobody is offered what would come to nothing.
        away = replace(where, host=Host("pie.example"))
        assert may_start(away) is (has_joined(away) and (moderator or not restricted))


def test_nobody_answers_in_a_conversation_that_is_not_shown_to_others() -> None:
    member = group(is_member=True)
    answers = [may_answer(member, post(standing=standing)) for standing in STANDINGS]
    assert dict(zip(STANDINGS, answers, strict=True)) == {
        "visible": True, "limited": True, "held": False, "removed": False, "deleted": False,
    }  # fmt: skip
    assert not may_answer(member, post(is_locked=True)) and not may_answer(None, post(is_locked=True))
    assert may_answer(group(is_moderator=True), post(is_locked=True))


def test_who_may_join() -> None:
    for member, banned, waiting, knows in itertools.product(YES_NO, repeat=4):
        where = group(is_member=member, is_banned=banned)
        answer = may_join(where, is_waiting=waiting, knows_it=knows)
        assert answer is (knows and not (member or banned or waiting))


def test_who_may_change_and_take_back_what() -> None:
    for standing, author, banned in itertools.product(STANDINGS, YES_NO, YES_NO):
        written, where = post(standing=standing), group(is_banned=banned)
        is_there = standing not in ("removed", "deleted")
        assert may_edit(where, written, is_author=author) is (author and is_there and not banned)
        assert may_edit(None, written, is_author=author) is (author and is_there)
        # Whatever was decided about them or their post, their words are theirs to take back.
        assert may_remove(written, is_author=author) is (author and standing != "deleted")


def test_who_finds_the_pages_of_what_waits() -> None:
    assert not has_a_desk(moderates=False, roles=())
    assert has_a_desk(moderates=True, roles=())
    assert all(has_a_desk(moderates=False, roles=[role]) for role in ROLES)
