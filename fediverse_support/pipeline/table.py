"""What we act on: one row per verb and kind of object, with the proofs it takes and the handler that does it.

A row is the whole story: `FEDERATION.md` is printed from it, and a verb without a row is refused by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from federation import vocab
from federation.authenticity import Authentic
from federation.vocab import Activity
from fediverse_support.db.pool import Tx
from fediverse_support.pipeline.handlers import groups, moderation, reactions
from fediverse_support.pipeline.handlers.people import actors, blocks, follows
from fediverse_support.pipeline.handlers.posts import create, delete, edit
from fediverse_support.pipeline.step import Change, Step

Handler = Callable[[Tx, Step, Authentic[Any]], Awaitable[Change]]
Ahead = Callable[[Tx, Sequence[tuple[Step, Authentic[Any]]]], Awaitable[list[Step]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of activity that we act on.

    `ahead` does for several at once what the handler would do first for each, and returns their steps.
    """

    verb: str
    objects: str
    proofs: frozenset[str]
    handler: Handler
    ahead: Ahead | None = None


PROVEN: Final = frozenset({"signature", "local"})

TABLE: Final = (
    Row("Create", "Post", PROVEN, create.on_create, create.store_ahead),
    Row("Observe", "Post", frozenset({"fetch"}), create.on_observe),
    Row("Update", "Post", PROVEN, edit.on_update),
    Row("Update", "Actor", PROVEN, actors.on_update),
    Row("Delete", "Post or actor", PROVEN | {"fetch", "group"}, delete.on_delete),
    Row("Follow", "Actor", PROVEN, follows.on_follow),
    Row("Accept", "Follow", PROVEN, follows.on_accept),
    Row("Reject", "Follow", PROVEN, follows.on_reject),
    Row("Undo", "Follow", PROVEN, follows.on_undo_follow),
    Row("Undo", "Like", PROVEN | {"group"}, reactions.on_undo_like),
    Row("Undo", "Announce", PROVEN, groups.on_undo_announce),
    Row("Undo", "Activity by id", PROVEN, reactions.on_undo_id),
    Row("Undo", "Delete", PROVEN | {"group"}, moderation.on_restore),
    Row("Lock", "Post", PROVEN | {"group"}, moderation.on_lock),
    Row("Undo", "Lock", PROVEN | {"group"}, moderation.on_undo_lock),
    Row("Block", "Actor, from a group", PROVEN | {"group"}, moderation.on_ban),
    Row("Undo", "Block from a group", PROVEN | {"group"}, moderation.on_undo_ban),
    Row("Block", "Person", PROVEN, blocks.on_block),
    Row("Undo", "Block", PROVEN, blocks.on_undo_block),
    Row("Like", "Post", PROVEN | {"group"}, reactions.on_like),
    Row("Announce", "Post", PROVEN, groups.on_announce),
    Row("Flag", "Actors and posts", PROVEN, moderation.on_flag),
)


def find_row(act: Activity) -> Row | None:
    """Return the row for an activity, None where nothing is done about it.

    A Create or Update whose object has to be fetched, and a relay, have no row: the worker turns them into
        an Observe
    or into the activity they carry.
    """
    key = _key(act)
    return next((row for row in TABLE if (row.verb, row.objects) == key), None)


def _key(act: Activity) -> tuple[str, str]:
    match act:
        case vocab.Create(object=vocab.Post()):
            return ("Create", "Post")
        case vocab.Update(object=vocab.Post()):
            return ("Update", "Post")
        case vocab.Update(object=vocab.Actor()):
            return ("Update", "Actor")
        case vocab.Observe():
            return ("Observe", "Post")
        case vocab.Delete():
            return ("Delete", "Post or actor")
        case vocab.Follow():
            return ("Follow", "Actor")
        case vocab.Accept():
            return ("Accept", "Follow")
        case vocab.Reject():
            return ("Reject", "Follow")
        case vocab.Undo():
            return ("Undo", _undone(act))
        case vocab.Lock():
            return ("Lock", "Post")
        case vocab.Block(target=str()):
            return ("Block", "Actor, from a group")
        case vocab.Block():
            return ("Block", "Person")
        case vocab.Like():
            return ("Like", "Post")
        case vocab.Announce(object=str()):
            return ("Announce", "Post")
        case vocab.Flag():
            return ("Flag", "Actors and posts")
        case _:
            return ("", "")


def _undone(undo: vocab.Undo) -> str:
    match undo.object:
        case vocab.Follow():
            return "Follow"
        case vocab.Like():
            return "Like"
        case vocab.Announce():
            return "Announce"
        case str():
            return "Activity by id"
        case vocab.Delete():
            return "Delete"
        case vocab.Lock():
            return "Lock"
        case vocab.Block(target=str()):
            return "Block from a group"
        case vocab.Block():
            return "Block"
        case _:
            return ""
