"""What an activity calls posts by: their ids, wherever it gave the address of a page.

Feed readers, editors and people who copy what stands in the browser name a post by its page. Both mean the
same; from here on only the id is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from federation import vocab
from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.instance import Instance
from fediverse_support.pipeline.needs import decides_on_anothers
from fediverse_support.store.posts import pages


def named(act: vocab.Activity) -> tuple[Uri, ...]:
    """Return the posts that an activity answers or acts on, as it calls them."""
    match act:
        case vocab.Create(object=vocab.Post() as post) | vocab.Update(object=vocab.Post() as post):
            return post.parents
        case vocab.Observe(object=post):
            return post.parents
        case vocab.Like(object=uri) | vocab.Announce(object=str() as uri):
            return (Uri(uri),)
        case vocab.Undo(object=vocab.Like() | vocab.Announce() as undone):
            return named(undone)
        case vocab.Flag(objects=flagged):
            return flagged
        case vocab.Lock() | vocab.Delete() if decides_on_anothers(act):
            return (act.object,)
        case _:
            return ()


@dataclass(slots=True)
class Names:
    """What is known about names: `ids` of posts by their pages; `unknown` are no ids of posts we have."""

    ids: dict[Uri, Uri] = field(default_factory=dict)
    unknown: set[Uri] = field(default_factory=set)

    def best(self, parents: tuple[Uri, ...]) -> Uri | None:
        """Return the id of what is answered: of several the first that we have, else the first."""
        known = (uri for uri in parents if uri not in self.unknown or uri in self.ids)
        best = next(known, parents[0] if parents else None)
        return None if best is None else self.ids.get(best, best)

    def id_of(self, uri: Uri) -> Uri:
        """Return the id of a post that is called like this."""
        return self.ids.get(uri, uri)


async def look_up(
    conn: Conn, instance: Instance, unknown: Collection[Uri], brought: Mapping[Uri, Uri]
) -> Names:
    """Find out what names mean that are no ids of posts we have; `brought` are pages of what comes now."""
    ours = {uri: row for uri in unknown if (row := instance.post_on(uri)) is not None}
    theirs = [uri for uri in unknown if not instance.is_ours(uri)]
    found = await pages.find_by_rows(conn, list(ours.values())) if ours else {}
    ids = {uri: found[row] for uri, row in ours.items() if row in found}
    ids |= await pages.find_on_pages(conn, theirs) if theirs else {}
    return Names(ids | {uri: brought[uri] for uri in unknown if uri in brought}, set(unknown))
