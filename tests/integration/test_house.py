"""What the organisation decides: in force at commit, its texts with versions, its secrets sealed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from fediverse_support.actions import groups
from fediverse_support.actions import house as actions
from fediverse_support.cli import words
from fediverse_support.db import migrate
from fediverse_support.db.pool import Db
from fediverse_support.domain import house
from fediverse_support.domain.errors import Invalid, NotFound
from fediverse_support.domain.house import KEYS, Key
from fediverse_support.reads import house as reads
from fediverse_support.web.mastodon import routes as mastodon
from tests.asgi import ask
from tests.conftest import Queries
from tests.integration.site import Site, make_site

pytestmark = pytest.mark.postgres
SECRET = b"k" * 32
WEBHOOK = Key("webhook_secret", "", str, "a line", "Proves that a call comes from here.", "secret")


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def choose(site: Site, key: str, text: str) -> None:
    deps = site.deps
    await actions.choose(deps.db, deps.instance, None, KEYS[key], text, secret=deps.secret)


async def test_what_is_chosen_holds_for_the_next_request(site: Site) -> None:
    for name in ("Harbour", "Garden & Sons"):
        await choose(site, "name", name)
        page = (await site.get("/about")).text
        assert f"<title>How we run this – {name.replace('&', '&amp;')}</title>" in page
        assert await site.value("select display_name from actors where kind = 'instance'") == name


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("closed", "We are not taking new members right now."),
        ("invite", "New members come in by invitation."),
        ("approval", "Ask to join"),
        ("open", "Create my account"),
    ],
)
async def test_the_door_follows_at_once(site: Site, mode: str, said: str) -> None:
    await choose(site, "registration", mode)
    assert said in (await site.get("/join")).text
    async with site.browser() as browser:
        sent = await browser.post("/join", data={"name": "fern"})
    assert sent.status_code in (200, 403)


async def test_a_page_of_somebody_costs_no_question_more(site: Site, queries: Queries) -> None:
    await site.get("/about", "wren")
    queries.forget()
    await site.get("/about", "wren")
    assert sum("house_now()" in sql for sql in queries.seen) == 1
    assert not any(sql == reads.FIND for sql in queries.seen)


async def test_apps_are_told_what_the_organisation_says_of_itself(site: Site) -> None:
    for key, text in (
        ("name", "Harbour"), ("summary", "For all <of> you."), ("contact", "help@example.org"),
        ("languages", "de, en"), ("rules", "Be kind.\nNo adverts."), ("registration", "open"),
    ):  # fmt: skip
        await choose(site, key, text)
    app: Any = mastodon_app(site)

    async def asked(path: str) -> Any:
        host = {"host": site.deps.instance.host}
        return json.loads((await ask(app, "GET", f"/api/{path}", host)).body)

    second, first = await asked("v2/instance"), await asked("v1/instance")
    assert second["title"] == first["title"] == "Harbour"
    assert second["description"] == first["short_description"] == "For all <of> you."
    assert second["contact"]["email"] == first["email"] == "help@example.org"
    assert second["languages"] == first["languages"] == ["de", "en"]
    rules = [{"id": "1", "text": "Be kind.", "hint": ""}, {"id": "2", "text": "No adverts.", "hint": ""}]
    assert second["rules"] == first["rules"] == await asked("v1/instance/rules") == rules
    assert second["registrations"]["enabled"] is first["registrations"] is True
    assert second["registrations"]["approval_required"] is False


def mastodon_app(site: Site) -> Any:
    from fediverse_support.web.app import assemble

    return assemble(mastodon.routes(site.deps), base_url=site.deps.instance.base_url)


async def test_pages_show_the_organisations_own_texts_and_nothing_of_them_is_markup(site: Site) -> None:
    await choose(site, "rules", "Be <b>kind</b>.\nNo adverts.")
    await choose(site, "about", "We are *seven* people. <script>alert(1)</script>")
    await choose(site, "imprint", "Some street\n12345 Some town")
    await choose(site, "privacy", "Our backups are kept in **Bern**.")
    await choose(site, "contact", "help@example.org")
    rules, about, privacy = [(await site.get(path)).text for path in ("/rules", "/about", "/privacy")]
    assert "Be &lt;b&gt;kind&lt;/b&gt;." in rules and "Speak from your own life" not in rules
    assert "<em>seven</em>" in about and "<script>alert" not in about
    assert "Some street" in about and "12345 Some town" in about and "help@example.org" in about
    assert "<strong>Bern</strong>" in privacy


async def test_the_first_page_says_what_this_is_in_the_organisations_words(site: Site) -> None:
    assert "A place to talk with people who understand" in (await site.get("/")).text
    await choose(site, "summary", "For all <of> you.")
    assert "For all &lt;of&gt; you." in (await site.get("/")).text


async def test_a_group_that_names_no_language_has_that_of_the_house(site: Site) -> None:
    await choose(site, "language", "de")
    for name, language in (("hafen", None), ("harbour", "en")):
        group_id = await groups.create_group(
            site.db, site.deps.instance, site.deps.secret, name=name, title=name, kind="open",
            language=language,
        )  # fmt: skip
        kept = await site.value("select language from groups where actor_id = $1", group_id)
        assert kept == (language or "de")


async def test_a_change_of_the_rules_is_a_version_and_the_same_rules_are_none(db: Db, site: Site) -> None:
    for text in ("Be kind.", "Be kind. ", "Be kind.\nNo adverts."):
        await choose(site, "rules", text)
    async with db.connection() as conn:
        newest, first = await reads.find_wording(conn, "rules"), await reads.find_wording(conn, "rules", 1)
        assert await reads.find_wording(conn, "rules", 3) is None
    assert newest is not None and (newest.version, newest.body) == (2, "Be kind.\nNo adverts.")
    assert first is not None and first.body == "Be kind."


async def test_two_changes_at_the_same_moment_are_two_versions(db: Db, site: Site) -> None:
    await asyncio.gather(*(choose(site, "rules", f"Rule {number}.") for number in range(5)))
    async with db.connection() as conn:
        found = [row["version"] for row in await conn.fetch("select version from wordings order by version")]
    assert found == [1, 2, 3, 4, 5]


async def test_a_secret_is_sealed_and_never_shown(
    db: Db, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "TABLE", (*house.TABLE, WEBHOOK))
    await actions.choose(db, site.deps.instance, None, WEBHOOK, "hush", secret=SECRET)
    async with db.connection() as conn:
        shown = [one for one in await reads.list_settings(conn, ()) if one.key == "webhook_secret"]
        assert [(one.value, one.source) for one in shown] == [("set", "chosen")]
        assert "hush" not in str(await conn.fetchval("select house_now()"))
        assert b"hush" not in await conn.fetchval("select sealed from house where key = 'webhook_secret'")
        assert await actions.open_secret(conn, WEBHOOK, SECRET) == "hush"
        with pytest.raises(ValueError):
            await actions.open_secret(conn, WEBHOOK, b"o" * 32)


async def test_what_a_key_does_not_take_is_refused_in_words(site: Site) -> None:
    with pytest.raises(Invalid) as refused:
        await choose(site, "federation", "everybody")
    assert words.sentence_for(refused.value) == "federation must be open, allowlist or off."
    with pytest.raises(NotFound) as unknown:
        actions.key_of("colour")
    assert words.sentence_for(unknown.value).startswith("There is no setting colour; the settings are name,")
    assert await site.value("select value from house where key = 'federation'") == "open"


async def test_each_decision_leaves_a_line_in_the_record(site: Site) -> None:
    await choose(site, "federation", "allowlist")
    assert await site.value("select subject from mod_actions where action = 'setting_chosen'") == "federation"


async def test_an_override_is_shown_as_such_and_holds(db: Db, site: Site) -> None:
    await choose(site, "federation", "allowlist")
    here = replace(site.deps.instance, overrides=(("federation", "off"),))
    async with db.connection() as conn:
        assert (await reads.find(conn, here.overrides)).federation == "off"
        listed = {one.key: one for one in await reads.list_settings(conn, here.overrides)}
    assert (listed["federation"].value, listed["federation"].source) == ("off", "environment")
    assert listed["name"].source == "default"


@pytest.mark.parametrize("has_people", [True, False])
async def test_only_a_server_with_people_keeps_what_it_did_before(
    fresh_database: Any, has_people: bool
) -> None:
    conn = await asyncpg.connect(await fresh_database())
    try:
        await conn.execute("delete from house")
        if has_people:
            await conn.execute(
                "insert into accounts (name, password_hash, standing, created_at)"
                " values ('wren', 'x', 'active', now())"
            )
        text = (migrate.MIGRATIONS / "0032_house.sql").read_text()
        await conn.execute(text[text.index("insert into house") : text.index("-- migrate: rollback")])
        found = {row["key"]: row["value"] for row in await conn.fetch("select key, value from house")}
    finally:
        await conn.close()
    assert found == ({"federation": "open", "registration": "approval"} if has_people else {})
