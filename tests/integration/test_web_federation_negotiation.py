"""A page or a document: what `Accept` asks for, and how much one caller may ask."""

from __future__ import annotations

import time

import pytest

from fediverse_support.domain.buckets import Buckets
from fediverse_support.web import limits, negotiation

AS1 = "application/activity+json"
AS2 = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def scope(accept: str | None) -> dict[str, object]:
    headers = [] if accept is None else [(b"accept", accept.encode("latin-1"))]
    return {"type": "http", "method": "GET", "headers": headers}


@pytest.mark.parametrize(
    "accept",
    [
        AS1,
        AS2,
        "application/ld+json",
        'application/ld+json;profile="https://www.w3.org/ns/activitystreams"',
        "application/ld+json; profile=https://www.w3.org/ns/activitystreams",
        f"{AS2}, {AS1};q=0.9",
        f"text/html;q=0.5, {AS1}",
        f"{AS1}, text/html;q=0.1, */*",
        "Application/Activity+JSON",
        f'text/plain; note="a, b; q=1, text/html", {AS1}',
    ],
)
def test_a_program_gets_the_document(accept: str) -> None:
    assert negotiation.wants_activity(scope(accept))
    assert not negotiation.prefers_page(scope(accept))


def test_several_lines_of_accept_are_one_list() -> None:
    lines = [(b"accept", b"text/html;q=0.1"), (b"host", b"x"), (b"accept", AS1.encode())]
    asked = {"type": "http", "method": "GET", "headers": lines}
    assert negotiation.wants_activity(asked) and not negotiation.prefers_page(asked)
    asked["headers"] = [(b"accept", b"application/json;q=0.5"), (b"accept", b"text/html")]
    assert negotiation.prefers_page(asked) and not negotiation.wants_activity(asked)


@pytest.mark.parametrize("accept", [BROWSER, f"text/html, {AS1}", f"text/html, {AS1};q=0.9", "text/html"])
def test_a_browser_gets_the_page(accept: str) -> None:
    assert not negotiation.wants_activity(scope(accept))


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        f"{AS1};q=0",
        'application/ld+json; profile="https://other.example/ns"',
        AS1 + " " * 1024,
        f"{AS1};q=high",
    ],
)
def test_what_names_no_document_is_no_wish_for_one(accept: str | None) -> None:
    assert not negotiation.wants_activity(scope(accept))


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", AS1, f"text/html, {AS1}", "text/plain"])
def test_an_id_is_a_document_unless_a_page_is_preferred(accept: str | None) -> None:
    assert not negotiation.prefers_page(scope(accept))


def test_an_id_opened_in_a_browser_is_a_page() -> None:
    assert negotiation.prefers_page(scope(BROWSER))


@pytest.mark.parametrize(
    "accept", ['json ;a="' * 110, "json;" * 200, " " * 1000 + "json", "a/b;c=json" * 100, ",json" * 200]
)
def test_a_hostile_header_costs_nothing(accept: str) -> None:
    began = time.perf_counter()
    negotiation.wants_activity(scope(accept[:1024]))
    assert time.perf_counter() - began < 0.05


def test_a_bucket_empties_and_fills_again() -> None:
    buckets = Buckets(burst=3, per_second=2)
    assert [buckets.take("peer.example", 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("peer.example", 0.0) == 0.5
    assert buckets.take("other.example", 0.0) == 0.0
    assert buckets.take("peer.example", 0.5) == 0.0


def test_however_many_callers_the_memory_is_bounded() -> None:
    buckets = Buckets(burst=1, per_second=1, max_keys=10)
    for number in range(1000):
        buckets.take(f"n{number}.example", 0.0)
    assert len(buckets._left) == 10


@pytest.mark.parametrize("value", [b"-1", b"+5", b"1, 1", b"0x10", b"", b"9" * 30, "²".encode()])
def test_a_length_is_one_plain_number(value: bytes) -> None:
    with pytest.raises(ValueError, match="content-length"):
        limits.declared_length({"headers": [(b"content-length", value)]})


async def test_a_body_is_cut_at_its_limit() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"x" * 400, "more_body": True}

    with pytest.raises(limits.TooLarge):
        await limits.read_body(receive, 1000)


async def test_a_caller_who_leaves_leaves_nothing() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    with pytest.raises(limits.Disconnected):
        await limits.read_body(receive, 1000)
