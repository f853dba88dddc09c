"""What has to be here before an activity can be applied: pure, from the activity alone."""

from __future__ import annotations

from dataclasses import dataclass

from federation import uris, vocab
from federation.uris import Uri


@dataclass(frozen=True, slots=True)
class Needs:
    """`actors` must be known, `posts` are fetched if they can be had, `brings` will be known afterwards.

    `awaits` should be here for this to count, are not asked for on this actor's word, and may be coming.
    `meets` says that the actor's host will get a group's posts, so that its habits have to be known.
    """

    actors: tuple[Uri, ...] = ()
    posts: tuple[Uri, ...] = ()
    brings: tuple[Uri, ...] = ()
    awaits: tuple[Uri, ...] = ()
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
            # One without an id could not be taken back while it waits, so it does not.
            return Needs((act.actor,), awaits=() if act.id is None else (act.object,))
        case vocab.Announce(object=str() as uri):
            return Needs((act.actor,), awaits=() if act.id is None else (Uri(uri),))
        case vocab.Flag():
            return Needs((act.actor,), awaits=act.objects)
        case vocab.Lock() | vocab.Delete() if act.id is not None and decides_on_anothers(act):
            return Needs(awaits=(act.object,))
        case vocab.Block(target=None) | vocab.Create() | vocab.Update() | vocab.Announce():
            return Needs((act.actor,))
        case _:
            return Needs()


def decides_on_anothers(act: vocab.Lock | vocab.Delete) -> bool:
    """Say whether this is a moderator's word about a post of another server than their own."""
    return not uris.same_origin(act.actor, act.object)
