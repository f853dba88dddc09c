"""Fetching: what is asked, which answers count, and where a redirect may lead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from federation import authenticity, fetching
from federation.errors import Gone, Malformed, Unauthentic, Unreachable
from federation.fetching import fetch, is_activity_media_type
from federation.http import Reply, Request
from federation.keys import Signer
from federation.uris import Uri
from tests.unit.federation.requests import IO, IO_KEY, NOW, PRIVATE, PUBLIC, Peers, moved, received, reply

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
