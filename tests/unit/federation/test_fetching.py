"""Fetching: what is asked, which answers count, and where a redirect may lead."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from federation import authenticity, fetching
from federation.errors import Gone, Malformed, Unauthentic, Unreachable
from federation.fetching import fetch, is_activity_media_type, nodeinfo_software, webfinger
from federation.http import Reply, Request
from federation.keys import Signer
from federation.uris import Uri
from tests.unit.federation.requests import IO, IO_KEY, NOW, PRIVATE, PUBLIC, Peers, received, reply

SIGNER = Signer(IO_KEY, PRIVATE)
NOTE = Uri("https://masto.example/notes/1")
PAGE = Uri("https://masto.example/@io/1")
FOREIGN = Uri("https://pie.example/notes/1")


async def ask(peers: Peers, uri: Uri = NOTE, **options: Any) -> fetching.Fetched:
    settings = {"signer": SIGNER, "now": NOW, "allow_http": False, **options}
    return await fetch(peers, uri, **settings)


async def refuse(peers: Peers, kind: type[Exception], code: str, uri: Uri = NOTE, **options: Any) -> None:
    with pytest.raises(kind) as caught:
        await ask(peers, uri, **options)
    assert getattr(caught.value, "code", None) == code


def moved(location: str, status: int = 302) -> Reply:
    return reply(status=status, location=location)


# --- what is asked ---


async def test_a_document_is_fetched_by_its_own_id() -> None:
    peers = Peers({NOTE: reply({"id": NOTE, "type": "Note"})})
    got = await ask(peers)
    assert (got.uri, got.document["type"], got.scheme) == (NOTE, "Note", "cavage")
    assert b'"type": "Note"' in got.raw
    assert len(peers.asked) == 1


async def test_the_request_is_signed_and_says_what_it_wants() -> None:
    peers = Peers({NOTE: reply({"id": NOTE})})
    await ask(peers)
    ((method, uri, headers),) = peers.asked
    request: Request = received(method, uri, headers, b"")
    authenticity.claimed_key(request, origin="https://masto.example", now=NOW).verify(PUBLIC)
    assert headers["Accept"].startswith(
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    )


async def test_a_fragment_is_not_sent() -> None:
    peers = Peers({IO: reply({"id": IO, "type": "Person"})})
    assert (await ask(peers, IO_KEY)).uri == IO


async def test_a_key_may_be_a_part_of_the_page_it_stands_on() -> None:
    peers = Peers({IO: reply({"id": IO_KEY, "type": "Key"})})
    assert (await ask(peers, IO_KEY)).uri == IO_KEY


async def test_a_401_is_answered_with_the_other_scheme_once() -> None:
    peers = Peers({NOTE: [reply(status=401), reply({"id": NOTE})]})
    assert (await ask(peers)).scheme == "rfc9421"
    assert ["Signature-Input" in headers for _, _, headers in peers.asked] == [False, True]
    peers = Peers({NOTE: [reply(status=401), reply({"id": NOTE})]})
    assert (await ask(peers, scheme="rfc9421")).scheme == "cavage"


# --- where an id leads ---


async def test_a_page_leads_to_the_id_it_names_once() -> None:
    peers = Peers({PAGE: reply({"id": NOTE}), NOTE: reply({"id": NOTE})})
    assert (await ask(peers, PAGE)).uri == NOTE


async def test_an_id_on_another_origin_is_asked_there_and_not_believed_here() -> None:
    forged = reply({"id": FOREIGN, "content": "forged"})
    peers = Peers({NOTE: forged, FOREIGN: reply({"id": FOREIGN, "content": "true"})})
    got = await ask(peers)
    assert (got.uri, got.document["content"]) == (FOREIGN, "true")


async def test_the_caller_may_refuse_the_other_origin() -> None:
    async def admit(uri: Uri) -> None:
        raise Unreachable("domain_refused", uri)

    peers = Peers({NOTE: reply({"id": FOREIGN}), FOREIGN: reply({"id": FOREIGN})})
    await refuse(peers, Unreachable, "domain_refused", admit=admit)
    assert [uri for _, uri, _ in peers.asked] == [NOTE]
    # Within the origin that was asked for, nobody has to be asked again.
    peers = Peers({PAGE: reply({"id": NOTE}), NOTE: reply({"id": NOTE})})
    assert (await ask(peers, PAGE, admit=admit)).uri == NOTE


async def test_there_is_no_third_fetch() -> None:
    peers = Peers({PAGE: reply({"id": NOTE}), NOTE: reply({"id": FOREIGN}), FOREIGN: reply({"id": FOREIGN})})
    await refuse(peers, Unauthentic, "origin_mismatch", PAGE)
    assert [uri for _, uri, _ in peers.asked] == [PAGE, NOTE]


@pytest.mark.parametrize(
    "named", [None, "", "relative", "javascript:x", 1, True, ["https://masto.example@evil.example/"]]
)
async def test_a_document_without_a_usable_id_is_refused(named: object) -> None:
    await refuse(Peers({NOTE: reply({"id": named})}), Malformed, "id_missing")


async def test_a_document_without_any_id_is_refused() -> None:
    await refuse(Peers({NOTE: reply({"type": "Note"})}), Malformed, "id_missing")


# --- redirects ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_one_redirect_within_the_origin_is_followed(status: int) -> None:
    peers = Peers({PAGE: moved("/notes/1", status), NOTE: reply({"id": NOTE})})
    assert (await ask(peers, PAGE)).uri == NOTE


async def test_a_second_redirect_is_not_followed() -> None:
    peers = Peers({PAGE: moved(NOTE), NOTE: moved(PAGE)})
    await refuse(peers, Malformed, "status", PAGE)
    assert len(peers.asked) == 2


@pytest.mark.parametrize(
    "location",
    [FOREIGN, "http://masto.example/notes/1", "https://masto.example:8443/notes/1", "//pie.example/notes/1"],
)
async def test_a_redirect_to_another_origin_is_refused(location: str) -> None:
    peers = Peers({NOTE: moved(location), FOREIGN: reply({"id": FOREIGN})})
    await refuse(peers, Unauthentic, "origin_mismatch", allow_http=True)
    assert len(peers.asked) == 1


async def test_the_first_address_has_no_authority_over_where_a_redirect_ends() -> None:
    # The id is the address asked for, but another address served it.
    peers = Peers({NOTE: [moved(PAGE), moved(PAGE)], PAGE: reply({"id": NOTE})})
    await refuse(peers, Unauthentic, "origin_mismatch")


@pytest.mark.parametrize(
    "location", ["", "file:///etc/passwd", "data:,x", "https://[", "https://u:p@masto.example/"]
)
async def test_a_redirect_to_nowhere_is_refused(location: str) -> None:
    with pytest.raises((Malformed, Unauthentic)):
        await ask(Peers({NOTE: moved(location)}))


# --- answers ---


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (404, Gone, "not_found"),
        (410, Gone, "gone"),
        (401, Unauthentic, "refused"),
        (403, Unauthentic, "refused"),
        (400, Malformed, "status"),
        (406, Malformed, "status"),
        (204, Malformed, "status"),
        (304, Malformed, "status"),
        (429, Unreachable, "status"),
        (500, Unreachable, "status"),
        (503, Unreachable, "status"),
    ],
)
async def test_each_status_has_its_meaning(status: int, kind: type[Exception], code: str) -> None:
    await refuse(Peers({NOTE: reply(status=status)}), kind, code)


async def test_gone_says_which() -> None:
    with pytest.raises(Gone) as caught:
        await ask(Peers({NOTE: reply(status=404)}))
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "kind",
    [
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        "Application/Activity+JSON;charset=UTF-8",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        "application/ld+json;profile=https://www.w3.org/ns/activitystreams",
        'application/ld+json; profile="urn:x https://www.w3.org/ns/activitystreams"; charset=utf-8',
    ],
)
async def test_activitystreams_is_read(kind: str) -> None:
    assert is_activity_media_type(kind)
    await ask(Peers({NOTE: reply({"id": NOTE}, kind=kind)}))


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "application/ld+json",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams-extra"',
        "application/ld+json; charset=utf-8",
        "text/plain",
        "text/html",
        "image/png",
        "application/activity+json; charset=utf-16",
        "application/activity+jsonx",
        "text/html, application/activity+json",
        "application/activity+json" + "; x=y" * 1000,
    ],
)
async def test_other_media_types_are_never_activitystreams(kind: str) -> None:
    assert not is_activity_media_type(kind)
    await refuse(Peers({NOTE: reply({"id": NOTE}, kind=kind)}), Malformed, "media_type")


async def test_a_body_that_is_no_document_is_refused() -> None:
    bad = Reply(200, {"content-type": "application/activity+json"}, b"[1]", NOTE)
    await refuse(Peers({NOTE: bad}), Malformed, "not_object")


async def test_plain_http_is_refused_unless_allowed() -> None:
    uri = Uri("http://127.0.0.1:8000/ap/o/1")
    peers = Peers({uri: reply({"id": uri})})
    await refuse(peers, Malformed, "bad_uri", uri)
    assert peers.asked == []
    assert (await ask(peers, uri, allow_http=True)).uri == uri


async def test_an_https_page_does_not_lead_to_plain_http() -> None:
    peers = Peers({NOTE: reply({"id": "http://masto.example/notes/1"})})
    await refuse(peers, Malformed, "bad_uri")
    assert len(peers.asked) == 1


async def test_what_the_transport_reports_is_passed_on() -> None:
    await refuse(Peers({NOTE: Unreachable("tls")}), Unreachable, "tls")


async def test_a_peer_that_never_answers_is_given_up() -> None:
    class Silent(Peers):
        async def send(self, *given: Any, **options: Any) -> Reply:
            await asyncio.sleep(60)
            raise AssertionError

    await refuse(Silent({}), Unreachable, "timeout", seconds=0.05)


# --- WebFinger ---

FINGER = Uri("https://pie.example/.well-known/webfinger?resource=acct%3Asleepless%40pie.example")
TYPE = "https://www.w3.org/ns/activitystreams#type"


def described(*links: dict[str, Any]) -> Reply:
    return reply({"subject": "acct:sleepless@pie.example", "links": list(links)}, kind="application/jrd+json")


def self_link(href: str, of: str | None = None, **changes: Any) -> dict[str, Any]:
    link = {"rel": "self", "type": "application/activity+json", "href": href, **changes}
    return link if of is None else {**link, "properties": {TYPE: of}}


async def find(peers: Peers, **options: Any) -> Uri:
    return await webfinger(peers, "sleepless", "pie.example", **{"allow_http": False, **options})


async def test_a_name_leads_to_an_actor() -> None:
    peers = Peers({FINGER: described(self_link("https://pie.example/c/sleepless"))})
    assert await find(peers) == "https://pie.example/c/sleepless"
    ((_, _, headers),) = peers.asked
    assert "Signature" not in headers


async def test_the_kind_that_is_looked_for_is_preferred() -> None:
    links = (self_link("https://pie.example/u/s", "Person"), self_link("https://pie.example/c/s", "Group"))
    assert await find(Peers({FINGER: described(*links)}), kind="Group") == "https://pie.example/c/s"
    assert await find(Peers({FINGER: described(*links)}), kind="Person") == "https://pie.example/u/s"
    assert await find(Peers({FINGER: described(*links)})) == "https://pie.example/u/s"


@pytest.mark.parametrize(
    "link",
    [
        self_link("https://pie.example/c/s", type="text/html"),
        self_link("https://pie.example/c/s", type="application/json"),
        self_link("https://pie.example/c/s", rel="alternate"),
        self_link("javascript:x"),
        self_link("data:application/json,{}"),
    ],
)
async def test_other_links_do_not_count(link: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        await find(Peers({FINGER: described(link)}))


async def test_three_redirects_are_followed_and_no_fourth() -> None:
    steps = [Uri(f"https://pie.example/{number}") for number in range(5)]
    answers: dict[str, Any] = {FINGER: moved(steps[0])}
    answers |= {steps[number]: moved(steps[number + 1]) for number in range(4)}
    answers[steps[2]] = described(self_link("https://pie.example/c/s"))
    assert await find(Peers(answers)) == "https://pie.example/c/s"
    answers[steps[2]] = moved(steps[3])
    peers = Peers(answers)
    with pytest.raises(Malformed, match="too many"):
        await find(peers)
    assert len(peers.asked) == 4


@pytest.mark.parametrize(
    "location", ["http://pie.example/x", "data:,x", "file:///x", "ftp://pie.example/", ""]
)
async def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    peers = Peers({FINGER: moved(location)})
    with pytest.raises(Malformed):
        await find(peers)
    assert len(peers.asked) == 1


async def test_a_redirect_keeps_its_scheme_in_a_test_world_too() -> None:
    plain = Uri(FINGER.replace("https", "http"))
    peers = Peers({plain: moved(FINGER), FINGER: described(self_link("https://pie.example/c/s"))})
    with pytest.raises(Malformed, match="another scheme"):
        await find(peers, allow_http=True)
    assert len(peers.asked) == 1


async def test_an_unknown_name_is_gone() -> None:
    with pytest.raises(Gone):
        await find(Peers({}))


async def test_in_a_test_world_plain_http_is_tried_first() -> None:
    plain = Uri(FINGER.replace("https", "http"))
    answer = described(self_link("http://pie.example/c/s"))
    assert await find(Peers({plain: answer}), allow_http=True) == "http://pie.example/c/s"
    peers = Peers({plain: Unreachable("refused"), FINGER: answer})
    assert await find(peers, allow_http=True) == "http://pie.example/c/s"


async def test_a_name_cannot_add_to_the_address() -> None:
    peers = Peers({})
    with pytest.raises(Gone):
        await webfinger(peers, "a&x=1#/../?", "pie.example", allow_http=False)
    assert peers.asked[0][1].endswith("?resource=acct%3Aa%26x%3D1%23%2F..%2F%3F%40pie.example")


@pytest.mark.parametrize("host", ["pie.example/x", "a@pie.example", "pie.example?x", "pie example", ""])
async def test_a_host_is_only_a_host(host: str) -> None:
    peers = Peers({})
    with pytest.raises(Malformed):
        await webfinger(peers, "a", host, allow_http=False)
    assert peers.asked == []


# --- NodeInfo ---

LIST = Uri("https://pie.example/.well-known/nodeinfo")
INFO = Uri("https://pie.example/nodeinfo/2.0")
REL = "http://nodeinfo.diaspora.software/ns/schema/2.0"


async def software(answers: Mapping[Uri, Reply | Exception]) -> tuple[str | None, list[Uri]]:
    peers = Peers(dict(answers.items()))
    return await nodeinfo_software(peers, "pie.example", allow_http=False), [uri for _, uri, _ in peers.asked]


async def test_a_host_names_its_software() -> None:
    answers = {
        LIST: reply({"links": [{"rel": REL, "href": INFO}]}, kind="application/json"),
        INFO: reply({"software": {"name": "PieFed"}}, kind="application/json"),
    }
    assert await software(answers) == ("piefed", [LIST, INFO])


@pytest.mark.parametrize(
    "href",
    ["http://169.254.169.254/", "file:///x", "data:,x", "https://evil.example/n", "http://pie.example/n"],
)
async def test_links_to_elsewhere_are_not_fetched(href: str) -> None:
    answers = {LIST: reply({"links": [{"rel": REL, "href": href}]}, kind="application/json")}
    assert await software(answers) == (None, [LIST])


async def test_a_host_without_nodeinfo_has_no_software() -> None:
    assert await software({}) == (None, [LIST])
    broken = {LIST: reply({"links": [{"rel": REL, "href": INFO}]}), INFO: moved("https://evil.example/")}
    assert await software(broken) == (None, [LIST, INFO])


async def test_a_host_that_is_down_is_not_taken_for_one_without_nodeinfo() -> None:
    with pytest.raises(Unreachable):
        await software({LIST: Unreachable("timeout")})
