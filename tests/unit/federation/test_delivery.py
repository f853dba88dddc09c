"""Deliveries: what is sent, what an answer means, and when to try again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from federation import authenticity, delivery
from federation.delivery import (
    Delivered,
    Gone,
    Knock,
    Moved,
    Refused,
    Retry,
    Scheme,
    backoff,
    build,
    classify,
)
from federation.errors import Unreachable
from federation.http import Reply
from federation.keys import Signer
from federation.uris import Uri
from tests.unit.federation.requests import BODY, IO_KEY, NOW, PRIVATE, PUBLIC, received

INBOX = Uri("https://pie.example/inbox?x=1")
SIGNER = Signer(IO_KEY, PRIVATE)


def answer(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, INBOX)


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_the_inbox_can_verify_what_is_built(scheme: Scheme) -> None:
    headers = build(BODY, INBOX, signer=SIGNER, now=NOW, scheme=scheme)
    assert headers["Content-Type"] == "application/activity+json"
    request = received("POST", INBOX, headers, BODY)
    claim = authenticity.claimed_key(request, origin="https://pie.example", now=NOW)
    assert claim.scheme == scheme
    claim.verify(PUBLIC)


def test_more_headers_may_be_sent_and_signed() -> None:
    headers = build(BODY, INBOX, signer=SIGNER, now=NOW, headers={"Collection-Synchronization": "x"})
    assert "collection-synchronization" in headers["Signature"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_is_delivered(status: int) -> None:
    assert classify(answer(status)) == Delivered(status)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_says_that_the_inbox_moved(status: int) -> None:
    assert classify(answer(status, location="/new")) == Moved(Uri("https://pie.example/new"))
    assert classify(answer(status)) == Moved(None)
    assert classify(answer(status, location="javascript:x")) == Moved(None)
    assert classify(answer(status, location="https://[")) == Moved(None)


def test_a_401_is_knocked_at_with_the_other_scheme_then_waited_for() -> None:
    assert classify(answer(401)) == Knock(401)
    assert classify(answer(401), knocked=True) == Retry(None, "status_401")


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_that_speaks_of_signatures_is_knocked_at_once(status: int) -> None:
    talk = answer(status, b'{"error":"Invalid Signature"}')
    assert classify(talk) == Knock(status)
    assert classify(talk, knocked=True) == Refused(status)


@pytest.mark.parametrize("status", [400, 402, 403, 405, 406, 409, 413, 415, 418, 422, 451, 303, 304])
def test_other_refusals_are_final(status: int) -> None:
    assert classify(answer(status)) == Refused(status)


@pytest.mark.parametrize("status", [404, 410])
def test_an_inbox_may_be_gone(status: int) -> None:
    assert classify(answer(status)) == Gone(status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 520])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert classify(answer(status)) == Retry(None, f"status_{status}")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta()),
        ("999999", timedelta(hours=24)),
        ("9" * 5000, timedelta(hours=24)),
        ("Wed, 01 May 2030 12:10:00 GMT", timedelta(minutes=10)),
        ("Wed, 01 May 2030 11:00:00 GMT", timedelta()),
        ("Fri, 31 May 2030 12:00:00 GMT", timedelta(hours=24)),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_honoured_up_to_a_day(text: str, after: timedelta | None) -> None:
    reply = answer(429, retry_after=text, date="Wed, 01 May 2030 12:00:00 GMT")
    assert classify(reply) == Retry(after, "status_429")


def test_a_retry_date_without_a_clock_to_compare_is_ignored() -> None:
    assert classify(answer(503, retry_after="Wed, 01 May 2030 12:10:00 GMT")) == Retry(None, "status_503")


@pytest.mark.parametrize("code", ["timeout", "refused", "tls", "forbidden_address"])
def test_a_failure_before_the_answer_is_tried_again(code: str) -> None:
    assert classify(Unreachable(code)) == Retry(None, code)


def test_a_peer_that_took_it_and_talks_too_long_has_taken_it() -> None:
    assert classify(Unreachable("too_large", "202")) == Delivered(202)
    assert classify(Unreachable("too_large", "500")) == Retry(None, "too_large")
    assert classify(Unreachable("too_large")) == Retry(None, "too_large")


def test_the_waits_grow_and_end_after_eight_days() -> None:
    waits = [backoff(attempt, 0.5) for attempt in range(1, 16)]
    minutes = [wait.total_seconds() / 60 for wait in waits if wait is not None]
    assert minutes[:7] == [1, 5, 15, 60, 180, 360, 720]
    assert set(minutes[7:]) == {24 * 60}
    assert waits[-1] is None
    assert None not in waits[:-1]
    total = sum((wait for wait in waits if wait is not None), timedelta())
    assert timedelta(days=7) < total <= delivery.KEPT_FOR


def test_every_wait_is_spread_so_that_those_who_failed_together_do_not_come_together() -> None:
    for attempt, middle in ((8, timedelta(hours=24)), (1, timedelta(minutes=1))):
        assert backoff(attempt, 0.0) == middle * 0.8
        assert backoff(attempt, 1.0) == middle * 1.2


def test_no_failure_yet_waits_as_after_the_first() -> None:
    assert backoff(0, 0.5) == timedelta(minutes=1)
