"""What has to be here before an activity can be applied: pure, from the activity alone."""

from __future__ import annotations

from dataclasses import dataclass

from federation import uris, vocab
from federation.uris import Uri


@dataclass(frozen=True, slots=True)
class Needs:
    """`actors` must be known, `posts` are fetched if they can be had, `brings` will be known afterwards.

    `awaits` must be here for this to count, cannot be asked for on this actor's word, and may be on its way.
    `meets` says that the actor's host will get a group's posts, so that its habits have to be known.
    """

    actors: tuple[Uri, ...] = ()
    posts: tuple[Uri, ...] = ()
    brings: tuple[Uri, ...] = ()
    awaits: Uri | None = None
    meets: bool = False


def needs(act: vocab.Activity) -> Needs:
    """Return what an activity rests on."""
    match act:
        case vocab.Create(object=vocab.Post() as post):
            parent = () if post.in_reply_to is None else (post.in_reply_to,)
            return Needs((act.actor,), parent, (post.id,))
        case vocab.Follow():
            return Needs((act.actor,), meets=True)
        case vocab.Like():
            return Needs((act.actor,), awaits=_awaited(act))
        case vocab.Block(target=None) | vocab.Flag() | vocab.Create() | vocab.Update() | vocab.Announce():
            return Needs((act.actor,))
        case _:
            return Needs()


def _awaited(like: vocab.Like) -> Uri | None:
    """Return the post a like may be too early for: near the liker, or named to others, too.

    A like without an id could not be taken back while it waits, so it does not.
    """
    if like.id is None:
        return None
    is_near = uris.host(like.object) == uris.host(like.actor)
    return like.object if is_near or like.audience.everyone else None
