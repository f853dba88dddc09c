"""What every page must survive: a narrow phone, darkness, strong contrast, right-to-left, and axe."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.conftest import DESK, PHONE, Served
from tests.integration.furnished import furnish

pytestmark = [pytest.mark.browser, pytest.mark.postgres]

NARROW = {"width": 320, "height": 640}
ONLY_COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}


async def sideways(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    width: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width


async def test_no_page_scrolls_sideways_at_320_pixels_in_either_direction(served: Served) -> None:
    pages = await furnish(served.site)
    windows: dict[str | None, Page] = {}
    for path, name in pages:
        if name not in windows:
            windows[name] = await served.window(name, size=NARROW, script=True, bypass_csp=True)
        window = windows[name]
        await window.goto(path)
        assert await sideways(window) == 0, path
        await window.evaluate("document.documentElement.dir = 'rtl'")
        assert await sideways(window) == 0, f"{path} right to left"


async def test_a_word_without_a_space_makes_no_page_wider(served: Served) -> None:
    word, site = "nospaces" * 11, served.site
    root = await site.writes("wren", "Hello.", group="frontroom", title=word, warning=word)
    noted = await site.writes("wren", "Hello.", group="appointments", warning=word)
    await site.writes("marlow", word, parent=root, warning=word)
    paused = {"decision": "pause", "told": word}
    assert (await site.post(f"/post/{root}/pause", "asha", paused)).status_code == 303
    window = await served.window("wren", size=NARROW, script=True, bypass_csp=True)
    pages = ("/home", "/g/frontroom", f"/g/frontroom/t/{root}", f"/post/{root}/remove", f"/post/{root}/edit",
             "/g/appointments", f"/g/appointments/t/{noted}", "/@wren")  # fmt: skip
    for path in pages:
        await window.goto(path)
        assert await sideways(window) == 0, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(served: Served, scheme: Any) -> None:
    pages = await furnish(served.site)
    axe = Axe()
    windows: dict[str | None, Page] = {}
    found = []
    for path, name in pages:
        if name not in windows:
            size = DESK if scheme == "light" else PHONE
            windows[name] = await served.window(name, size=size, scheme=scheme, script=True, bypass_csp=True)
        window = windows[name]
        await window.goto(path)
        results = await axe.run(window, options=None if scheme == "light" else ONLY_COLOURS)
        for violation in results.response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"]]
            found.append(f"{path}: {violation['id']}: {nodes}")
    assert found == []


async def test_strong_contrast_and_forced_colours_keep_every_word(served: Served) -> None:
    await furnish(served.site)
    asked: list[dict[str, Any]] = [{"forced_colors": "active"}, {"contrast": "more"}]
    for more in asked:
        window = await served.window("wren", **more)
        await window.goto("/home")
        assert await window.get_by_role("heading", level=1).is_visible()
        assert await window.get_by_role("link", name="Get help now").is_visible()


async def test_nothing_is_asked_of_another_host(served: Served) -> None:
    pages = await furnish(served.site)
    window = await served.window(script=True)
    asked: list[str] = []
    wrong: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    window.on("console", lambda message: wrong.append(message.text))
    for path, name in pages:
        if name is None and path != "/nowhere":
            await window.goto(path)
    assert all(url.startswith(served.base) for url in asked)
    assert wrong == []


async def heights(window: Page, selector: str) -> dict[str, float]:
    """Return how tall everything is that can be pressed, by its words."""
    found: dict[str, float] = await window.evaluate(
        "s => Object.fromEntries([...document.querySelectorAll(s)].map("
        "e => [e.innerText, e.getBoundingClientRect().height]))",
        selector,
    )
    return found


async def test_ways_back_and_buttons_are_as_tall_as_a_thumb(served: Served) -> None:
    pages = await furnish(served.site)
    windows: dict[str | None, Page] = {}
    for path, name in pages:
        if name not in windows:
            windows[name] = await served.window(name, script=True, bypass_csp=True)
        await windows[name].goto(path)
        found = await heights(windows[name], ".way a, .btn, summary, .mast a")
        assert {words: tall for words, tall in found.items() if tall < 43.9} == {}, path


async def test_a_low_window_keeps_its_room_for_words_and_the_way_out(served: Served) -> None:
    window = await served.window("wren", size={"width": 320, "height": 256}, script=True, bypass_csp=True)
    await window.goto("/privacy")
    await window.evaluate("window.scrollTo(0, 1500)")
    exit_at = await window.get_by_role("link", name="Quick exit").bounding_box()
    help_at = await window.get_by_role("link", name="Get help now").bounding_box()
    assert exit_at is not None and 0 <= exit_at["y"] <= 256 - exit_at["height"]
    assert help_at is not None and help_at["y"] < 0, "the strip does not stay over the words"


async def test_an_open_fold_is_of_one_colour_from_edge_to_edge(served: Served) -> None:
    noted = await served.site.writes("tansy", "Forty candles.", group="frontroom", warning="grief")
    window = await served.window("wren", size=DESK, script=True, bypass_csp=True)
    await window.goto(f"/g/frontroom/t/{noted}")
    await window.locator("summary", has_text="grief").click()
    widths = await window.evaluate(
        "[...document.querySelectorAll('.fold[open]')].map("
        "f => f.clientWidth - f.querySelector('.text').offsetWidth)"
    )
    assert widths == [0]


async def test_the_last_post_of_a_sheet_has_no_line_below_it(served: Served) -> None:
    root = await served.site.writes("tansy", "Hello.", group="frontroom", title="Tea")
    window = await served.window("wren", script=True, bypass_csp=True)
    await window.goto(f"/g/frontroom/t/{root}")
    last = "getComputedStyle([...document.querySelectorAll('.sheet .post')].at(-1)).borderBlockEndWidth"
    assert await window.evaluate(last) == "0px"


async def test_a_post_without_a_title_says_its_sentence_once(served: Served) -> None:
    root = await served.site.writes("tansy", "Third night awake.", group="frontroom", title="")
    window = await served.window("wren", script=True, bypass_csp=True)
    await window.goto(f"/g/frontroom/t/{root}")
    heading = await window.get_by_role("heading", level=1).bounding_box()
    assert heading is not None and heading["height"] <= 1, "for those who listen only"
    assert await window.locator(".text").inner_text() == "Third night awake."


async def test_the_main_links_of_an_admin_fit_on_a_phone(served: Served) -> None:
    window = await served.window("tom", script=True, bypass_csp=True)
    await window.goto("/admin/servers")
    tops = await window.evaluate(
        "[...document.querySelectorAll('.mast li')].map(e => e.getBoundingClientRect().top)"
    )
    assert len(set(tops)) == 1 and len(tops) == 4
