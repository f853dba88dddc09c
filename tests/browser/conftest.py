"""A browser for all journeys, and a served site with its cast for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page

from fediverse_support.db.pool import Db
from tests.browser.served import chromium, free_port, serving
from tests.integration.site import Site, make_site

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, or a skip that says so."""
    async with chromium() as found:
        if found is None:
            pytest.skip("BROWSER TESTS SKIPPED: no Chromium on this machine (apt install chromium)")
        yield found


@dataclass
class Served:
    """A site on loopback, and windows onto it."""

    site: Site
    base: str
    browser: Browser

    async def window(
        self,
        name: str | None = None,
        *,
        size: dict[str, int] | None = None,
        scheme: Literal["light", "dark"] = "light",
        script: bool = False,
        **more: Any,
    ) -> Page:
        """Open a window, signed in as somebody or as a visitor; without JavaScript unless asked."""
        viewport: Any = size or PHONE
        context = await self.browser.new_context(
            viewport=viewport, color_scheme=scheme, java_script_enabled=script, base_url=self.base, **more
        )
        context.set_default_timeout(15_000)
        if name is not None:
            cookie: Any = {"name": "session", "value": await self.site.session(name), "url": self.base}
            await context.add_cookies([cookie])
        return await context.new_page()


@pytest.fixture
async def served(db: Db, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> AsyncIterator[Served]:
    """The cast's server, answering on loopback while the test runs."""
    listener = free_port()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    site = await make_site(db, monkeypatch, base, newcomer_posts_held=0)
    async with serving(site.app, listener):
        yield Served(site, base, browser)
    for context in browser.contexts:
        await context.close()
