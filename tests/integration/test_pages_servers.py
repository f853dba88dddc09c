"""The page of another server: what is, what would be, and no slip of the hand that hits half the network."""

from __future__ import annotations

import html

import pytest

from federation.uris import Host
from fediverse_support.actions.moderation import moderating
from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import Invalid
from fediverse_support.domain.moderation import DomainRule, is_wide
from fediverse_support.store.exchange import peers
from tests.integration.site import Site, make_site, went_to

pytestmark = pytest.mark.postgres


@pytest.fixture
async def site(db: Db, monkeypatch: pytest.MonkeyPatch) -> Site:
    return await make_site(db, monkeypatch)


async def met(site: Site, *hosts: str) -> None:
    async with site.db.transaction() as tx:
        for host in hosts:
            await tx.execute(
                "insert into peers (host, last_heard_at) values ($1, $2)", host, site.db.now()
            )


async def rules(site: Site) -> str:
    return str(await site.value("select coalesce(string_agg(domain, ' '), '') from domain_rules"))


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("org", True), ("co.uk", True), ("com.au", True), ("masto.host", True), ("github.io", True),
        ("quiet.example", False), ("quiet.co.uk", False), ("one.masto.host", False), ("social.coop", False),
        ("localhost", False), ("peer:8443", False), ("[::1]:8000", False), ("mastodon.me", False),
    ],
)  # fmt: skip
def test_which_names_are_no_single_server(domain: str, expected: bool) -> None:
    assert is_wide(domain) is expected


async def test_a_rule_for_a_top_level_domain_asks_twice_and_says_whom_it_hits(site: Site) -> None:
    await met(site, "quiet.org", "loud.example", "two.loud.org")
    page = html.unescape((await site.get("/admin/servers/org", "tom")).text)
    assert "This is not one server." in page and "quiet.org" in page and "two.loud.org" in page
    assert "<bdi>loud.example</bdi>" not in page
    form = {"severity": "suspend", "reason": "A slip."}
    once = await site.post("/admin/servers/org", "tom", form)
    assert once.status_code == 400 and "Tick the box if you mean every server under this name" in once.text
    assert "A slip." in once.text and await rules(site) == ""
    twice = await site.post("/admin/servers/org", "tom", {**form, "wide": "1"})
    assert went_to(twice) == "/admin/servers?done=rule-set" and await rules(site) == "org"


async def test_a_server_with_names_under_it_says_so_and_asks_once(site: Site) -> None:
    await met(site, "loud.example", "a.loud.example")
    page = (await site.get("/admin/servers/loud.example", "tom")).text
    assert "A rule here also covers the names under it." in page and "a.loud.example" in page
    await site.post("/admin/servers/loud.example", "tom", {"severity": "hold"})
    assert await rules(site) == "loud.example"


async def test_the_page_of_a_rule_in_force_says_what_is(site: Site) -> None:
    await site.post("/admin/servers/loud.example", "tom", {"severity": "suspend"})
    page = (await site.get("/admin/servers/loud.example", "tom")).text
    assert "Nothing has changed yet" not in page and "If you suspend it" not in page
    assert "It is suspended. Nothing goes out or comes in" in page and "This has stopped" in page
    below = (await site.get("/admin/servers/a.loud.example", "tom")).text
    assert "Nothing has changed yet" not in below and "A rule for a wider name is in force here" in below
    await site.post("/admin/servers/loud.example", "tom", {"severity": "hold"})
    assert "It is on hold." in (await site.get("/admin/servers/loud.example", "tom")).text


async def test_saving_a_rule_on_its_page_keeps_what_the_page_does_not_show(site: Site) -> None:
    whole = DomainRule("loud.example", "hold", reject_media=True, reject_reports=True)
    await moderating.set_domain_rule(site.db, site.deps.instance, None, whole)
    await site.post("/admin/servers/loud.example", "tom", {"severity": "limit", "reason": "Since May."})
    kept = "select severity = 'limit' and reject_media and reject_reports from domain_rules"
    assert await site.value(kept) is True
    taken_back = DomainRule("loud.example", "limit", reject_reports=False)
    await moderating.set_domain_rule(site.db, site.deps.instance, None, taken_back)
    assert await site.value("select reject_media and not reject_reports from domain_rules") is True


@pytest.mark.parametrize("domain", ["support.example", "Support.Example", "https://support.example/about"])
async def test_no_rule_is_about_this_server_itself(site: Site, domain: str) -> None:
    with pytest.raises(Invalid) as refused:
        await moderating.set_domain_rule(
            site.db, site.deps.instance, None, DomainRule(domain, "suspend"), is_meant=True
        )
    assert refused.value.fields == {"domain": "ours"} and await rules(site) == ""


async def test_the_page_of_a_server_says_why_keys_from_there_are_refused(site: Site) -> None:
    await met(site, "quiet.example")
    words = "sign with a key that is too short"
    assert words not in (await site.get("/admin/servers/quiet.example", "tom")).text
    async with site.db.transaction() as tx:
        await peers.note_key_fault(tx, Host("quiet.example"), "key_too_small", site.db.now())
    assert words in (await site.get("/admin/servers/quiet.example", "tom")).text
