"""The way of visitors to their own server, and of our people from another (cases G01 to G08, G22, K04)."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from federation import fetching
from federation.http import Reply
from federation.uris import Uri
from fediverse_support import wiring
from fediverse_support.actions.accounts import sessions
from fediverse_support.actions.moderation import moderating
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.db.pool import Db
from fediverse_support.domain.moderation import DomainRule
from fediverse_support.lookups import Limits
from fediverse_support.web.sessions import Sessions
from fediverse_support.web.words import reasons
from tests.builders import PLENTY
from tests.conftest import Clock
from tests.integration.edge import SECRET, Got
from tests.security.internet import Internet
from tests.security.support import EVE, Place, make_place
from tests.security.wire import Wire, send

JRD = "application/jrd+json"
DOOR = "/g/pub/from-your-server"
ROOT = "https://evil.example/.well-known/webfinger?resource=https%3A%2F%2Fevil.example"
NO_DOOR = reasons.FIXES["server", "no_door"]
LINK = re.compile(r'<a class="btn main" href="([^"]+)" rel="noreferrer nofollow">')
TARGETS = (
    "127.0.0.1", "localhost", "0.0.0.0", "0", "127.1", "2130706433", "0x7f.1", "017700000001", "[::]",
    "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:7f00:1::]", "[fe80::1%25eth0]", "[fd00::1]", "10.0.0.1", "169.254.169.254", "db", "a.internal",
)  # fmt: skip


def leads_to(template: Any) -> dict[str, Any]:
    return {
        "subject": "acct:eve@evil.example",
        "links": [{"rel": "http://ostatus.org/schema/1.0/subscribe", "template": template}],
    }


@dataclass
class Visitor:
    """Somebody with a browser and no account here; each is at an address of their own."""

    place: Place
    address: str = "203.0.113.7"

    async def asks(
        self, method: str, target: str, form: dict[str, str] | None = None, cookie: str = ""
    ) -> Got:
        lines = [("host", "support.example"), ("accept", "text/html")]
        body = b"" if form is None else urlencode(form).encode()
        if form is not None:
            lines += [
                ("content-type", "application/x-www-form-urlencoded"),
                ("sec-fetch-site", "same-origin"),
            ]
        if cookie:
            lines.append(("cookie", cookie))

        async def from_there(scope: Any, receive: Any, sent: Any) -> None:
            await self.place.app({**scope, "client": (self.address, 5000)}, receive, sent)

        return await send(from_there, Wire(method, target, tuple(lines), body))

    async def types(self, server: str, door: str = DOOR) -> Got:
        page = await self.asks("GET", door)
        assert page.status == 200
        token = re.search(r'name="token" value="([^"]+)"', page.body.decode())
        assert token is not None
        cookie = page.headers["set-cookie"].partition(";")[0]
        return await self.asks("POST", door, {"token": token[1], "server": server}, cookie)


@pytest.fixture
def visitor(place: Place) -> Visitor:
    place.internet.asked.clear()
    return Visitor(place)


@pytest.fixture
async def plenty(db: Db, clock: Clock) -> Place:
    """Our server, which has no end of patience."""
    place = await make_place(db, clock)
    place.deps = wiring.build(place.deps.settings, db, place.internet, SECRET, limits=PLENTY)
    place.app = wiring.web(place.deps)
    return place


def link_in(got: Got) -> str | None:
    found = LINK.search(got.body.decode())
    return None if found is None else html.unescape(found[1])


async def test_a_visitor_is_told_where_they_go_and_leaves_nothing_behind(visitor: Visitor) -> None:
    place = visitor.place
    place.internet.serve(ROOT, leads_to("https://evil.example/follow?uri={uri}"), kind=JRD)
    before = await place.world()
    got = await visitor.types("evil.example")
    group = quote(place.uris["pub"], safe="")
    assert got.status == 200 and link_in(got) == f"https://evil.example/follow?uri={group}"
    assert "You are going to <bdi>evil.example</bdi>" in got.body.decode()
    assert "location" not in got.headers
    assert await place.world() == before
    assert await place.value("select count(*) from peers where host = 'evil.example'") == 0


@pytest.mark.parametrize("typed", ["https://evil.example/", "https://evil.example/@eve", " EVIL.example. "])
async def test_a_server_is_found_by_its_address_too(visitor: Visitor, typed: str) -> None:
    visitor.place.internet.serve(ROOT, leads_to("https://evil.example/follow?uri={uri}"), kind=JRD)
    assert link_in(await visitor.types(typed)) is not None


async def test_a_handle_asks_for_that_person(visitor: Visitor) -> None:
    asked = "https://evil.example/.well-known/webfinger?resource=acct%3Aeve%40evil.example"
    visitor.place.internet.serve(asked, leads_to("https://www.evil.example/follow?uri={uri}"), kind=JRD)
    got = await visitor.types("@eve@evil.example")
    assert str(link_in(got)).startswith("https://www.evil.example/follow?uri=")
    assert "You are going to <bdi>www.evil.example</bdi>" in got.body.decode()


async def canary() -> tuple[asyncio.Server, list[object]]:
    met: list[object] = []

    def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        writer.close()

    return await asyncio.start_server(meet, "127.0.0.1", 0), met


async def test_g01_no_field_leads_us_to_an_address_of_our_own(plenty: Place) -> None:
    server, met = await canary()
    port = server.sockets[0].getsockname()[1]
    visitor = Visitor(plenty)
    async with HttpClient(user_agent="test", allow_http=False, allow_networks=()) as guard:
        plenty.internet.guard = guard
        for target in (*TARGETS, f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            for typed in (target, f"https://{target}/", f"eve@{target}"):
                assert (await visitor.types(typed)).status == 400, typed
    server.close()
    await server.wait_closed()
    assert met == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_g04_no_redirect_leads_us_to_an_address_of_our_own(plenty: Place, status: int) -> None:
    server, met = await canary()
    port = server.sockets[0].getsockname()[1]
    visitor = Visitor(plenty)
    async with HttpClient(user_agent="test", allow_http=False, allow_networks=()) as guard:
        plenty.internet.guard = guard
        for target in (*TARGETS, f"127.0.0.1:{port}"):
            plenty.internet.pages[ROOT] = (status, {"location": f"https://{target}/x"}, b"")
            assert NO_DOOR in html.unescape((await visitor.types("evil.example")).body.decode()), target
    server.close()
    await server.wait_closed()
    assert met == []


async def test_g01_no_template_leads_a_visitor_to_another_address(plenty: Place) -> None:
    visitor = Visitor(plenty)
    for target in (*TARGETS, "evil2.example", "notevil.example", "evil.example.evil2.example"):
        plenty.internet.serve(ROOT, leads_to(f"https://{target}/f?uri={{uri}}"), kind=JRD)
        got = await visitor.types("evil.example")
        assert (got.status, link_in(got)) == (400, None), target


@pytest.mark.parametrize(
    "typed",
    [
        "file:///etc/passwd", "gopher://evil.example/", "ftp://evil.example/", "data:text/html,x",
        "unix:/run/x", "https://eve:pass@evil.example/", "https://evil.example/\r\nX: y",
        "https://evil.example\\@127.0.0.1/", "evil.example/path?x#y", "eve@evil.example@127.0.0.1", "", " ",
        "x" * 5000, "a b", "\x00",
    ],
)  # fmt: skip
async def test_g05_what_is_no_servers_name_asks_nobody(visitor: Visitor, typed: str) -> None:
    got = await visitor.types(typed)
    assert got.status == 400 and link_in(got) is None
    assert visitor.place.internet.asked == []
    assert reasons.FIXES["server", "malformed"] in html.unescape(got.body.decode())


async def test_g05_behind_a_hash_is_no_other_server(visitor: Visitor) -> None:
    await visitor.types("https://evil.example/#@127.0.0.1/")
    assert visitor.place.internet.asked == [ROOT]


@pytest.mark.parametrize("port", [22, 25, 5432, 6379])
async def test_g05_other_ports_are_not_spoken_to(plenty: Place, port: int) -> None:
    async with HttpClient(user_agent="test", allow_http=False, allow_networks=()) as guard:
        plenty.internet.guard = guard
        assert (await Visitor(plenty).types(f"198.51.100.7:{port}")).status == 400
    plenty.internet.serve(ROOT, leads_to(f"https://evil.example:{port}/f?uri={{uri}}"), kind=JRD)
    assert link_in(await Visitor(plenty).types("evil.example")) is None


@pytest.mark.parametrize(
    "template",
    [
        "file:///{uri}", "javascript:alert('{uri}')", "data:text/html,{uri}", "http://evil.example/{uri}",
        "https://evil.example/{uri}{session}", "https://eve@evil.example/{uri}", 7, None, ["{uri}"],
        "https://evil.example/f?uri={uri}\r\nSet-Cookie: a=b", 'https://evil.example/"><script>{uri}',
    ],
)  # fmt: skip
async def test_g05_strange_templates_are_no_way(visitor: Visitor, template: Any) -> None:
    visitor.place.internet.serve(ROOT, leads_to(template), kind=JRD)
    got = await visitor.types("evil.example")
    assert (got.status, link_in(got)) == (400, None)
    assert NO_DOOR in html.unescape(got.body.decode())


async def test_g07_a_server_that_never_answers_holds_up_no_visitor(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SMALL_SECONDS", 0.05)
    visitor.place.internet.silent.add("evil.example")  # type: ignore[arg-type]
    waiting = asyncio.create_task(visitor.types("evil.example"))
    assert (await visitor.asks("GET", "/help")).status == 200
    assert NO_DOOR in html.unescape((await waiting).body.decode())
    # From now on it is left alone for a while.
    asked = len(visitor.place.internet.asked)
    assert (await visitor.types("evil.example")).status == 400
    assert len(visitor.place.internet.asked) == asked


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":"' + b"x" * 70_000 + b'"}', b"\xff", b"{}"])
async def test_g08_large_and_broken_answers_are_no_way(visitor: Visitor, body: bytes) -> None:
    visitor.place.internet.serve(ROOT, body, kind=JRD)
    assert NO_DOOR in html.unescape((await visitor.types("evil.example")).body.decode())


async def test_g22_no_signature_and_no_cookie_goes_to_a_visitors_server(visitor: Visitor) -> None:
    seen: list[tuple[str, dict[str, str]]] = []
    internet = visitor.place.internet

    class Listening(Internet):
        async def send(
            self, method: str, uri: Uri, headers: dict[str, str], body: bytes = b"", **more: Any
        ) -> Reply:
            seen.append((uri, headers))
            return await internet.send(method, uri, headers, body, **more)

    visitor.place.deps = wiring.build(
        visitor.place.deps.settings, visitor.place.db, Listening(), SECRET, limits=PLENTY
    )
    visitor.place.app = wiring.web(visitor.place.deps)
    internet.redirect(ROOT, "https://evil2.example/finger")
    internet.serve("https://evil2.example/finger", leads_to("https://evil.example/f?uri={uri}"), kind=JRD)
    assert link_in(await visitor.types("evil.example")) is not None
    assert [uri for uri, _ in seen] == [ROOT, "https://evil2.example/finger"]
    assert all(set(headers) == {"Host", "Accept"} for _, headers in seen)


async def test_one_address_asks_a_few_times_and_others_go_on(visitor: Visitor) -> None:
    place = visitor.place
    got = [(await visitor.types(f"n{number}.example")).status for number in range(9)]
    assert got == [400] * 6 + [429] * 3
    assert len(place.internet.asked) == 6
    # Of a whole network of one's own there are many addresses, and one visitor.
    again = []
    for number in range(9):
        place.clock.pass_by(seconds=2)
        other = Visitor(place, f"2001:db8:7::{number:x}")
        again.append((await other.types(f"m{number}.example")).status)
    assert again == [400] * 6 + [429] * 3


async def test_all_visitors_together_ask_a_few_times(db: Db, clock: Clock) -> None:
    place = await make_place(db, clock)
    place.internet.asked.clear()
    for number in range(30):
        await Visitor(place, f"203.0.113.{number}").types(f"n{number}.example")
    assert len(place.internet.asked) <= Limits().visitors[0]


async def test_a_suspended_server_is_not_asked_and_the_page_says_why(visitor: Visitor) -> None:
    place = visitor.place
    rule = DomainRule("evil.example", "suspend", reason="It sends people here to be hurt.")
    await moderating.set_domain_rule(place.db, place.deps.instance, None, rule)
    got = await visitor.types("www.evil.example")
    page = html.unescape(got.body.decode())
    assert got.status == 403 and place.internet.asked == []
    assert 'We do not exchange posts with that server. <a href="/about#other-servers">Why</a>' in page
    assert "It sends people here to be hurt." in page
    about = (await visitor.asks("GET", "/about")).body.decode()
    assert 'id="other-servers"' in about


async def test_nobody_is_led_to_a_suspended_server_below_another(visitor: Visitor) -> None:
    place = visitor.place
    rule = DomainRule("bad.evil.example", "suspend")
    await moderating.set_domain_rule(place.db, place.deps.instance, None, rule)
    place.internet.serve(ROOT, leads_to("https://bad.evil.example/f?uri={uri}"), kind=JRD)
    got = await visitor.types("evil.example")
    assert (got.status, link_in(got)) == (403, None)


@pytest.mark.parametrize("group", ["asks", "circle", "room", "never"])
async def test_a_door_is_there_for_open_groups_alone(visitor: Visitor, group: str) -> None:
    got = await visitor.asks("GET", f"/g/{group}/from-your-server")
    never = await visitor.asks("GET", "/g/nothing/from-your-server")
    assert got.status == (200 if group == "asks" else 404)
    assert group == "asks" or got.body == never.body


async def test_where_nothing_is_exchanged_there_is_no_door(db: Db, clock: Clock) -> None:
    visitor = Visitor(await make_place(db, clock, federation="off"))
    assert (await visitor.asks("GET", DOOR)).status == 404
    assert b"from-your-server" not in (await visitor.asks("GET", "/g/pub")).body


async def test_a_form_of_another_site_asks_nobody(visitor: Visitor) -> None:
    got = await visitor.asks("POST", DOOR, {"server": "evil.example"})
    assert got.status == 403 and visitor.place.internet.asked == []


INTERACTIONS = (
    "//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x",
    "https://eve:x@evil.example/", "\r\nLocation: https://evil.example", "", "evil", "https://evil.example\\x",
)  # fmt: skip


@pytest.mark.parametrize("uri", INTERACTIONS)
async def test_k04_no_address_leads_away_from_here(place: Place, uri: str) -> None:
    place.internet.asked.clear()
    target = f"/authorize_interaction?{urlencode({'uri': uri})}"
    out = await Visitor(place).asks("GET", target)
    assert out.status == 303 and out.headers["location"].startswith("/sign-in")
    got = await signed_in(place, "GET", target)
    assert got.status == 400 and "location" not in got.headers and place.internet.asked == []


async def signed_in(place: Place, method: str, target: str, form: dict[str, str] | None = None) -> Got:
    token = await sessions.sign_in(place.db, "wren", "three odd socks drying", verify=_always, address="wren")
    fields = None if form is None else {**form, "token": Sessions(SECRET, secure=True).form_token(token)}
    return await Visitor(place).asks(method, target, fields, f"__Host-session={token}")


async def _always(password: str, known: str) -> bool:
    return True


async def test_k04_an_unknown_address_is_asked_for_only_by_a_button(place: Place) -> None:
    target = f"/authorize_interaction?{urlencode({'uri': EVE.uri})}"
    place.internet.asked.clear()
    got = await signed_in(place, "GET", target)
    assert got.status == 200 and place.internet.asked == []
    page = got.body.decode()
    assert 'href="https://evil.example' not in page and "we ask <bdi>evil.example</bdi> for it" in page
