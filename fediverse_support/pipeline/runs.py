"""Which activities of a batch may be judged on facts that were loaded for all of them together: pure.

Facts are loaded together for new posts that have nothing to do with each other: none of them is another, or
answers another, and nothing but a new post stands between them. Everything else is loaded when its turn has
come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from federation import vocab
from federation.authenticity import Authentic
from federation.uris import Uri
from federation.vocab import Activity

MOST_IN_A_RUN: Final = 100


def runs(acts: Iterable[Authentic[Activity]]) -> list[list[Authentic[Activity]]]:
    """Split activities, in their order, into runs whose facts may be loaded together."""
    found: list[list[Authentic[Activity]]] = []
    new: set[Uri] = set()
    answered: set[Uri] = set()
    for act in acts:
        post = _new_post(act.value)
        is_at_an_end = not new or len(found[-1]) >= MOST_IN_A_RUN
        if is_at_an_end or post is None or _is_tied(post, new, answered):
            found.append([])
            new, answered = set(), set()
        found[-1].append(act)
        if post is not None:
            new.add(post.id)
            if post.in_reply_to is not None:
                answered.add(post.in_reply_to)
    return found


def _is_tied(post: vocab.Post, new: set[Uri], answered: set[Uri]) -> bool:
    return post.id in new or post.id in answered or post.in_reply_to in new


def _new_post(act: Activity) -> vocab.Post | None:
    match act:
        case vocab.Create(object=vocab.Post() as post):
            return post
        case _:
            return None
