"""WebFinger, host-meta and NodeInfo: how this server and its people are found.

Open to everybody and the same for everybody. Who may not be known here gets the answer of a name that never
was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope, Send

from federation import discovery, uris
from federation.discovery import Handle, ResourceUri
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import Descriptor, Link
from fediverse_support.db.pool import Conn
from fediverse_support.deps import Deps
from fediverse_support.domain.documents import KINDS, ActorRow
from fediverse_support.domain.version import PACKAGE, VERSION
from fediverse_support.reads import federation as reads
from fediverse_support.web.federation import actors, answers
from fediverse_support.web.federation.actors import Kept
from fediverse_support.web.federation.answers import Answer
from fediverse_support.web.federation.asking import Edge

PROFILE_PAGE: Final = "http://webfinger.net/rel/profile-page"
SERVER_ACTOR: Final = "https://www.w3.org/ns/activitystreams#Service"
XRD_TYPE: Final = b"application/xrd+xml; charset=utf-8"
SELF_TYPE: Final = "application/activity+json"
MAX_QUERY: Final = 4096
MAX_FIELDS: Final = 20
CACHE: Final = b"max-age=3600"
CACHE_BRIEFLY: Final = b"max-age=60"
ANYONE: Final = ((b"access-control-allow-origin", b"*"),)
SOFTWARE: Final = "fediverse-support"


@dataclass(frozen=True, slots=True)
class WebFinger:
    """`/.well-known/webfinger` (RFC 7033)."""

    deps: Deps
    kept: Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET, from memory where it was just asked."""
        if found := self.kept.find(b"webfinger?" + scope["query_string"]):
            await found.send(scope, send)
        else:
            await Edge(self.get)(scope, receive, send)

    async def get(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with a descriptor; 400 for a bad `resource`, 404 for what is not known here."""
        query: bytes = scope["query_string"]
        try:
            resource, rels = _question(query)
        except (Malformed, ValueError):
            return answers.refusal(400, "bad_resource", extra=ANYONE)
        row = await self._find(resource)
        if row is None:
            return answers.refusal(404, "not_found", extra=ANYONE)
        is_root = isinstance(resource, ResourceUri) and resource.is_root
        body = discovery.write_descriptor(self._descriptor(row, is_root=is_root), rels)
        answer = answers.answer(
            200, body, kind=b"application/jrd+json; charset=utf-8", cache=CACHE, extra=ANYONE
        )
        return self.kept.keep(b"webfinger?" + query, answer)

    async def _find(self, resource: Handle | ResourceUri) -> ActorRow | None:
        instance = self.deps.instance
        async with self.deps.db.connection() as conn:
            if (await self.deps.house(conn)).federation == "off":
                return None
            if isinstance(resource, Handle):
                uri = await self._named(conn, resource)
            elif resource.is_root and uris.host(resource.uri) == instance.host:
                # Who asks for the server itself may not know how it is spoken with.
                uri = instance.actor_uri
            elif not instance.is_ours(resource.uri):
                uri = None
            else:
                uri = await self._addressed(conn, resource)
            found = None if uri is None else await reads.find_actor(conn, uri)
        return None if found is None or found.row.standing not in ("visible", "limited") else found.row

    async def _named(self, conn: Conn, handle: Handle) -> Uri | None:
        instance = self.deps.instance
        if handle.host != instance.host:
            return None
        if handle.name == instance.host:
            return instance.actor_uri
        kinds = ("group",) if handle.is_group else ("person", "group")
        return await reads.find_named(conn, handle.name, kinds)

    async def _addressed(self, conn: Conn, resource: ResourceUri) -> Uri | None:
        # As people and programs write a page's address: with a slash at its end, or with its signs encoded.
        path = unquote(resource.uri.removeprefix(self.deps.instance.base_url)).removesuffix("/")
        if path.startswith("/@"):
            return await reads.find_named(conn, path[2:].lower(), ("person",))
        if path.startswith("/g/"):
            return await reads.find_named(conn, path[3:].lower(), ("group",))
        return resource.uri

    def _descriptor(self, row: ActorRow, *, is_root: bool) -> Descriptor:
        page = actors.document_of(self.deps, row).url
        kind = (("https://www.w3.org/ns/activitystreams#type", KINDS[row.kind]),)
        links = [Link("self", row.uri, SELF_TYPE, properties=kind)]
        if page is not None:
            links.append(Link(PROFILE_PAGE, page, "text/html"))
        if is_root:
            # A server's own address leads to the actor that speaks for it (FEP-d556).
            links.append(Link(SERVER_ACTOR, row.uri, SELF_TYPE))
        if row.kind in ("person", "instance"):
            links += discovery.doors(f"{self.deps.instance.base_url}/authorize_interaction")
        aliases = (row.uri,) if page is None else (row.uri, page)
        return Descriptor(f"acct:{row.name}@{self.deps.instance.host}", aliases, tuple(links))


def _question(query: bytes) -> tuple[Handle | ResourceUri, list[str]]:
    """Read `resource`, given once, and every `rel`; raise ValueError or Malformed for anything else."""
    if len(query) > MAX_QUERY:
        raise ValueError("query")
    text = query.decode("ascii")
    fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    resources = [value for name, value in fields if name == "resource"]
    if len(resources) != 1:
        raise ValueError("resource")
    return discovery.parse_resource(resources[0]), [value for name, value in fields if name == "rel"]


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """`/nodeinfo/2.x`: what this server is, as the organisation has decided it."""

    deps: Deps
    version: Literal["2.0", "2.1"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one GET."""
        await Edge(self.get)(scope, receive, send)

    async def get(self, scope: Scope, _: Receive) -> Answer | None:
        """Answer with the document."""
        house = await self.deps.house()
        body = discovery.nodeinfo(
            self.version,
            software=PACKAGE,
            software_version=VERSION,
            name=house.name,
            homepage=f"{self.deps.instance.base_url}/about",
            open_registrations=house.registration == "open",
            federates=house.federation != "off",
        )
        kind = f'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/{self.version}#"'
        return answers.answer(200, body, kind=kind.encode(), cache=CACHE_BRIEFLY, extra=ANYONE)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A document that never changes while the server runs."""

    answer: Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self.answer.send(scope, send)


def about(deps: Deps) -> dict[str, Fixed | NodeInfo]:
    """Return the documents about the server itself, by path."""
    base = deps.instance.base_url
    return {
        "/.well-known/host-meta": _fixed(discovery.host_meta_xml(base), XRD_TYPE),
        "/.well-known/host-meta.json": _fixed(discovery.host_meta_json(base)),
        "/.well-known/nodeinfo": _fixed(discovery.nodeinfo_links(base, deps.instance.actor_uri)),
        "/nodeinfo/2.0": NodeInfo(deps, "2.0"),
        "/nodeinfo/2.1": NodeInfo(deps, "2.1"),
    }


def _fixed(body: bytes, kind: bytes = answers.JSON_TYPE) -> Fixed:
    return Fixed(answers.answer(200, body, kind=kind, cache=CACHE, extra=ANYONE))
