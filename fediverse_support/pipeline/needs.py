"""What has to be here before an activity can be applied: pure, from the activity alone."""

from __future__ import annotations

from dataclasses import dataclass

from federation import vocab
from federation.uris import Uri


@dataclass(frozen=True, slots=True)
class Needs:
    """`actors` must be known, `posts` are fetched if they can be had, `brings` will be known afterwards.

    `meets` says that the actor's host will get a group's posts, so that its habits have to be known.
    """

    actors: tuple[Uri, ...] = ()
    posts: tuple[Uri, ...] = ()
    brings: tuple[Uri, ...] = ()
    meets: bool = False


def needs(act: vocab.Activity) -> Needs:
    """Return what an activity rests on."""
    match act:
        case vocab.Create(object=vocab.Post() as post):
            parent = () if post.in_reply_to is None else (post.in_reply_to,)
            return Needs((act.actor,), parent, (post.id,))
        case vocab.Follow():
            return Needs((act.actor,), meets=True)
        case vocab.Like() | vocab.Flag() | vocab.Create() | vocab.Update() | vocab.Announce():
            return Needs((act.actor,))
        case _:
            return Needs()
