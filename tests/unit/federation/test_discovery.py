"""WebFinger, host-meta and NodeInfo, ours and theirs."""

from __future__ import annotations

import json

import pytest

from federation import discovery
from federation.discovery import Handle, ResourceUri
from federation.errors import Malformed
from federation.uris import Host, Uri
from federation.vocab import Descriptor, Link

BASE = "https://support.example"
GROUP = Uri(f"{BASE}/ap/g/sleepless")
TYPE = "application/activity+json"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("acct:wren@support.example", Handle("wren", Host("support.example"))),
        ("wren@support.example", Handle("wren", Host("support.example"))),
        ("@Wren@Support.Example", Handle("wren", Host("support.example"))),
        ("!sleepless@support.example", Handle("sleepless", Host("support.example"), is_group=True)),
        ("acct:!sleepless@support.example", Handle("sleepless", Host("support.example"), is_group=True)),
        ("acct:support.example@support.example", Handle("support.example", Host("support.example"))),
        ("wren@bücher.example", Handle("wren", Host("xn--bcher-kva.example"))),
        ("wren@127.0.0.1:8000", Handle("wren", Host("127.0.0.1:8000"))),
        ("https://support.example/ap/u/b7", ResourceUri(Uri("https://support.example/ap/u/b7"))),
        ("HTTPS://Support.Example/@wren", ResourceUri(Uri("https://support.example/@wren"))),
        ("https://support.example", ResourceUri(Uri("https://support.example"))),
    ],
)
def test_every_usual_form_of_a_resource_is_understood(asked: str, meant: discovery.Resource) -> None:
    assert discovery.parse_resource(asked) == meant


@pytest.mark.parametrize(
    "asked",
    [
        "",
        " ",
        "wren",
        "@wren",
        "acct:",
        "wren@",
        "@@support.example",
        "a b@support.example",
        "wren@sup port.example",
        "group:x@support.example",
        "mailto:wren@support.example",
        "wren@support.example@evil.example",
        "https://",
        "https://u:p@support.example/",
        "wren%40support.example",
        "wren@support.example/x",
        "рub@support.example",
        "x" * 3_000 + "@support.example",
        "wren\x00@support.example",
        "javascript:alert(1)//@support.example",
    ],
)
def test_an_impossible_resource_is_refused(asked: str) -> None:
    with pytest.raises(Malformed, match="bad_resource"):
        discovery.parse_resource(asked)


def test_the_root_of_the_server_is_recognised() -> None:
    assert [
        resource.is_root
        for text in (BASE, f"{BASE}/", f"{BASE}/@wren")
        if isinstance(resource := discovery.parse_resource(text), ResourceUri)
    ] == [True, True, False]


def descriptor() -> Descriptor:
    return Descriptor(
        "acct:sleepless@support.example",
        (GROUP, f"{BASE}/g/sleepless"),
        (
            Link("self", GROUP, TYPE, properties=((discovery.TYPE_PROPERTY, "Group"),)),
            Link("http://webfinger.net/rel/profile-page", Uri(f"{BASE}/g/sleepless"), "text/html"),
            Link(
                "http://ostatus.org/schema/1.0/subscribe",
                template=f"{BASE}/authorize_interaction?uri={{uri}}",
            ),
        ),
    )


def test_a_descriptor_survives_the_way_out_and_in() -> None:
    assert discovery.read_descriptor(discovery.write_descriptor(descriptor())) == descriptor()


def test_links_can_be_narrowed_to_relations() -> None:
    kept = discovery.read_descriptor(discovery.write_descriptor(descriptor(), ["self", "unknown"])).links
    assert [link.rel for link in kept] == ["self"]
    assert discovery.read_descriptor(discovery.write_descriptor(descriptor(), ["unknown"])).links == ()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"subject":1}', b'{"subject":""}', b'{"subject":"x"' + b" " * 70_000]
)
def test_a_broken_descriptor_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        discovery.read_descriptor(body)


def test_faulty_links_of_a_peer_are_left_out() -> None:
    body = json.dumps(
        {
            "subject": "acct:h@honest.example",
            "aliases": [1, "x" * 5_000, "https://honest.example/h"],
            "links": [7, {}, {"rel": 1}, {"rel": "self", "href": "data:x", "properties": []}, {"rel": "a"}]
            + [{}] * 500,
        }
    ).encode()
    found = discovery.read_descriptor(body)
    assert found.aliases == ("https://honest.example/h",)
    assert found.links == (Link("self"), Link("a"))
    assert discovery.actor_uris(found) == ()


def test_of_a_person_and_a_group_with_one_name_the_right_one_comes_first() -> None:
    def link(path: str, kind: str) -> Link:
        href = Uri(f"https://lemmy.example/{path}")
        return Link("self", href, TYPE, properties=((discovery.TYPE_PROPERTY, kind),))

    both = Descriptor("acct:quiet@lemmy.example", links=(link("u/quiet", "Person"), link("c/quiet", "Group")))
    assert discovery.actor_uris(both, "Group") == (
        "https://lemmy.example/c/quiet",
        "https://lemmy.example/u/quiet",
    )
    assert discovery.actor_uris(both)[0] == "https://lemmy.example/u/quiet"


def test_our_host_meta_names_the_template_in_both_dresses() -> None:
    template = f"{BASE}/.well-known/webfinger?resource={{uri}}"
    assert discovery.read_host_meta(discovery.host_meta_xml(BASE)) == template
    assert json.loads(discovery.host_meta_json(BASE)) == {"links": [{"rel": "lrdd", "template": template}]}


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///x">]><XRD><Link rel="lrdd"/></XRD>',
        b'<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><XRD>&lol2;</XRD>',
        b"<XRD><!-- comment --></XRD>",
        b"<XRD><![CDATA[x]]></XRD>",
        b"\xff\xfe<\x00X\x00",
        b"<XRD>" + b" " * 70_000,
        b'<?xml version="1.0"?><?xml-stylesheet href="https://evil.example/"?><XRD/>',
    ],
)
def test_host_meta_with_declarations_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        discovery.read_host_meta(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<XRD/>",
        b'<XRD><Link rel="lrdd" template="file:///{uri}"/></XRD>',
        b'<Link rel="lrdd" template="https://a.example/"/>',
        b'<Link rel="other" template="https://a.example/{uri}"/>',
        b"<Link " * 5_000,
        b"<Link rel='" * 5_000,
    ],
)
def test_host_meta_without_a_template_names_none(body: bytes) -> None:
    assert discovery.read_host_meta(body) is None


def test_our_nodeinfo_counts_nobody() -> None:
    old = json.loads(
        discovery.nodeinfo("2.0", software="fediverse-support", software_version="0.1", name="Here")
    )
    new = json.loads(
        discovery.nodeinfo(
            "2.1",
            software="fediverse-support",
            software_version="0.1",
            name="Here",
            repository="https://code.example/x",
            staff=[GROUP],
        )
    )
    assert old["software"] == {"name": "fediverse-support", "version": "0.1"}
    assert new["software"]["repository"] == "https://code.example/x"
    assert old["usage"] == new["usage"] == {"users": {}}
    assert new["metadata"]["staffAccounts"] == [GROUP]
    assert discovery.read_nodeinfo(json.dumps(new).encode()) == "fediverse-support"


def test_faulty_nodeinfo_links_are_left_out() -> None:
    body = json.dumps(
        {"links": [1, "x", {}, {"rel": 5, "href": BASE}, {"rel": "other", "href": BASE}]}
    ).encode()
    assert discovery.read_nodeinfo_links(body, BASE) is None


def test_our_nodeinfo_list_leads_to_the_newest_version() -> None:
    body = discovery.nodeinfo_links(BASE, Uri(f"{BASE}/ap/instance"))
    assert discovery.read_nodeinfo_links(body, BASE) == f"{BASE}/nodeinfo/2.1"
    assert json.loads(body)["links"][2]["rel"].endswith("#Application")
    assert len(json.loads(discovery.nodeinfo_links(BASE))["links"]) == 2


@pytest.mark.parametrize(
    "href",
    [
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "https://other.example/nodeinfo",
        "http://evil.example/nodeinfo",
        "https://evil.example:8443/nodeinfo",
        "//evil.example/x",
        "/nodeinfo",
        1,
        None,
    ],
)
def test_a_nodeinfo_link_to_elsewhere_is_not_followed(href: object) -> None:
    body = json.dumps({"links": [{"rel": f"{discovery.NODEINFO}2.1", "href": href}]}).encode()
    assert discovery.read_nodeinfo_links(body, "https://evil.example") is None


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"software": {"name": "Lemmy", "version": "1.0"}}, "lemmy"),
        ({"software": {"name": "x" * 65}}, None),
        ({"software": {"name": "<script>"}}, None),
        ({"software": {"name": 1}}, None),
        ({"software": "lemmy"}, None),
        ({}, None),
    ],
)
def test_a_software_name_is_a_bounded_word(body: object, name: str | None) -> None:
    assert discovery.read_nodeinfo(json.dumps(body).encode()) == name


def said(*templates: str | None) -> Descriptor:
    links = tuple(Link(discovery.SUBSCRIBE, template=template) for template in templates)
    return Descriptor("acct:ada@masto.example", links=links)


FILLED = "https%3A%2F%2Fsupport.example%2Fap%2Fg%2Fsleepless"


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("https://masto.example/authorize?uri={uri}", f"https://masto.example/authorize?uri={FILLED}"),
        ("https://web.masto.example/i/{uri}/x", f"https://web.masto.example/i/{FILLED}/x"),
        ("HTTPS://MASTO.example:443/?a=b&uri={uri}", f"https://masto.example/?a=b&uri={FILLED}"),
    ],
)
def test_a_server_says_where_its_people_follow(template: str, place: str) -> None:
    assert discovery.door(said(template), Host("masto.example"), GROUP) == place


@pytest.mark.parametrize(
    "template",
    [
        "https://evil.example/?uri={uri}",
        "https://evilmasto.example/?uri={uri}",
        "https://masto.example.evil.example/?uri={uri}",
        "https://masto.example@evil.example/?uri={uri}",
        "https://masto.example:8443/?uri={uri}",
        "http://masto.example/?uri={uri}",
        "//masto.example/?uri={uri}",
        "/authorize?uri={uri}",
        "javascript:alert(1)//{uri}",
        "data:text/html,{uri}",
        "https://{uri}.masto.example/",
        "https://masto.example{uri}",
        "https:{uri}",
        "{uri}",
        "https://masto.example/?uri=none",
        "https://masto.example/?uri={uri}&also={uri}",
        "https://masto.example/?uri={uri}&token={session}",
        "https://masto.example/?uri={uri}\r\nSet-Cookie: a=b",
        "https://masto.example\\@evil.example/?uri={uri}",
        'https://masto.example/?uri={uri}"onclick=x',
        f"https://masto.example/?uri={{uri}}&x={'x' * 2000}",
    ],
)
def test_a_template_leads_to_that_server_alone_and_fills_in_one_thing(template: str) -> None:
    with pytest.raises(Malformed):
        discovery.door(said(template), Host("masto.example"), GROUP)


def test_plain_http_is_for_tests_alone() -> None:
    here, place = Host("127.0.0.1:8000"), "http://127.0.0.1:8000/f?uri="
    assert discovery.door(said(f"{place}{{uri}}"), here, GROUP, allow_http=True) == place + FILLED
    with pytest.raises(Malformed):
        discovery.door(said("http://127.0.0.1:25/f?uri={uri}"), here, GROUP, allow_http=True)


def test_without_a_template_there_is_no_way() -> None:
    for silent in (said(), said(None)):
        with pytest.raises(Malformed):
            discovery.door(silent, Host("masto.example"), GROUP)


def test_our_own_doors_are_read_like_those_of_others() -> None:
    links = discovery.doors(f"{BASE}/authorize_interaction")
    written = discovery.write_descriptor(Descriptor("acct:wren@support.example", links=links))
    there = Uri("https://masto.example/g/1")
    found = discovery.door(discovery.read_descriptor(written), Host("support.example"), there)
    assert found == f"{BASE}/authorize_interaction?uri=https%3A%2F%2Fmasto.example%2Fg%2F1"
    intent = f"{BASE}/authorize_interaction?uri={{object}}"
    assert [(link["rel"], link.get("href")) for link in json.loads(written)["links"]] == [
        ("http://ostatus.org/schema/1.0/subscribe", None),
        ("https://w3id.org/fep/3b86/Follow", intent),
        ("https://w3id.org/fep/3b86/Join", intent),
    ]
