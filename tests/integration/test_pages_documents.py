"""Pages name the document that other servers fetch: where there is one, and nowhere else."""

from __future__ import annotations

import re

import pytest

from fediverse_support.db.pool import Db
from tests.conftest import Clock
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres
LINK = re.compile(r'<link rel="alternate" type="application/activity\+json" href="([^"]+)">')


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = await make_site(db, monkeypatch)
    await site.session("wren")
    return site


async def named(site: Site, path: str, name: str | None = None) -> list[str]:
    got = await site.get(path, name)
    assert got.status_code == 200, path
    return LINK.findall(got.text)


async def uri_of(site: Site, table: str, number: int) -> str:
    return str(await site.value(f"select uri from {table} where id = $1", number))


async def test_an_open_group_its_threads_and_people_name_their_documents(site: Site, clock: Clock) -> None:
    group = site.groups["appointments"]
    post = await site.writes("wren", "Which papers do you bring?", title="Papers", group="appointments")
    clock.pass_by(hours=1)
    assert await named(site, "/g/appointments") == [await uri_of(site, "actors", group)]
    assert await named(site, f"/g/appointments/t/{post}") == [await uri_of(site, "posts", post)]
    assert await named(site, "/@wren") == [await uri_of(site, "actors", site.people["wren"].actor_id)]


async def test_what_no_server_can_fetch_names_no_document(site: Site, clock: Clock) -> None:
    closed = await site.writes("wren", "Only for us.", title="Here", group="frontroom")
    narrow = await site.writes("wren", "For followers.", audience="followers")
    clock.pass_by(hours=1)
    late = await site.writes("wren", "It has not left yet.", title="Now", group="appointments")
    paths = ["/g/frontroom", f"/g/frontroom/t/{closed}", f"/post/{narrow}", f"/g/appointments/t/{late}"]
    for path in (*paths, "/home"):
        assert await named(site, path, "wren") == [], path
