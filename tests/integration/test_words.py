"""Every word of every page comes out of a catalogue: shown in a language made up for it, none is left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from babel.messages import pofile
from babel.messages.catalog import Message as Entry

from fediverse_support import speech
from fediverse_support.actions import house as actions
from fediverse_support.db.pool import Db
from tests import catalogue
from tests.conftest import Clock
from tests.integration.furnished import furnish
from tests.integration.site import Site, make_site

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(120)]

MADE_UP = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "àƀçđéƒğĥíĵķļɱñóþʠřšťúṽŵẋýžÀƁÇĐÉƑĞĤÍĴĶĻṀÑÓÞɊŘŠŤÚṼŴẊÝŽ",
)
KEPT = re.compile(r"%\(\w+\)s|<[^>]*>|&\w+;")
"""What is no word of a sentence: its slots and its HTML."""
SAID = ("aria-label", "title", "placeholder", "alt", "data-show", "data-hide")
VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "circle", "path"})
NAMES = frozenset(("Fediverse Support", "masto.example"))
THEIRS = """
select title from posts where title <> '' union select title from groups
union select display_name from actors where display_name <> '' union select name from actors
"""
"""What people and places are called stands as it is in every language."""


def made_up(text: str) -> str:
    """A sentence in the language that nobody speaks; its slots and tags stay."""
    kept = KEPT.findall(text)
    words = [part.translate(MADE_UP) for part in KEPT.split(text)]
    return f"⟦{''.join(word + mark for word, mark in zip(words, [*kept, ''], strict=True))}⟧"


def translate(folder: Path, name: str) -> None:
    """Write a catalogue in which every sentence is made up."""
    catalog = catalogue.extract()
    entry: Entry
    for entry in catalog:
        if entry.id:
            forms = (entry.id,) if isinstance(entry.id, str) else entry.id
            said = tuple(made_up(form) for form in forms)
            entry.string = said[0] if isinstance(entry.id, str) else said
    catalog.locale = Locale.parse(name)
    with (folder / f"{name}.po").open("wb") as file:
        pofile.write_po(file, catalog)


class Left(HTMLParser):
    """Collects words that no catalogue said. What people wrote stands as it is, and so do days."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self._names = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in SAID:
            value = given.get(name)
            if value and not (value.startswith("⟦") and value.endswith("⟧")):
                self.words.append(f"{name}={value}")
        is_theirs = (
            tag in ("bdi", "q", "textarea", "time") or "dir" in given or "text" in str(given.get("class"))
        )
        if tag not in VOID:
            inside = bool(self._open) and self._open[-1][1]
            self._open.append((tag, inside or (is_theirs and tag != "html")))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and (self._open[-1][1] or self._open[-1][0] == "style"):
            return
        for part in re.split(r"([⟦⟧])", self._names.sub("", data)):
            self._depth += {"⟦": 1, "⟧": -1}.get(part, 0)
            if re.search(r"[A-Za-z]{2}", part) or (self._depth == 0 and re.search(r"[^\W\d_]", part)):
                self.words.append(part.strip())


def left(page: str, names: Iterable[str] = NAMES) -> list[str]:
    """Return what a page says past its catalogue."""
    reader = Left(names)
    reader.feed(page)
    return reader.words


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Site:
    translate(tmp_path, "ar")
    languages = speech.load(tmp_path)
    monkeypatch.setattr(speech, "load", lambda: languages)
    return await make_site(db, monkeypatch)


async def pages(site: Site) -> Iterator[tuple[str, str]]:
    """Every page in the language that nobody speaks, with its address."""
    shown = []
    for path, name in await furnish(site):
        answer = await site.get(path, name, **{"accept-language": "ar, en;q=0.5"})
        shown.append((path, answer.text))
    return iter(shown)


async def test_every_word_of_every_page_comes_out_of_a_catalogue(site: Site) -> None:
    shown = await pages(site)
    async with site.db.connection() as conn:
        names = NAMES | {row[0] for row in await conn.fetch(THEIRS)}
    found = {path: words for path, page in shown if (words := left(page, names))}
    assert found == {}


async def test_a_page_is_in_the_language_that_the_browser_asks_for(site: Site) -> None:
    arabic = await site.get("/about", **{"accept-language": "xx, ar-EG;q=0.9, en;q=0.8"})
    assert '<html lang="ar" dir="rtl">' in arabic.text
    english = await site.get("/about", **{"accept-language": "en-US, ar;q=0.3"})
    assert '<html lang="en">' in english.text and "How we run this" in english.text
    assert all("Accept-Language" in page.headers["vary"] for page in (arabic, english))
    other = await site.get("/about", **{"accept-language": "fr, ;;q=x, " + "a" * 3000})
    assert '<html lang="en">' in other.text


async def test_days_and_times_are_those_of_the_zone_that_the_organisation_chose(
    db: Db, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    site = await make_site(db, monkeypatch)
    clock.at = datetime(2030, 5, 1, 11, 30, tzinfo=UTC)
    post = await site.writes("wren", "Good day.", group="appointments", title="Late")
    said = []
    for zone in ("UTC", "Pacific/Kiritimati", "America/New_York"):
        await actions.choose_where_nobody_has(site.db, {"zone": zone})
        said.append((await site.get(f"/g/appointments/t/{post}", "wren")).text)
        async with site.db.connection() as conn:
            await conn.execute("delete from house where key = 'zone'")
    for page, (hour, part) in zip(
        said, [("11:40", "This morning"), ("01:40", "This morning"), ("07:40", "This morning")], strict=True
    ):
        assert f"It goes to other servers at {hour}." in page and part in page
    assert ['datetime="2030-05-02"' in page for page in said] == [False, True, False]


@pytest.mark.parametrize("page", ["<p>Plain words</p>", "<p>⟦Àb⟧ left</p>", '<a aria-label="Words">⟦à⟧</a>'])
def test_a_word_past_its_catalogue_is_found(page: str) -> None:
    assert left(page)
