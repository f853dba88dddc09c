"""Posts, their replies and reactions, threads, and activities: for servers that sign.

What is not public answers like what never was, to everybody. What is gone answers 410 with a tombstone. Who
fetches a post is put on record first, so that its deletion reaches them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from starlette.types import Receive, Scope

from federation import collections, vocab, writing
from federation.uris import Uri
from fediverse_support.actions.exchange import ledger
from fediverse_support.deps import Deps
from fediverse_support.domain import documents
from fediverse_support.domain.documents import PostRow
from fediverse_support.reads import federation as reads
from fediverse_support.web import negotiation
from fediverse_support.web.federation import answers, asking
from fediverse_support.web.federation.answers import Answer
from fediverse_support.web.federation.asking import Asked

MAX_CURSOR: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Objects:
    """Handlers for everything under `/ap/o`, `/ap/c` and `/ap/a`."""

    deps: Deps

    def left_by(self, asked: Asked) -> datetime:
        """Posts published after this moment may still be taken back by their authors."""
        return self.deps.db.now() - asked.house.undo_for

    async def post(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with a post."""
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        found = await self._find(asked, asked.uri)
        if found is None:
            return None
        if found.row is None:
            return _tombstone(asked.uri, found.kind, found.gone_at)
        post = documents.post_document(found.row, self.deps.instance)
        if asked.claim is None and not asking.is_signed(scope) and negotiation.prefers_page(scope):
            return None if post.url is None else answers.moved(post.url)
        if refused := await asking.admit(self.deps, asked, found.severity):
            return refused
        if asked.host is not None and not found.is_copied:
            await ledger.note_fetch(self.deps.db, found.id, asked.host)
        return answers.document(writing.write(post))

    async def replies(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with the ids of the public replies to a post."""
        return await self._of_post(scope, "replies")

    async def likes(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with how many like a post, and nothing about who."""
        return await self._of_post(scope, "likes")

    async def shares(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with how many passed a post on, and nothing about who."""
        return await self._of_post(scope, "shares")

    async def context(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with the ids of a thread's public posts, oldest first (FEP-7888, FEP-f228)."""
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        root_uri = self.deps.instance.post_uri(scope["path_params"]["token"])
        found = await self._find(asked, root_uri)
        if found is None:
            return None
        if found.row is None:
            return _tombstone(asked.uri, "OrderedCollection", found.gone_at)
        if refused := await asking.admit(self.deps, asked, found.severity):
            return refused
        after = _cursor(scope)
        async with self.deps.db.connection() as conn:
            listing = await reads.list_context(conn, found.id, after or 0, self.left_by(asked))
        owner = found.row.group.uri if found.row.group is not None else found.row.author_uri
        return _paged(asked.uri, listing, after, owner)

    async def activity(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with a public activity in the words it was sent in."""
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        async with self.deps.db.connection() as conn:
            found = await reads.find_activity(conn, asked.uri, asked.host, self.left_by(asked))
        if found is None:
            return None
        if found.document is None:
            return _tombstone(asked.uri, found.verb, None)
        if refused := await asking.admit(self.deps, asked, found.severity):
            return refused
        return answers.document(found.document.encode())

    async def _find(self, asked: Asked, uri: Uri) -> reads.FoundPost | None:
        async with self.deps.db.connection() as conn:
            return await reads.find_post(conn, uri, asked.host, self.left_by(asked))

    async def _of_post(self, scope: Scope, what: str) -> Answer | None:
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        found = await self._find(asked, asked.parent_uri)
        if found is None:
            return None
        if found.row is None:
            return _tombstone(asked.uri, "Collection", found.gone_at)
        if refused := await asking.admit(self.deps, asked, found.severity):
            return refused
        return await self._build(asked, found.row, what)

    async def _build(self, asked: Asked, post: PostRow, what: str) -> Answer:
        after = _cursor(asked.scope)
        async with self.deps.db.connection() as conn:
            if what == "replies":
                listing = await reads.list_replies(conn, post, after or 0, self.left_by(asked))
                return _paged(asked.uri, listing, after, None)
            count = await reads.count_reactions(conn, post.id, cast(reads.Reaction, what))
        return answers.document(collections.count(asked.uri, count))


def _tombstone(uri: Uri, former_type: str, gone_at: datetime | None) -> Answer:
    gone = vocab.Tombstone(id=uri, former_type=former_type, deleted=gone_at)
    return answers.document(writing.write(gone), status=410)


def _cursor(scope: Scope) -> int | None:
    """Return after which row a page starts; None where the collection itself is asked for."""
    query: bytes = scope["query_string"]
    name, _, text = query[:40].decode("latin-1").partition("=")
    is_cursor = name == "after" and text.isascii() and text.isdigit() and len(text) < 20
    return min(int(text), MAX_CURSOR) if is_cursor else None


def _paged(uri: Uri, listing: reads.Listing, after: int | None, owner: Uri | None) -> Answer:
    """Write a short list into its collection, a long one as pages."""
    if after is not None:
        following = None if listing.next_after is None else Uri(f"{uri}?after={listing.next_after}")
        return answers.document(collections.page(Uri(f"{uri}?after={after}"), uri, listing.uris, following))
    if listing.next_after is None:
        return answers.document(
            collections.ordered(uri, len(listing.uris), items=listing.uris, attributed_to=owner)
        )
    return answers.document(collections.ordered(uri, None, Uri(f"{uri}?after=0"), attributed_to=owner))
