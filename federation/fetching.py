"""Asking other servers: signed GETs of documents, WebFinger, NodeInfo.

A document counts only where its own id led to it. Nothing is retried here, nothing is cached, and nothing
is fetched that a document merely mentions. Sources: FEP-fe34, RFC 7033, NodeInfo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urljoin

from federation import discovery, documents, signatures, signatures_rfc9421, uris
from federation.authenticity import Fetched as Fetched
from federation.authenticity import Scheme as Scheme
from federation.discovery import Handle
from federation.errors import FederationError, Gone, Malformed, Unauthentic, Unreachable
from federation.http import Reply, Transport
from federation.keys import Signer as Signer
from federation.uris import Host, Uri
from federation.vocab import Descriptor

ACTIVITY_JSON: Final = "application/activity+json"
LD_JSON: Final = "application/ld+json"
PROFILE: Final = "https://www.w3.org/ns/activitystreams"
ACCEPT: Final = f'{LD_JSON}; profile="{PROFILE}", {ACTIVITY_JSON};q=0.9'
ACCEPT_DESCRIPTOR: Final = "application/jrd+json, application/json;q=0.9"
TYPE_PROPERTY: Final = f"{PROFILE}#type"
MAX_BYTES: Final = documents.MAX_BYTES
MAX_SMALL: Final = 64 * 1024
SECONDS: Final = 10.0
SMALL_SECONDS: Final = 5.0
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
MAX_HOPS: Final = 3


async def fetch(
    transport: Transport,
    uri: Uri,
    *,
    signer: Signer,
    now: datetime,
    allow_http: bool,
    scheme: Scheme = "cavage",
    seconds: float = SECONDS,
    admit: Callable[[Uri], Awaitable[None]] | None = None,
) -> Fetched:
    """Fetch one ActivityStreams document, signed by `signer`, in at most `seconds` and 1 MiB.

    One redirect within the origin is followed. Where the document's id is not the address it was found at,
    that id is fetched once more and has to serve itself; if it is of another origin, `admit` is asked first
    and may raise. `scheme` is tried first, the other one after a 401; the answer says which one worked.

    Raises `Gone` for 404 and 410; `Unauthentic`: `refused` for 401 and 403, `origin_mismatch` for a
    redirect to another origin and an id that does not serve itself; `Malformed`: `bad_uri`, `media_type`,
    `id_missing`, `status`, and those of parsing; `Unreachable` for 429, 5xx and everything the transport
    reports.
    """
    getter = _Getter(transport, signer, now, allow_http, scheme, seconds)
    try:
        async with asyncio.timeout(seconds):
            found, document_id = await getter.get(uris.without_fragment(uri))
            if document_id == found.uri:
                return found
            if admit is not None and not uris.same_origin(uri, document_id):
                await admit(document_id)
            found, document_id = await getter.get(uris.without_fragment(document_id))
    except TimeoutError as error:
        raise Unreachable("timeout") from error
    if document_id != found.uri:
        raise Unauthentic("origin_mismatch", "the id does not serve itself")
    return found


@dataclass(slots=True)
class _Getter:
    """One errand: the settings shared by its requests. `scheme` is the one that worked last."""

    transport: Transport
    signer: Signer
    now: datetime
    allow_http: bool
    scheme: Scheme
    seconds: float

    async def get(self, uri: Uri) -> tuple[Fetched, Uri]:
        """Return the document at an address, after at most one redirect, and the id it gives itself."""
        reply = await self._knock(uri)
        if reply.status in REDIRECTS:
            target = uris.without_fragment(_target(reply, uri))
            if not uris.same_origin(target, uri):
                raise Unauthentic("origin_mismatch", "redirect to another origin")
            uri = target
            reply = await self._knock(uri)
        _require_ok(reply)
        if not is_activity_media_type(reply.headers.get("content-type", "")):
            raise Malformed("media_type")
        document = documents.parse(reply.body, limit=MAX_BYTES)
        document_id = documents.id_of(document)
        if document_id is None:
            raise Malformed("id_missing")
        # A key document may be a part of the page it stands on: `…/actor#main-key` is served by `…/actor`.
        address = document_id if uris.without_fragment(document_id) == uri else uri
        return Fetched(address, document, reply.body, self.scheme), document_id

    async def _knock(self, uri: Uri) -> Reply:
        reply = await self._send(uri)
        if reply.status == 401:
            self.scheme = "rfc9421" if self.scheme == "cavage" else "cavage"
            reply = await self._send(uri)
        return reply

    async def _send(self, uri: Uri) -> Reply:
        _require_scheme(uri, self.allow_http)
        sign = signatures.sign if self.scheme == "cavage" else signatures_rfc9421.sign
        headers = sign(
            "GET",
            uri,
            {"Accept": ACCEPT},
            b"",
            key_id=self.signer.key_id,
            private=self.signer.private,
            now=self.now,
        )
        return await self.transport.send("GET", uri, headers, limit=MAX_BYTES, seconds=self.seconds)


async def webfinger(
    transport: Transport, name: str, host: str, *, allow_http: bool, kind: str | None = None
) -> Uri:
    """Return the actor id that `host` gives for `name`, preferring a link of the ActivityStreams type `kind`.

    The caller still has to ask the actor's own host the other way round before it shows the handle. Raises
    `Gone` where there is no such actor, `Malformed` for an answer without a usable link, `Unreachable`.
    """
    descriptor = await _finger(transport, f"acct:{name}@{host}", host, allow_http=allow_http)
    found: list[Uri] = []
    for link in descriptor.links:
        if link.rel != "self" or link.href is None or not is_activity_media_type(link.type or ""):
            continue
        if kind is not None and (TYPE_PROPERTY, kind) in link.properties:
            return link.href
        found.append(link.href)
    if not found:
        raise Malformed("no_self_link")
    return found[0]


async def subject(transport: Transport, name: str, host: str, *, allow_http: bool) -> Handle | None:
    """Return the handle by which `host` itself calls whom it has as `name`; None where it says none.

    Its domain has to confirm it, as with `webfinger`. Raises what that raises.
    """
    descriptor = await _finger(transport, f"acct:{name}@{host}", host, allow_http=allow_http)
    found = discovery.parse_resource(descriptor.subject)
    return found if isinstance(found, Handle) else None


async def door(
    transport: Transport, host: Host, about: Uri, *, name: str | None = None, allow_http: bool
) -> Uri:
    """Return where somebody with an account at `host` follows `about`, as `discovery.door` does.

    It is asked of the server itself, or of one of its people, called `name` there. Raises what `webfinger`
    does, and `Malformed` for what is no such place.
    """
    resource = f"https://{host}" if name is None else f"acct:{name}@{host}"
    descriptor = await _finger(transport, resource, host, allow_http=allow_http)
    return discovery.door(descriptor, host, about, allow_http=allow_http)


async def _finger(transport: Transport, resource: str, host: str, *, allow_http: bool) -> Descriptor:
    path = f"/.well-known/webfinger?resource={quote(resource, safe='')}"
    reply = await _get_small(transport, uris.parse_host(host), path, ACCEPT_DESCRIPTOR, allow_http=allow_http)
    return discovery.read_descriptor(reply.body)


async def nodeinfo_software(transport: Transport, host: str, *, allow_http: bool) -> str | None:
    """Return the software name a host claims in its NodeInfo, or None; only a hint. Raises `Unreachable`."""
    try:
        reply = await _get_small(
            transport,
            uris.parse_host(host),
            "/.well-known/nodeinfo",
            "application/json",
            allow_http=allow_http,
        )
        uri = discovery.read_nodeinfo_links(reply.body, uris.origin(reply.uri))
        if uri is None:
            return None
        reply = await _hop(transport, uri, "application/json", allow_http=allow_http)
        _require_ok(reply)
        return discovery.read_nodeinfo(reply.body)
    except Unreachable:
        raise
    except FederationError:
        return None


def is_activity_media_type(value: str) -> bool:
    """Say whether a content type is ActivityStreams: `application/activity+json`, or JSON-LD with the
    profile.

    Plain JSON is not: servers let people upload JSON, and an upload is not a statement of the server. A
    character set other than UTF-8 is refused too.
    """
    kind, parameters = _media_type(value)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        return False
    if kind == LD_JSON:
        return PROFILE in parameters.get("profile", "").split()
    return kind == ACTIVITY_JSON


def _media_type(value: str) -> tuple[str, Mapping[str, str]]:
    if len(value) > 1024:
        return "", {}
    kind, *rest = value.split(";")
    parameters: dict[str, str] = {}
    for part in rest:
        name, _, text = part.partition("=")
        parameters.setdefault(name.strip().lower(), text.strip().strip('"'))
    return kind.strip().lower(), parameters


async def _get_small(transport: Transport, host: str, path: str, accept: str, *, allow_http: bool) -> Reply:
    """GET a well-known document, following at most three redirects of one scheme, in five seconds and 64
    KiB."""
    # Where plain http is allowed at all, everything is a test on one machine, and most peers there have no
    # TLS.
    schemes = ("http", "https") if allow_http else ("https",)
    try:
        async with asyncio.timeout(SMALL_SECONDS):
            for scheme in schemes[:-1]:
                try:
                    return await _follow(
                        transport, uris.parse(f"{scheme}://{host}{path}"), accept, allow_http
                    )
                except Unreachable:
                    continue
            return await _follow(transport, uris.parse(f"{schemes[-1]}://{host}{path}"), accept, allow_http)
    except TimeoutError as error:
        raise Unreachable("timeout") from error


async def _follow(transport: Transport, uri: Uri, accept: str, allow_http: bool) -> Reply:
    for _ in range(MAX_HOPS + 1):
        reply = await _hop(transport, uri, accept, allow_http=allow_http)
        if reply.status not in REDIRECTS:
            _require_ok(reply)
            return reply
        target = _target(reply, uri)
        if target.split(":", 1)[0] != uri.split(":", 1)[0]:
            raise Malformed("bad_redirect", "another scheme")
        uri = target
    raise Malformed("bad_redirect", "too many")


async def _hop(transport: Transport, uri: Uri, accept: str, *, allow_http: bool) -> Reply:
    _require_scheme(uri, allow_http)
    headers = {"Host": str(uris.host(uri)), "Accept": accept}
    return await transport.send("GET", uri, headers, limit=MAX_SMALL, seconds=SMALL_SECONDS)


def _require_scheme(uri: Uri, allow_http: bool) -> None:
    if not uri.startswith("https://") and not allow_http:
        raise Malformed("bad_uri", "not https")


def _target(reply: Reply, uri: Uri) -> Uri:
    location = reply.headers.get("location", "")
    if not location or len(location) > uris.MAX_LENGTH:
        raise Malformed("bad_redirect", "no location")
    try:
        return uris.parse(urljoin(uri, location))
    except ValueError as error:
        raise Malformed("bad_redirect", "location") from error


def _require_ok(reply: Reply) -> None:
    status = reply.status
    if status == 200:
        return
    if status in (404, 410):
        raise Gone("gone" if status == 410 else "not_found", status=status)
    if status in (401, 403):
        raise Unauthentic("refused", str(status))
    if status in (408, 425, 429) or status >= 500:
        raise Unreachable("status", str(status))
    raise Malformed("status", str(status))
