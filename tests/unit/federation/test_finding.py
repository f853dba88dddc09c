"""WebFinger and NodeInfo: how an actor is found by its name, and what its server runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from federation.errors import Gone, Malformed, Unreachable
from federation.fetching import nodeinfo_software, webfinger
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Uri
from tests.unit.federation.requests import IO_KEY, PRIVATE, Peers, moved, reply

SIGNER = Signer(IO_KEY, PRIVATE)


# --- WebFinger ---

FINGER = Uri("https://pie.example/.well-known/webfinger?resource=acct%3Asleepless%40pie.example")
TYPE = "https://www.w3.org/ns/activitystreams#type"


def described(*links: dict[str, Any]) -> Reply:
    return reply({"subject": "acct:sleepless@pie.example", "links": list(links)}, kind="application/jrd+json")


def self_link(href: str, of: str | None = None, **changes: Any) -> dict[str, Any]:
    link = {"rel": "self", "type": "application/activity+json", "href": href, **changes}
    return link if of is None else {**link, "properties": {TYPE: of}}


async def find(peers: Peers, **options: Any) -> Uri:
    return await webfinger(peers, "sleepless", "pie.example", **{"allow_http": False, **options})


async def test_a_name_leads_to_an_actor() -> None:
    peers = Peers({FINGER: described(self_link("https://pie.example/c/sleepless"))})
    assert await find(peers) == "https://pie.example/c/sleepless"
    ((_, _, headers),) = peers.asked
    assert "Signature" not in headers


async def test_the_kind_that_is_looked_for_is_preferred() -> None:
    links = (self_link("https://pie.example/u/s", "Person"), self_link("https://pie.example/c/s", "Group"))
    assert await find(Peers({FINGER: described(*links)}), kind="Group") == "https://pie.example/c/s"
    assert await find(Peers({FINGER: described(*links)}), kind="Person") == "https://pie.example/u/s"
    assert await find(Peers({FINGER: described(*links)})) == "https://pie.example/u/s"


@pytest.mark.parametrize(
    "link",
    [
        self_link("https://pie.example/c/s", type="text/html"),
        self_link("https://pie.example/c/s", type="application/json"),
        self_link("https://pie.example/c/s", rel="alternate"),
        self_link("javascript:x"),
        self_link("data:application/json,{}"),
    ],
)
async def test_other_links_do_not_count(link: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        await find(Peers({FINGER: described(link)}))


async def test_three_redirects_are_followed_and_no_fourth() -> None:
    steps = [Uri(f"https://pie.example/{number}") for number in range(5)]
    answers: dict[str, Any] = {FINGER: moved(steps[0])}
    answers |= {steps[number]: moved(steps[number + 1]) for number in range(4)}
    answers[steps[2]] = described(self_link("https://pie.example/c/s"))
    assert await find(Peers(answers)) == "https://pie.example/c/s"
    answers[steps[2]] = moved(steps[3])
    peers = Peers(answers)
    with pytest.raises(Malformed, match="too many"):
        await find(peers)
    assert len(peers.asked) == 4


@pytest.mark.parametrize(
    "location", ["http://pie.example/x", "data:,x", "file:///x", "ftp://pie.example/", ""]
)
async def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    peers = Peers({FINGER: moved(location)})
    with pytest.raises(Malformed):
        await find(peers)
    assert len(peers.asked) == 1


async def test_a_redirect_keeps_its_scheme_in_a_test_world_too() -> None:
    plain = Uri(FINGER.replace("https", "http"))
    peers = Peers({plain: moved(FINGER), FINGER: described(self_link("https://pie.example/c/s"))})
    with pytest.raises(Malformed, match="another scheme"):
        await find(peers, allow_http=True)
    assert len(peers.asked) == 1


async def test_an_unknown_name_is_gone() -> None:
    with pytest.raises(Gone):
        await find(Peers({}))


async def test_in_a_test_world_plain_http_is_tried_first() -> None:
    plain = Uri(FINGER.replace("https", "http"))
    answer = described(self_link("http://pie.example/c/s"))
    assert await find(Peers({plain: answer}), allow_http=True) == "http://pie.example/c/s"
    peers = Peers({plain: Unreachable("refused"), FINGER: answer})
    assert await find(peers, allow_http=True) == "http://pie.example/c/s"


async def test_a_name_cannot_add_to_the_address() -> None:
    peers = Peers({})
    with pytest.raises(Gone):
        await webfinger(peers, "a&x=1#/../?", "pie.example", allow_http=False)
    assert peers.asked[0][1].endswith("?resource=acct%3Aa%26x%3D1%23%2F..%2F%3F%40pie.example")


@pytest.mark.parametrize("host", ["pie.example/x", "a@pie.example", "pie.example?x", "pie example", ""])
async def test_a_host_is_only_a_host(host: str) -> None:
    peers = Peers({})
    with pytest.raises(Malformed):
        await webfinger(peers, "a", host, allow_http=False)
    assert peers.asked == []


# --- NodeInfo ---

LIST = Uri("https://pie.example/.well-known/nodeinfo")
INFO = Uri("https://pie.example/nodeinfo/2.0")
REL = "http://nodeinfo.diaspora.software/ns/schema/2.0"


async def software(answers: Mapping[Uri, Reply | Exception]) -> tuple[str | None, list[Uri]]:
    peers = Peers(dict(answers.items()))
    return await nodeinfo_software(peers, "pie.example", allow_http=False), [uri for _, uri, _ in peers.asked]


async def test_a_host_names_its_software() -> None:
    answers = {
        LIST: reply({"links": [{"rel": REL, "href": INFO}]}, kind="application/json"),
        INFO: reply({"software": {"name": "PieFed"}}, kind="application/json"),
    }
    assert await software(answers) == ("piefed", [LIST, INFO])


@pytest.mark.parametrize(
    "href",
    ["http://169.254.169.254/", "file:///x", "data:,x", "https://evil.example/n", "http://pie.example/n"],
)
async def test_links_to_elsewhere_are_not_fetched(href: str) -> None:
    answers = {LIST: reply({"links": [{"rel": REL, "href": href}]}, kind="application/json")}
    assert await software(answers) == (None, [LIST])


async def test_a_host_without_nodeinfo_has_no_software() -> None:
    assert await software({}) == (None, [LIST])
    broken = {LIST: reply({"links": [{"rel": REL, "href": INFO}]}), INFO: moved("https://evil.example/")}
    assert await software(broken) == (None, [LIST, INFO])


async def test_a_host_that_is_down_is_not_taken_for_one_without_nodeinfo() -> None:
    with pytest.raises(Unreachable):
        await software({LIST: Unreachable("timeout")})
