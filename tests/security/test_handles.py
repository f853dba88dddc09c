"""A handle on one domain, its actor on another: shown where both say so, and under the rules for either."""

from __future__ import annotations

import json
from typing import Any

import pytest

from federation.uris import Uri
from fediverse_support.actions.moderation import moderating
from fediverse_support.domain.moderation import DomainRule, Severity
from fediverse_support.lookups import Budget
from tests.integration.edge import Peer
from tests.security.support import Place

UNA = Peer(Uri("https://social.example/users/una"), key="evil")
SUBDOMAIN = Peer(Uri("https://social.split.example/users/una"), key="evil")
SHOWN = "select name || '@' || handle_host from actors where uri = $1"
CAN_SEE = "select can_see(p, null) from posts p where uri = $1"


def finger(place: Place, host: str, subject: str, to: str) -> None:
    place.internet.serve(
        f"https://{host}/.well-known/webfinger?resource=acct%3Auna%40{host}",
        {"subject": f"acct:{subject}",
         "links": [{"rel": "self", "type": "application/activity+json", "href": to}]},
        kind="application/jrd+json",
    )  # fmt: skip


def split(place: Place, una: Peer = UNA, **of_split: Any) -> None:
    """Let una be named at split.example, as both sides say unless `of_split` says otherwise."""
    place.meet(una)
    host = una.uri.split("/")[2]
    finger(place, host, "una@split.example", una.uri)
    finger(place, "split.example", "una@split.example", of_split.get("to", una.uri))


async def rules(place: Place, domain: str, severity: Severity) -> None:
    await moderating.set_domain_rule(place.db, place.deps.instance, None, DomainRule(domain, severity))


async def shown(place: Place, una: Peer = UNA) -> str | None:
    found: str | None = await place.value(SHOWN, una.uri)
    return found


@pytest.mark.parametrize("una", [UNA, SUBDOMAIN])
@pytest.mark.parametrize("typed", ["@una@split.example", "@una@{host}", "{uri}"])
async def test_who_is_confirmed_by_both_sides_has_the_handle_on_the_other_domain(
    place: Place, una: Peer, typed: str
) -> None:
    split(place, una)
    text = typed.format(host=una.uri.split("/")[2], uri=una.uri)
    assert (await place.search(text))[0] == ["una@split.example"]
    assert (await place.search("@una@split.example"))[0] == ["una@split.example"]


async def test_who_was_known_before_gets_the_handle_when_somebody_looks_for_it(place: Place) -> None:
    place.meet(UNA)
    await place.search(UNA.uri)
    assert await shown(place) == "una@social.example"
    split(place)
    assert (await place.search("@una@split.example"))[0] == ["una@split.example"]


async def test_a_domain_that_leads_elsewhere_gives_no_handle(place: Place) -> None:
    split(place, to="https://honest.example/u/io")
    assert (await place.search(UNA.uri))[0] == ["una@social.example"]
    assert await shown(place) == "una@social.example"


async def test_a_domain_that_its_server_does_not_name_gives_no_handle(place: Place) -> None:
    split(place)
    finger(place, "social.example", "una@social.example", UNA.uri)
    assert (await place.search("@una@split.example"))[0] == ["una@social.example"]


async def test_a_handle_is_written_in_a_mention(place: Place) -> None:
    split(place)
    await place.search("@una@split.example")
    got = await place.post_api(
        "/v1/statuses", {"status": "Hello @una@split.example", "visibility": "direct"}, "wren"
    )
    assert [each["acct"] for each in json.loads(got.body)["mentions"]] == ["una@split.example"]


@pytest.mark.parametrize("domain", ["split.example", "social.example"])
async def test_a_suspension_of_either_domain_holds(place: Place, domain: str) -> None:
    split(place)
    await place.search("@una@split.example")
    await rules(place, domain, "suspend")
    assert (await place.search("@una@split.example"))[0] == []
    act = place.create(UNA, "pub")
    assert (await place.deliver(act, UNA)).status == 403
    assert await place.post_of(act["object"]["id"]) is None
    assert await place.value("select talks_to('social.example', 'open')") is False


async def test_a_domain_that_was_suspended_before_is_not_got_around(place: Place) -> None:
    split(place)
    await rules(place, "split.example", "suspend")
    await place.deps.remote.learn(UNA.uri, Budget())
    assert await place.value("select rule_for('social.example')") == "suspend"
    assert (await place.deliver(place.create(UNA, "pub"), UNA)).status == 403


@pytest.mark.parametrize(
    ("own", "named", "counts"),
    [
        (None, "limit", "limit"), ("limit", "suspend", "suspend"), ("suspend", "limit", "suspend"),
        ("hold", "limit", "hold"), ("allow", None, "allow"), ("suspend", "allow", "suspend"),
        (None, None, None),
    ],
)  # fmt: skip
async def test_the_stricter_of_two_rules_counts_wherever_it_is_asked(
    place: Place, own: Severity | None, named: Severity | None, counts: Severity | None
) -> None:
    split(place)
    await place.search("@una@split.example")
    for domain, severity in (("social.example", own), ("split.example", named)):
        if severity is not None:
            await rules(place, domain, severity)
    assert await place.value("select rule_for('social.example')") == counts


@pytest.mark.parametrize(
    ("severity", "standing"), [("hold", "held"), ("limit", "limited"), ("allow", "visible")]
)
async def test_what_they_write_is_judged_by_the_rule_for_their_handle(
    place: Place, severity: Severity, standing: str
) -> None:
    split(place)
    await place.search("@una@split.example")
    await rules(place, "split.example", severity)
    act = place.create(UNA, "pub")
    await place.deliver(act, UNA)
    found = await place.value("select standing from posts where uri = $1", act["object"]["id"])
    assert found == standing


async def test_an_exception_for_one_server_below_a_domain_stays_one(place: Place) -> None:
    split(place, SUBDOMAIN)
    await place.search("@una@split.example")
    await rules(place, "split.example", "suspend")
    await rules(place, "social.split.example", "allow")
    assert await place.value("select rule_for('social.split.example')") == "allow"


async def test_what_waited_for_the_rule_about_a_handles_domain_goes_on_without_it(place: Place) -> None:
    split(place)
    await place.search("@una@split.example")
    act = place.create(UNA, "pub")
    await place.deliver(act, UNA)
    await rules(place, "split.example", "suspend")
    assert await place.value(CAN_SEE, act["object"]["id"]) is False
    await moderating.clear_domain_rule(place.db, None, "split.example")
    assert await place.value(CAN_SEE, act["object"]["id"]) is True
    looked_at = "select count(*) from receipts where uri like $1 || '#looked-at'"
    assert await place.value(looked_at, act["object"]["id"]) == 1
