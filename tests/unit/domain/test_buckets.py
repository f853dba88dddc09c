"""Memory about strangers is bounded, whoever they are and however many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fediverse_support.domain import buckets
from fediverse_support.domain.buckets import Buckets, Shelf, family

NOW = datetime(2030, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("peer.example", "peer.example"),
        ("a.b.peer.example", "peer.example"),
        ("n17.evil.example:8443", "evil.example"),
        ("social.charity.org.uk", "charity.org.uk"),
        ("charity.org.uk", "charity.org.uk"),
        ("social.verein.de", "verein.de"),
        ("localhost:8000", "localhost:8000"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
    ],
)
def test_a_family_is_what_somebody_had_to_register(host: str, domain: str) -> None:
    assert family(host) == domain


def test_g13_a_hundred_thousand_names_below_one_domain_push_out_nobody_else() -> None:
    shelf: Shelf[int] = Shelf()
    shelf.put("honest.example", "honest.example", 1, NOW + timedelta(minutes=1))
    for number in range(100_000):
        host = f"n{number}.evil.example"
        shelf.put(host, host, 1, NOW + timedelta(minutes=1))
    assert shelf.find("honest.example", "honest.example", NOW) == 1
    assert len(shelf) <= buckets.MOST_OF_ONE + 1


def test_g13_many_domains_are_forgotten_oldest_first() -> None:
    shelf: Shelf[int] = Shelf()
    for number in range(buckets.MOST_FAMILIES + 10):
        shelf.put(f"evil{number}.example", "it", number, NOW + timedelta(minutes=1))
    assert len(shelf) == buckets.MOST_FAMILIES
    assert shelf.find("evil0.example", "it", NOW) is None


def test_what_is_kept_has_its_time() -> None:
    shelf: Shelf[int] = Shelf()
    shelf.put("a.example", "it", 3, NOW)
    assert shelf.find("a.example", "it", NOW) is None
    assert shelf.last("a.example", "it") == 3
    shelf.drop("a.example", "it")
    assert shelf.last("a.example", "it") is None


def test_a_token_is_given_back_and_never_more_than_there_were() -> None:
    tokens = Buckets(burst=2, per_second=1)
    assert [tokens.take("it", 0), tokens.take("it", 0)] == [0, 0]
    assert tokens.wait("it", 0) == 1
    tokens.give_back("it", 0)
    assert tokens.take("it", 0) == 0
    for _ in range(5):
        tokens.give_back("it", 0)
    assert [tokens.take("it", 0) for _ in range(3)] == [0, 0, 1]


def test_who_has_no_token_left_waits() -> None:
    buckets = Buckets(burst=2, per_second=0.5)
    assert [buckets.take("somebody", at=0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
