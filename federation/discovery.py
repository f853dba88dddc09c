"""Finding each other: WebFinger, host-meta and NodeInfo; ours are built, theirs are read.

What others publish here is a hint and never a proof: handles are believed only after the reverse look-up,
software names only choose a dress. Sources: RFC 7033 (WebFinger), RFC 6415 (host-meta), NodeInfo 2.0 and 2.1,
FEP-f1d5, FEP-2677 (application actor), FEP-d556 (server actor), FEP-3b86 (activity intents), and OStatus for
the relation by which servers say where their people act on what is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from federation import documents, uris
from federation.documents import Document, many
from federation.errors import Malformed
from federation.uris import Host, Uri
from federation.vocab import Descriptor, Link

MAX_BYTES: Final = 64 * 1024
MAX_RESOURCE: Final = 2048
MAX_ALIASES: Final = 20
MAX_LINKS: Final = 50
ACTIVITYSTREAMS_TYPES: Final = frozenset(
    {"application/activity+json", 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'}
)
TYPE_PROPERTY: Final = "https://www.w3.org/ns/activitystreams#type"
APPLICATION_ACTOR: Final = "https://www.w3.org/ns/activitystreams#Application"
SUBSCRIBE: Final = "http://ostatus.org/schema/1.0/subscribe"
INTENT: Final = "https://w3id.org/fep/3b86/"
INTENTS: Final = ("Follow", "Join")
"""What our page for people who act elsewhere leads to."""
NODEINFO: Final = "http://nodeinfo.diaspora.software/ns/schema/"

HANDLE: Final = re.compile(
    r"(?:(?i:acct):)?([@!]?)([A-Za-z0-9_][A-Za-z0-9_.~-]{0,250}(?::[0-9]{1,5})?)@([^@/?#\s]{1,255})"
)
SOFTWARE: Final = re.compile(r"[a-z0-9-]{1,64}")
XML_LINK: Final = re.compile(r"<(?:\w{1,20}:)?Link\s([^<>]{1,4000})>")
XML_ATTRIBUTE: Final = re.compile(r"(rel|template)\s?=\s?(?:\"([^\"<>]{0,2048})\"|'([^'<>]{0,2048})')")


@dataclass(frozen=True, slots=True)
class Handle:
    """A name at a host, as somebody typed it: lower-case, `is_group` where it was written with `!`."""

    name: str
    host: Host
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ResourceUri:
    """A look-up by address: of an actor, a page, or (path empty or `/`) of the server itself."""

    uri: Uri

    @property
    def is_root(self) -> bool:
        """The address is that of the server."""
        return self.uri.removesuffix("/") == uris.origin(self.uri)


Resource = Handle | ResourceUri


def parse_resource(value: str) -> Resource:
    """Return what a WebFinger `resource`, or a handle in a text field, asks for.

    `value` is already percent-decoded, once. Accepted: `acct:name@host`, `name@host`, `@name@host`,
    `!name@host`, `acct:!name@host` and http(s) addresses. Raises `Malformed("bad_resource")` for everything
    else.
    """
    value = value.strip()
    if not value or len(value) > MAX_RESOURCE:
        raise Malformed("bad_resource")
    try:
        if value[:8].lower().startswith(("http://", "https://")):
            return ResourceUri(uris.parse(value))
        found = HANDLE.fullmatch(value)
        if found is None:
            raise Malformed("bad_resource")
        return Handle(found[2].lower(), uris.parse_host(found[3]), found[1] == "!")
    except Malformed as error:
        raise Malformed("bad_resource", error.code) from error


def write_descriptor(descriptor: Descriptor, rels: Iterable[str] = ()) -> bytes:
    """Return a WebFinger answer (JRD); `rels` keeps only links of these relations, none given keeps all."""
    wanted = frozenset(rels)
    links = [_link(link) for link in descriptor.links if not wanted or link.rel in wanted]
    return msgspec.json.encode(
        {"subject": descriptor.subject, "aliases": list(descriptor.aliases), "links": links}
    )


def _link(link: Link) -> Document:
    # An intent has its pattern as `href`; some look for it where OStatus has it.
    href = link.template if link.rel.startswith(INTENT) else link.href
    members = {"rel": link.rel, "type": link.type, "href": href, "template": link.template}
    kept: Document = {member: value for member, value in members.items() if value is not None}
    if link.properties:
        kept["properties"] = dict(link.properties)
    return kept


def read_descriptor(body: bytes) -> Descriptor:
    """Return a peer's WebFinger answer of at most 64 KiB.

    Faulty links are left out, a missing subject is `Malformed`.
    """
    document = documents.parse(body, limit=MAX_BYTES)
    subject = document.get("subject")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_RESOURCE:
        raise Malformed("bad_subject")
    aliases = (
        a for a in many(document.get("aliases"), MAX_ALIASES) if isinstance(a, str) and len(a) <= MAX_RESOURCE
    )
    links = (_read_link(entry) for entry in many(document.get("links"), MAX_LINKS))
    return Descriptor(subject, tuple(aliases), tuple(link for link in links if link is not None))


def _read_link(entry: object) -> Link | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("rel"), str):
        return None
    kind, template, properties = entry.get("type"), entry.get("template"), entry.get("properties")
    return Link(
        rel=documents.line(entry["rel"], 255),
        href=uris.find(entry.get("href")),
        type=documents.line(kind, 255) or None,
        template=template if isinstance(template, str) and len(template) <= MAX_RESOURCE else None,
        properties=tuple(
            (documents.line(name, 255), documents.line(value, 255))
            for name, value in list(properties.items())[:10]
            if isinstance(value, str)
        )
        if isinstance(properties, dict)
        else (),
    )


def actor_uris(descriptor: Descriptor, kind: Literal["Person", "Group"] | None = None) -> tuple[Uri, ...]:
    """Return the at most two actors a descriptor leads to, those marked as `kind` first.

    A person and a group of one name are two links in one answer.
    """
    links = [
        link
        for link in descriptor.links
        if link.rel == "self" and link.type in ACTIVITYSTREAMS_TYPES and link.href
    ]
    if kind is not None:
        links.sort(key=lambda link: dict(link.properties).get(TYPE_PROPERTY) != kind)
    return tuple(dict.fromkeys(link.href for link in links if link.href is not None))[:2]


def doors(place: str) -> tuple[Link, ...]:
    """Return the links that say where our people act on what is elsewhere; `place` is that page's address."""
    intents = (Link(f"{INTENT}{verb}", template=f"{place}?uri={{object}}") for verb in INTENTS)
    return (Link(SUBSCRIBE, template=f"{place}?uri={{uri}}"), *intents)


def door(descriptor: Descriptor, asked: Host, about: Uri, *, allow_http: bool = False) -> Uri:
    """Return where the people of the server `asked` follow `about`, from what that server says itself.

    Only `{uri}` is filled in, and it leads to the server that was asked or below it, by https, unless
    `allow_http`. Raises `Malformed`: `no_template`, `bad_template`.
    """
    templates = [link.template for link in descriptor.links if link.rel == SUBSCRIBE and link.template]
    if not templates:
        raise Malformed("no_template")
    before, found, after = templates[0].partition("{uri}")
    place = uris.find(before + quote(about, safe="") + after)
    # Without what is filled in it leads to the same place: no name of a server is made of it.
    without = uris.find(before + after)
    if not found or place is None or without is None:
        raise Malformed("bad_template")
    host = uris.host(place)
    if host != uris.host(without) or not (host == asked or host.endswith(f".{asked}")):
        raise Malformed("bad_template", "another server")
    if not place.startswith("https://") and not allow_http:
        raise Malformed("bad_template", "not https")
    return place


def host_meta_xml(base: str) -> bytes:
    """Return `/.well-known/host-meta` for the origin `base`."""
    template = escape(f"{base}/.well-known/webfinger?resource={{uri}}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" template="{template}"/>\n'
        "</XRD>\n"
    ).encode()


def host_meta_json(base: str) -> bytes:
    """Return `/.well-known/host-meta.json` for the origin `base`."""
    template = f"{base}/.well-known/webfinger?resource={{uri}}"
    return msgspec.json.encode({"links": [{"rel": "lrdd", "template": template}]})


def read_host_meta(body: bytes) -> str | None:
    """Return the WebFinger template of a peer's host-meta (XML), None if it names none.

    Raises `Malformed` for more than 64 KiB, for other encodings than UTF-8, and for every declaration,
    comment or CDATA section: without them no entity can be defined and nothing can be expanded.
    """
    if len(body) > MAX_BYTES:
        raise Malformed("too_large")
    try:
        source = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("not_utf8") from error
    if "<!" in source or "\0" in source or source.count("<?") > 1:
        raise Malformed("bad_xml")
    for link in XML_LINK.finditer(source):
        found = {name: unescape(double or single) for name, double, single in XML_ATTRIBUTE.findall(link[1])}
        template = found.get("template", "")
        if found.get("rel") == "lrdd" and "{uri}" in template and uris.find(template.replace("{uri}", "x")):
            return template
    return None


def nodeinfo_links(base: str, actor: Uri | None = None) -> bytes:
    """Return `/.well-known/nodeinfo` for the origin `base`.

    `actor` is the actor that speaks for the server.
    """
    links = [
        {"rel": f"{NODEINFO}{version}", "href": f"{base}/nodeinfo/{version}"} for version in ("2.0", "2.1")
    ]
    if actor is not None:
        links.append({"rel": APPLICATION_ACTOR, "href": actor})
    return msgspec.json.encode({"links": links})


def nodeinfo(
    version: Literal["2.0", "2.1"],
    *,
    software: str,
    software_version: str,
    name: str,
    description: str = "",
    repository: str | None = None,
    homepage: str | None = None,
    open_registrations: bool = False,
    staff: Iterable[Uri] = (),
    federates: bool = True,
) -> bytes:
    """Return a NodeInfo document. It never counts people: in a small support group a number says too much."""
    about = {"name": software, "version": software_version}
    if version == "2.1":
        links = {"repository": repository, "homepage": homepage}
        about |= {member: value for member, value in links.items() if value is not None}
    return msgspec.json.encode(
        {
            "version": version,
            "software": about,
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": open_registrations,
            "usage": {"users": {}},
            "metadata": {
                "nodeName": name,
                "nodeDescription": description,
                "staffAccounts": list(staff),
                "federation": {"enabled": federates},
            },
        }
    )


def read_nodeinfo_links(body: bytes, host_origin: str) -> Uri | None:
    """Return the address of a peer's newest NodeInfo document, None if it names none that we may fetch.

    `host_origin` is the origin the list came from; addresses with another scheme, host or port do not count.
    """
    found: dict[str, Uri] = {}
    for link in many(documents.parse(body, limit=MAX_BYTES).get("links"), MAX_LINKS):
        if not isinstance(link, dict):
            continue
        rel, href = link.get("rel"), uris.find(link.get("href"))
        if isinstance(rel, str) and rel.startswith(NODEINFO) and href and uris.origin(href) == host_origin:
            found.setdefault(rel.removeprefix(NODEINFO), href)
    return next((found[version] for version in ("2.1", "2.0", "1.1", "1.0") if version in found), None)


def read_nodeinfo(body: bytes) -> str | None:
    """Return the software name a peer claims, lower-case, None for none or an impossible one.

    Raises `Malformed`.
    """
    software = documents.parse(body, limit=MAX_BYTES).get("software")
    name = software.get("name") if isinstance(software, dict) else None
    if not isinstance(name, str) or not SOFTWARE.fullmatch(name.lower()):
        return None
    return name.lower()
