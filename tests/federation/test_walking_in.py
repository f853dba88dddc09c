"""A visitor of a group's page goes to their own server with it; one of our people comes here from another."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import urlencode

import pytest

from fediverse_support.actions.accounts import sessions
from fediverse_support.web.sessions import Sessions
from fediverse_support.web.words import audiences, sentences
from tests.asgi import Got, ask
from tests.builders import PASSWORD, SECRET, QuickPasswords
from tests.federation.scenes import GROUP, Scene, three_servers
from tests.federation.world import Server, World

DOOR = "/g/sleepless/from-your-server"
INTERACT = "/authorize_interaction"


class Browser:
    """Somebody's browser at one server; it follows no redirect."""

    def __init__(self, server: Server, cookie: str = "", token: str = "") -> None:
        self.server, self.cookie, self.token = server, cookie, token

    async def get(self, path: str) -> Got:
        return await self._ask("GET", path)

    async def post(self, path: str, **form: str) -> Got:
        if not self.token:
            page = await self.get(path)
            self.cookie = page.headers["set-cookie"].partition(";")[0]
            self.token = re.findall(r'name="token" value="([^"]+)"', page.body.decode())[0]
        return await self._ask("POST", path, urlencode({"token": self.token, **form}).encode())

    async def _ask(self, method: str, path: str, body: bytes = b"") -> Got:
        headers = {"Host": str(self.server.host), "Accept": "text/html"}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        return await ask(self.server.app, method, path, headers, body)


async def browser_of(server: Server, name: str) -> Browser:
    token = await sessions.sign_in(server.db, name, PASSWORD, verify=QuickPasswords().verify, address=name)
    return Browser(server, f"__Host-session={token}", Sessions(SECRET, secure=True).form_token(token))


async def test_a_visitor_follows_a_group_of_one_server_from_home_on_another(world: World) -> None:
    a, b = await world.server("a.example"), await world.server("b.example")
    await a.a_group("sleepless")
    await b.a_person("ada")
    visitor = Browser(a)
    assert DOOR in (await visitor.get("/g/sleepless")).body.decode()
    page = (await visitor.get(DOOR)).body.decode()
    assert "Your server may show people that you follow us." in page
    assert re.search(r'<input id="handle" type="text" value="@sleepless@a.example" readonly', page)
    going = html.unescape((await visitor.post(DOOR, server="b.example")).body.decode())
    assert "You are going to <bdi>b.example</bdi>" in going
    there = re.findall(r'href="https://b\.example(/authorize_interaction\?uri=[^"]+)"', going)[0]
    # At home nobody is signed in yet; afterwards they are where they were going.
    out = await Browser(b).get(there)
    assert out.status == 303 and out.headers["location"] == "/sign-in?" + urlencode({"back": there})
    ada = await browser_of(b, "ada")
    asked = html.unescape((await ada.get(there)).body.decode())
    assert "we ask <bdi>a.example</bdi> for it" in asked
    uri = re.findall(r'name="uri" value="([^"]+)"', asked)[0]
    found = await ada.post(INTERACT, uri=uri)
    assert (found.status, found.headers["location"]) == (303, "/g/sleepless@a.example")
    assert audiences.GROUP_ELSEWHERE in html.unescape(
        (await ada.get("/g/sleepless@a.example/join")).body.decode()
    )
    await ada.post("/g/sleepless@a.example/join", copies="1")
    await world.settle()
    assert await b.standing("ada", GROUP) == "accepted"
    # It is known now, and nobody is asked again.
    world.internet.forget()
    again = await ada.get(there)
    assert (again.status, again.headers["location"]) == (303, "/g/sleepless@a.example")
    assert world.internet.crossings == []


@pytest.fixture
async def scene(world: World) -> Scene:
    return await three_servers(world)


async def test_posts_and_people_lead_to_our_pages_of_them(scene: Scene, world: World) -> None:
    uri = await scene.a.posts("wren", "A long night.", to=GROUP)
    await world.settle()
    ada = await browser_of(scene.b, "ada")
    row = await scene.b.row_of(uri)
    page = await scene.a.value("select id from posts where uri = $1", uri)
    group = await scene.a.value("select uri from actors where name = 'sleepless'")
    known = {
        uri: f"/post/{row}",
        group: "/g/sleepless@a.example",
        "acct:sleepless@a.example": "/g/sleepless@a.example",
        "@ada@b.example": "/@ada",
        scene.b.people["ada"].uri: "/@ada",
    }
    for address, place in known.items():
        got = await ada.get(f"{INTERACT}?{urlencode({'uri': address})}")
        assert (got.status, got.headers.get("location")) == (303, place), address
    # By its page it is found as well, once its server was asked.
    found = await ada.post(INTERACT, uri=f"https://a.example/g/sleepless/t/{page}")
    assert (found.status, found.headers["location"]) == (303, f"/post/{row}")


async def test_people_elsewhere_and_what_is_not_there_are_told_apart_in_words(scene: Scene) -> None:
    await scene.a.a_person("heron")
    ada = await browser_of(scene.b, "ada")
    person = await ada.post(INTERACT, uri="@heron@a.example")
    assert person.status == 404 and sentences.A_PERSON_THERE in html.unescape(person.body.decode())
    for address in ("https://a.example/ap/o/never", "@nobody@a.example", "https://never.example/x"):
        got = await ada.post(INTERACT, uri=address)
        assert got.status == 404 and sentences.NOT_FOUND_THERE in html.unescape(got.body.decode()), address


async def test_what_is_not_for_them_is_a_page_that_never_was(scene: Scene) -> None:
    await scene.b.a_person("nils")
    await scene.b.a_group("inside", "home", moderators=("ada",))
    inside = await scene.b.value("select uri from actors where name = 'inside'")
    post = await scene.b.posts("ada", "For us alone.", to="inside@b.example")
    nils = await browser_of(scene.b, "nils")
    never = (await nils.get(f"{INTERACT}?uri=https%3A%2F%2Fb.example%2Fap%2Fo%2Fnever")).body
    for address in (inside, post, "https://b.example/g/inside", "!inside@b.example"):
        got = await nils.get(f"{INTERACT}?{urlencode({'uri': address})}")
        assert (got.status, got.body) == (404, never), address


async def test_a_form_that_met_a_closed_session_goes_on_where_it_was(scene: Scene) -> None:
    got = await Browser(scene.b, token="none").post(INTERACT, uri="@sleepless@a.example")
    back = html.unescape(re.findall(r'name="back" value="([^"]+)"', got.body.decode())[0])
    assert (got.status, back) == (403, f"{INTERACT}?uri=%40sleepless%40a.example")


async def test_our_people_and_our_server_say_where_they_act_on_what_is_elsewhere(scene: Scene) -> None:
    async def doors(resource: str) -> list[str]:
        got = await scene.b.get(f"/.well-known/webfinger?{urlencode({'resource': resource})}")
        return [link["template"] for link in json.loads(got.body)["links"] if "template" in link]

    page = f"https://b.example{INTERACT}"
    wanted = [f"{page}?uri={{uri}}", f"{page}?uri={{object}}", f"{page}?uri={{object}}"]
    for resource in (
        "acct:ada@b.example",
        "https://b.example",
        "http://b.example/",
        "acct:b.example@b.example",
    ):
        assert await doors(resource) == wanted, resource
    await scene.b.a_group("quiet", moderators=("ada",))
    assert await doors("acct:quiet@b.example") == []
