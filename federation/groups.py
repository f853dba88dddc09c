"""Groups: which activities a group passes on, and in which dress (FEP-1b12).

A group distributes twice: software with groups unwraps an announced *activity*, other software only
understands an announced *object* and fetches it. The two never share an id, and no peer gets both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from federation.uris import Uri
from federation.vocab import (
    PUBLIC,
    Activity,
    Actor,
    Announce,
    Audience,
    Block,
    Create,
    Delete,
    Like,
    Lock,
    Undo,
    Update,
)

Form = Literal["activity", "object"]
PEOPLE: Final = frozenset({"Person", "Group", "Application", "Service", "Organization"})
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def variants(*, is_new_root: bool, is_public: bool) -> frozenset[Form]:
    """Return the forms of Announce that an activity needs.

    Everything a group passes on goes out as an activity. A new public thread also goes out as an object;
    replies, edits and anything for members only never do: a bare id would tell strangers that it exists.
    """
    return frozenset({"activity", "object"}) if is_new_root and is_public else frozenset({"activity"})


def form_for(forms: frozenset[Form], *, speaks_activities: bool) -> Form | None:
    """Return the one form that a peer gets, None if there is none for it; see `quirks.speaks_activities`."""
    form: Form = "activity" if speaks_activities else "object"
    return form if form in forms else None


def may_relay(activity: Activity) -> bool:
    """Say whether a group may pass an activity on, and whether we unwrap it from a group's Announce.

    Memberships, reports and announces never travel inside an Announce, nor does anything about a person,
    except somebody's own farewell and that the group shuts somebody out.
    """
    match activity:
        case Create() | Like():
            return True
        case Update(object=Actor(kind=kind)):
            return kind == "Group"
        case Update():
            return True
        case Delete(former_type=former):
            return former not in PEOPLE or activity.object == activity.actor
        case Undo(object=Like() | Delete()) | Lock() | Undo(object=Lock()):
            return True
        case Block(target=target) | Undo(object=Block(target=target)):
            return target is not None
        case _:
            # An Undo that only names an id could take back anything, a membership too.
            return False


def is_moderation(activity: Activity) -> bool:
    """Say whether moderators do this, so that one of them may take back what another did."""
    match activity:
        case Delete() | Lock():
            return True
        case Block(target=target):
            return target is not None
        case _:
            return False


def relay(
    group: Uri,
    followers: Uri,
    announce_id: Uri,
    raw: bytes,
    activity: Activity,
    *,
    published: datetime | None = None,
    is_public: bool | None = None,
) -> Announce:
    """Wrap an activity, with its exact text `raw`, in the group's Announce for peers that know groups.

    `is_public` says how the group stands; None takes it from the activity's own addresses (a vote often has
    none). Raises `ValueError` for an activity that no group passes on.
    """
    if not may_relay(activity):
        raise ValueError(f"a group does not relay {type(activity).__name__}")
    public = activity.audience.is_public if is_public is None else is_public
    return Announce(
        id=announce_id,
        actor=group,
        object=activity,
        embedded=raw.removeprefix(BYTE_ORDER_MARK).strip(),
        audience=Audience(to=(PUBLIC,) if public else (group,), cc=(followers,), group=group),
        published=published,
    )


def boost(
    group: Uri,
    followers: Uri,
    announce_id: Uri,
    post_id: Uri,
    author: Uri,
    *,
    published: datetime | None = None,
) -> Announce:
    """Announce a public post by its id alone, for peers that do not know groups."""
    return Announce(
        id=announce_id,
        actor=group,
        object=post_id,
        audience=Audience(to=(PUBLIC,), cc=(followers, author)),
        published=published,
    )


def unboost(undo_id: Uri, announce: Announce) -> Undo:
    """Take an Announce back, towards the same people."""
    return Undo(id=undo_id, actor=announce.actor, object=announce, audience=announce.audience)
