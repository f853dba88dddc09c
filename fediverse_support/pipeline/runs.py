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
    named: set[Uri] = set()
    for act in acts:
        mine = _posts(act.value)
        if (
            not found
            or not mine
            or not named
            or not named.isdisjoint(mine)
            or len(found[-1]) >= MOST_IN_A_RUN
        ):
            found.append([])
            named = set()
        found[-1].append(act)
        named |= mine
    return found


def _posts(act: Activity) -> set[Uri]:
    """Return the posts a new post names, itself among them; nothing for every other activity."""
    match act:
        case vocab.Create(object=vocab.Post() as post):
            return {post.id} if post.in_reply_to is None else {post.id, post.in_reply_to}
        case _:
            return set()
