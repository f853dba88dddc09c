"""Who can read what: exact wording, beside every button that sends something.

A test holds each sentence to the letter, and another says which of them stands in which place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from federation.uris import Host
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.posts import Audience
from fediverse_support.speech import Message, _

AUDIENCE: Final[dict[GroupKind, Message]] = {
    "home": _(
        "Only members of this group, on this server, can read this. It does not go to other servers. "
        "The people who run this server can read it too. Someone could still copy it."
    ),
    "home-open": _(
        "Anyone signed in here can read this. It does not go to other servers. "
        "The people who run this server can read it too. Someone could still copy it."
    ),
    "circle": _(
        "Members of this group can read this. Some of them use other servers, so a copy goes to "
        "those servers: "
        "%(servers)s right now. The people who run those servers can read it. We can ask them to "
        "delete it later, "
        "but we cannot make them."
    ),
    "open": _(
        "Anyone can read this, now and later. Copies go to other servers and may show up in "
        "searches. We can ask "
        "for copies to be deleted, but we cannot make it happen. Do not share anything that could "
        "show who you are."
    ),
}
CIRCLE_ANYWHERE: Final = _(
    "Members of this group can read this. Some of them use other servers, so a copy goes to those servers. "
    "The people who run those servers can read it. We can ask them to delete it later, but we cannot make "
    "them."
)
CIRCLE_ELSEWHERE: Final = _(
    "Members of this group can read this. The group is on another server, so a copy goes there, and from "
    "there to the servers of its members. The people who run those servers can read it. We can ask them to "
    "delete it later, but we cannot make them."
)
FOLLOWERS: Final = _(
    "Only people who follow you, and those you name, can read this. Some of them may use other servers, so a "
    "copy goes to those servers. The people who run this server and those servers can read it. We can ask "
    "them to delete it later, but we cannot make them."
)
MESSAGE: Final = _(
    "This is a private message, but it is not locked. The people who run this server can read it. If the "
    "other person uses another server, the people who run that server can read it too."
)
REPLY_ELSEWHERE: Final = _(
    "You are replying to someone on another server. "
    "Your reply and your name in this group will be sent there."
)
GROUP_ELSEWHERE: Final = _(
    "This group is on another server. If you join, that server will learn your name in this group and that "
    "you joined. Being in a group like this can tell people something about your health. Is that OK with you?"
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who will read something, beside the button that sends it. `mark` is how the room is drawn: as a kind of
    group, or `few`; `elsewhere` is empty where nothing more is to be said."""

    mark: GroupKind | Literal["few"]
    sentence: str
    elsewhere: str


def reach(
    kind: GroupKind | None,
    audience: Audience,
    *,
    servers: int = 0,
    host: Host | None = None,
    answers_elsewhere: bool = False,
) -> Reach:
    """Say who will read what has this audience in a group of this kind, None for outside of groups.

    `servers` is how many others get copies of a circle; `host` is where the group is, None for here;
    `answers_elsewhere` says that it answers somebody on another server.
    """
    if audience == "direct":
        return Reach("few", MESSAGE, "")
    elsewhere = REPLY_ELSEWHERE if answers_elsewhere else ""
    if audience == "followers":
        return Reach("few", FOLLOWERS, elsewhere)
    if audience != "group":
        return Reach("open", AUDIENCE["open"], elsewhere)
    if kind is None or host is not None:
        # Also where the group is not there any more: it may have been elsewhere.
        return Reach("circle", CIRCLE_ELSEWHERE, elsewhere)
    # What stays here is sent to nobody, whomever it answers.
    return Reach(kind, _(AUDIENCE[kind].words, servers=servers) if kind == "circle" else AUDIENCE[kind], "")
