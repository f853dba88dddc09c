"""Call posts by their ids, where an activity calls them by the addresses of their pages. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from federation.uris import Uri
from federation.vocab import Activity, Announce, Create, Flag, Like, Observe, Post, Undo, Update


def rename(
    activity: Activity, parent_of: Callable[[tuple[Uri, ...]], Uri | None], id_of: Callable[[Uri], Uri]
) -> Activity:
    """Return an activity that calls the posts it is about by other names, and is else the same.

    `parent_of` chooses what a post answers among all that it names. What is made, changed or deleted keeps
    its name: that is its author's.
    """
    match activity:
        case Create(object=Post() as post) | Update(object=Post() as post) | Observe(object=post):
            answered = replace(post, in_reply_to=parent_of(post.parents), other_parents=())
            return replace(activity, object=answered)
        case Like():
            return replace(activity, object=id_of(activity.object))
        case Announce(object=str() as uri):
            return replace(activity, object=id_of(Uri(uri)))
        case Undo(object=Like() | Announce() as undone):
            # What is undone stays what it was, so its kind does as well.
            inner = rename(undone, parent_of, id_of)
            return replace(activity, object=inner) if isinstance(inner, Like | Announce) else activity
        case Flag():
            return replace(activity, objects=tuple(dict.fromkeys(map(id_of, activity.objects))))
        case _:
            return activity
