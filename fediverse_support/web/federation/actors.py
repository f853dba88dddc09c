"""Actor documents: people, groups, the instance actor.

Anybody may read a group and, of a person, what it takes to check a signature and to deliver; a server that
signs reads the whole person. The same bytes go to everybody who does not sign, and to everybody who proves
who they are, so both are kept for a moment. Whether a rule keeps a server out is asked every time, of the
database or of what it would tell us at once if it changed (`db.remembered`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.types import Receive, Scope, Send

from federation import vocab, writing
from federation.errors import Unreachable
from fediverse_support.deps import Deps
from fediverse_support.domain import documents
from fediverse_support.domain.documents import ActorRow, GroupRow
from fediverse_support.domain.moderation import Severity
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.reads import federation as reads
from fediverse_support.web import negotiation
from fediverse_support.web.federation import answers, asking
from fediverse_support.web.federation.answers import Answer
from fediverse_support.web.federation.asking import Asked, Edge

KEPT_SECONDS: Final = 2.0
KEPT_ANSWERS: Final = 2048
FORMER: Final = {"person": "Person", "group": "Group", "instance": "Application", "service": "Service"}


@dataclass(slots=True)
class Kept:
    """Public answers kept for `KEPT_SECONDS`, so that a crowd costs one query; bounded, oldest out first."""

    clock: Callable[[], float] = time.monotonic
    _answers: OrderedDict[bytes, tuple[float, Answer]] = field(default_factory=OrderedDict)

    def find(self, key: bytes) -> Answer | None:
        """Return what was kept under this key and is still fresh."""
        kept = self._answers.get(key)
        return None if kept is None or kept[0] < self.clock() else kept[1]

    def keep(self, key: bytes, answer: Answer) -> Answer:
        """Keep a good answer; return it as it is."""
        if answer.status == 200:
            self._answers.pop(key, None)
            self._answers[key] = (self.clock() + KEPT_SECONDS, answer)
            if len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return answer


@dataclass(frozen=True, slots=True)
class Actors:
    """The address of an actor as an ASGI application: unsigned requests from memory where possible."""

    deps: Deps
    kept: Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET."""
        if asking.is_signed(scope):
            await Edge(self._get_signed)(scope, receive, send)
            return
        if negotiation.prefers_page(scope):
            await Edge(self.get)(scope, receive, send)
            return
        found = self.kept.find(scope["raw_path"])
        if found is None:
            await Edge(self._get_kept)(scope, receive, send)
        else:
            await found.send(scope, send)

    async def _get_kept(self, scope: Scope, receive: Receive) -> Answer | None:
        found = await self.get(scope, receive)
        return None if found is None else self.kept.keep(scope["raw_path"], found)

    async def _get_signed(self, scope: Scope, receive: Receive) -> Answer | None:
        asked = await asking.read(self.deps, scope)
        if asked is None or asked.claim is None:
            return await self.get(scope, receive)
        remembered, host = self.deps.remembered, asked.host
        edition = remembered.edition
        stamp, rule = remembered.recall(asked.uri), remembered.recall((host,))
        if stamp is None or rule is None:
            async with self.deps.db.connection() as conn:
                stamp, *rule = await reads.find_stamp(conn, asked.uri, host)
        # The stamp is older than the document that is kept with it, so that a change in between is seen.
        key = scope["raw_path"] + b" " + (stamp or "").encode()
        if (found := self.kept.find(key)) is None:
            return await self.get(scope, receive, proven_key=key)
        refused = await _admit(self.deps, asked, rule[0])
        if refused is False:
            return await self.get(scope, receive)
        if isinstance(refused, Answer):
            return refused
        # Only for who is proven: nobody else can fill the memory.
        remembered.keep(asked.uri, stamp, edition)
        remembered.keep((host,), rule, edition)
        return found

    async def get(self, scope: Scope, _: Receive, *, proven_key: bytes = b"") -> Answer | None:
        """Answer with the document, the stub, a redirect to the page, or a tombstone.

        What somebody gets who proved who they are is kept under `proven_key`.
        """
        asked = await asking.read(self.deps, scope)
        if asked is None:
            return None
        async with self.deps.db.connection() as conn:
            found = await reads.find_actor(conn, asked.uri, asked.host)
        if found is None or found.row.kind == "instance":
            return None
        if found.row.standing == "deleted":
            return tombstone(found.row)
        signed = asking.is_signed(scope)
        if not signed and negotiation.prefers_page(scope):
            page = document_of(self.deps, found.row).url
            return None if page is None else answers.moved(page)
        proven = False
        if signed:
            refused = await _admit(self.deps, asked, found.severity)
            if isinstance(refused, Answer):
                return refused
            proven = refused
        answer = _document(self.deps, found.row, signed=signed, proven=proven)
        return self.kept.keep(proven_key, answer) if proven and proven_key else answer


async def _admit(deps: Deps, asked: Asked, severity: Severity | None) -> Answer | bool:
    """Return a refusal, or whether the signer is proven; a key out of reach leaves a reader unproven."""
    try:
        refused = await asking.admit(deps, asked, severity)
    except Unreachable:
        return False
    return refused or True


def _document(deps: Deps, row: ActorRow | GroupRow, *, signed: bool, proven: bool) -> Answer:
    actor = document_of(deps, row)
    is_whole = isinstance(row, GroupRow) or proven
    body = writing.write(actor) if is_whole else writing.write_stub(actor)
    return answers.document(body, cache=answers.PRIVATE if signed else answers.PUBLIC)


def document_of(deps: Deps, row: ActorRow | GroupRow) -> vocab.Actor:
    """Return an actor of ours as vocabulary; a suspended one keeps only what identifies it."""
    if row.standing == "suspended":
        row = replace(row, display_name="", summary_html=SafeHtml(""), summary_source="")
    if isinstance(row, GroupRow):
        return documents.group_document(row, deps.instance)
    return documents.actor_document(row, deps.instance)


def tombstone(row: ActorRow | GroupRow) -> Answer:
    """Answer for an actor that is no more."""
    gone = vocab.Tombstone(id=row.uri, former_type=FORMER[row.kind])
    return answers.document(writing.write(gone), status=410)


@dataclass(frozen=True, slots=True)
class InstanceActor:
    """The instance actor, under its own id and at the root: readable by everybody, whoever signs.

    Two servers that both want signed requests would otherwise ask each other for ever.
    """

    deps: Deps
    kept: Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET."""
        await Edge(self.get)(scope, receive, send)

    async def get(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with its document."""
        uri = self.deps.instance.actor_uri
        if (await self.deps.house()).federation == "off":
            return None
        if kept := self.kept.find(uri.encode()):
            return kept
        async with self.deps.db.connection() as conn:
            found = await reads.find_actor(conn, uri)
        if found is None:
            return None
        body = writing.write(document_of(self.deps, found.row))
        return self.kept.keep(uri.encode(), answers.document(body, cache=answers.PUBLIC))
