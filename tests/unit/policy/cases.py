"""Facts for tests of policy: a member's public post in an open group of ours, changed in one respect."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from federation.uris import Host, Uri
from fediverse_support.domain.facts import ActorFacts, Facts, GroupFacts, PostFacts
from fediverse_support.domain.ids import AccountId, ActorId, PostId

NOW: Final = datetime(2030, 5, 1, 12, tzinfo=UTC)
IO: Final = Uri("https://masto.example/users/io")
ADA: Final = Uri("https://pie.example/u/ada")
WREN: Final = Uri("https://support.example/ap/u/wren")
GROUP: Final = Uri("https://support.example/ap/g/sleepless")

REMOTE: Final = ActorFacts(
    id=ActorId(1),
    uri=IO,
    kind="person",
    host=Host("masto.example"),
    standing="visible",
    account_id=None,
    account_standing=None,
    followers_uri=None,
    approves_followers=False,
    is_followed=False,
)
LOCAL: Final = replace(
    REMOTE, id=ActorId(2), uri=WREN, host=None, account_id=AccountId(20), account_standing="active",
)  # fmt: skip
OPEN: Final = GroupFacts(
    id=ActorId(3),
    uri=GROUP,
    host=None,
    kind="open",
    approval=False,
    posting_restricted=False,
    followers_uri=None,
    is_member=True,
    is_moderator=False,
    is_banned=False,
    is_followed=True,
)
POST: Final = PostFacts(
    id=PostId(4),
    uri=Uri("https://pie.example/o/1"),
    host=Host("pie.example"),
    author_id=ActorId(5),
    author_uri=ADA,
    author_account_id=None,
    group_id=OPEN.id,
    root_id=PostId(4),
    parent_id=None,
    standing="visible",
    audience="public",
    is_locked=False,
    words_at=NOW - timedelta(hours=1),
)
MINE: Final = replace(POST, author_uri=IO, author_id=REMOTE.id)
TARGET: Final = replace(LOCAL, id=ActorId(6), uri=Uri("https://support.example/ap/u/marlow"))

USUAL: Final = Facts(
    verb="Create",
    proof="signature",
    actor_uri=IO,
    is_local=False,
    federation="open",
    newcomer_posts_held=0,
    undo_for=timedelta(minutes=10),
    sender=None,
    named=(),
    reports_rejected=False,
    actor=REMOTE,
    group=OPEN,
    parent=None,
    target=None,
    target_actor=None,
    audience="public",
    names_other_group=False,
    names_ours=False,
    tombstoned=False,
    undone=False,
    visible_posts=5,
    updated=None,
    approved=False,
    announced_by=None,
    restores=False,
)


def facts(**changed: Any) -> Facts:
    """Return the usual facts with some changed."""
    return replace(USUAL, **changed)


def group(**changed: Any) -> GroupFacts:
    """Return the usual group with something changed."""
    return replace(OPEN, **changed)


def post(**changed: Any) -> PostFacts:
    """Return Ada's post with something changed."""
    return replace(POST, **changed)


def actor(**changed: Any) -> ActorFacts:
    """Return Io, a remote person, with something changed."""
    return replace(REMOTE, **changed)


def local(**changed: Any) -> dict[str, Any]:
    """Return the changes that make Wren, one of ours, the actor."""
    return {"is_local": True, "proof": "local", "actor_uri": WREN, "actor": replace(LOCAL, **changed)}


def reply(**changed: Any) -> dict[str, Any]:
    """Return the changes that make it a reply to Ada's post."""
    return {"parent": post(**changed)}
