"""Two whole servers on loopback: a visitor of one follows a group of the other from home, and answers."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from fediverse_support import wiring
from fediverse_support.actions import local_keys
from fediverse_support.actions.accounts import accounts
from fediverse_support.adapters.http_client import HttpClient
from fediverse_support.db.pool import open_db
from fediverse_support.settings import Settings
from fediverse_support.web.words import audiences, reasons
from fediverse_support.workers.visits import Sender
from tests.browser.conftest import DESK, PHONE
from tests.browser.served import free_port, serving
from tests.builders import PASSWORD, PLENTY, SECRET, QuickPasswords, key_maker
from tests.conftest import Clock
from tests.federation.internet import Internet
from tests.federation.world import Server, World

pytestmark = [pytest.mark.browser, pytest.mark.postgres]


@dataclass
class Two:
    """The server with the group, and the one where Ada is at home."""

    world: World
    here: Server
    home: Server
    browser: Browser

    async def window(self, **more: Any) -> Page:
        context = await self.browser.new_context(**{"java_script_enabled": False, **more})
        context.set_default_timeout(15_000)
        return await context.new_page()


async def open_server(stack: AsyncExitStack, world: World) -> Server:
    """Serve a whole server on a port of its own, which speaks with others through real sockets."""
    listener = free_port()
    chosen = Settings(
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", allow_http=True, newcomer_posts_held=0,
        undo_for=timedelta(), federation="open",
    )  # fmt: skip
    db = await open_db(await world.fresh_database(), clock=world.clock, size=4)
    stack.push_async_callback(db.close)
    transport = await stack.enter_async_context(
        HttpClient(user_agent="test", allow_http=True, allow_networks=[ip_network("127.0.0.0/8")])
    )
    deps = replace(wiring.build(chosen, db, transport, SECRET, limits=PLENTY), passwords=QuickPasswords())  # type: ignore[arg-type]
    stack.push_async_callback(deps.remote.close)
    app = wiring.web(deps)
    await accounts.ensure_instance_actor(db, deps.instance, SECRET)
    await stack.enter_async_context(serving(app, listener))
    server = Server(world, deps, app, Sender(chance=random.Random(7).random))
    world.servers[server.host] = server
    return server


@pytest.fixture
async def two(
    fresh_database: Callable[[], Awaitable[str]],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    browser: Browser,
) -> AsyncIterator[Two]:
    monkeypatch.setattr(local_keys, "make_key_pair", key_maker())
    world = World(fresh_database, clock, Internet(clock, random.Random(7)))
    async with AsyncExitStack() as stack:
        here, home = await open_server(stack, world), await open_server(stack, world)
        await here.a_group("sleepless")
        await home.a_person("ada")
        yield Two(world, here, home, browser)
        for context in browser.contexts:
            await context.close()


@pytest.mark.parametrize(
    "device", [{"viewport": PHONE}, {"viewport": DESK, "java_script_enabled": True}], ids=["phone", "desk"]
)
async def test_a_visitor_follows_a_group_from_home_reads_and_answers(
    two: Two, device: dict[str, Any]
) -> None:
    here, home = two.here, two.home
    await here.a_person("wren")
    await here.follows("wren", f"sleepless@{here.host}")
    page = await two.window(**device)
    await page.goto(f"{here.deps.instance.base_url}/g/sleepless")
    await page.get_by_role("link", name="Join from your own server").click()
    await expect(page.get_by_label("This group’s name for other servers")).to_have_value(
        f"@sleepless@{here.host}"
    )
    await page.get_by_label("Your server’s name").fill("no.such.server.invalid")
    await page.get_by_role("button", name="Go there").click()
    await expect(page.get_by_role("alert")).to_contain_text(reasons.FIXES["server", "no_door"])
    await page.get_by_label("Your server’s name").fill(str(home.host))
    await page.get_by_role("button", name="Go there").click()
    await expect(page.get_by_role("heading", name=f"You are going to {home.host}")).to_be_visible()
    await page.get_by_role("link", name=f"Go to {home.host}").click()
    await page.get_by_label("Sign-in name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open this here?")
    await page.get_by_role("button", name="Open it here").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sleepless")
    await page.get_by_role("link", name="Join here").click()
    await expect(page.get_by_text(audiences.GROUP_ELSEWHERE)).to_be_visible()
    await page.get_by_label("Yes, copies of what I write here").check()
    await page.get_by_role("button", name="Join as").click()
    await two.world.settle()
    await here.posts("wren", "Another long night.", to=f"sleepless@{here.host}", title="Nights")
    await two.world.settle()
    await page.goto(f"{home.deps.instance.base_url}/g/sleepless@{here.host}")
    await page.get_by_role("link", name="Nights").click()
    await page.get_by_label("Your reply").fill("I am awake, too.")
    await page.get_by_role("button", name="Post your reply").click()
    await two.world.settle()
    assert await here.texts(f"sleepless@{here.host}") == ["Another long night.", "I am awake, too."]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_doors(two: Two, scheme: Any) -> None:
    page = await two.window(color_scheme=scheme, java_script_enabled=True, bypass_csp=True, viewport=PHONE)
    axe = Axe()

    async def looks(name: str) -> None:
        found = [each["id"] for each in (await axe.run(page)).response["violations"]]
        assert found == [], name
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(width) == 0, name

    door = f"{two.here.deps.instance.base_url}/g/sleepless/from-your-server"
    await page.goto(door)
    await looks("the door")
    for typed, name in (("", "nothing"), (str(two.home.host), "the way")):
        await page.get_by_label("Your server’s name").fill(typed or " ")
        await page.get_by_role("button", name="Go there").click()
        await looks(name)
    await two.here.rules("bad.example", "suspend")
    await page.get_by_label("Your server’s name").fill("bad.example")
    await page.get_by_role("button", name="Go there").click()
    await expect(page.get_by_role("alert")).to_contain_text("We do not exchange posts with that server. Why")
    await looks("a suspended server")
    await page.goto(f"{two.home.deps.instance.base_url}/authorize_interaction?uri=@sleepless@{two.here.host}")
    await page.get_by_label("Sign-in name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Open this here?")
    await looks("the other door")
