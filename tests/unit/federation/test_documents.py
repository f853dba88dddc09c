"""Bytes become a bounded document or a named refusal, in bounded time."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from federation import documents
from federation.errors import Malformed
from federation.vocab import PUBLIC

DEEP = b'{"a":' * 200_000
ESCAPED_QUOTES = b'{"a":"' + b'\\"' * 500_000

REFUSED = {
    "too_large": [b" " * (documents.MAX_BYTES + 1)],
    "not_utf8": [
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xed\xa0\x80"}',
        '{"a":"ü"}'.encode("latin-1"),
    ],
    "not_json": [
        b"",
        b"{",
        b'{"a":1}x',
        b'{"a":01}',
        b'{"a":"line\nbreak"}',
        b"{'a':1}",
        b'{"a":[1,]}',
        ESCAPED_QUOTES,
    ],
    "not_object": [b"[]", b'"text"', b"1", b"null", b"[{}]"],
    "too_deep": [
        b"[" * 100_000,
        DEEP,
        b'{"a":' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"b":"]]]]","a":' + b"[" * 40,
    ],
    "too_many_nodes": [
        b"[" + b"[]," * 300_000 + b"[]]",
        b'{"a":[[[[' + b"," * 1_000_000,
        json.dumps({str(n): 1 for n in range(1_001)}).encode(),
        json.dumps({"a": [[1] * 900 for _ in range(30)]}).encode(),
    ],
    "string_too_long": [
        json.dumps({"a": "x" * (documents.MAX_STRING + 1)}).encode(),
        json.dumps({"x" * (documents.MAX_STRING + 1): 1}).encode(),
    ],
    "array_too_long": [json.dumps({"a": [1] * 1_001}).encode()],
    "duplicate_key": [
        b'{"actor":"https://a.example/","actor":"https://b.example/"}',
        b'{"a":{"id":1,"\\u0069d":2}}',
        b'{"a\\\\":1,"b":1,"b":2}',
    ],
    "bad_number": [
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":9223372036854775808}',
        b'{"a":-9223372036854775809}',
        b'{"a":0.' + b"1" * 5_000 + b"}",
    ],
    "bad_character": [
        b'{"a":"\\u0000"}',
        b'{"a":"\x00"}',
        b'{"\\u0000":1}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":"\\ud83d x"}',
    ],
    "bad_context": [
        b'{"@context":{"actor":"as:object"}}',
        b'{"@context":["https://www.w3.org/ns/activitystreams",{"id":"https://evil.example/id"}]}',
        b'{"@context":{"to":{"@type":"@id"}}}',
        b'{"@context":{"actor":null}}',
        b'{"@context":{"as":"https://evil.example/#"}}',
        b'{"object":{"@context":{"owner":"https://evil.example/owner"}}}',
        b'{"@context":{"Thing":{"@id":"as:Thing","@context":{"inbox":"as:outbox"}}}}',
        b'{"@context":{"inside":"@nest"}}',
        b'{"@context":{"data":{"@id":"@graph"}}}',
        b'{"@context":{"@base":"https://evil.example/"}}',
        b'{"@context":{"@import":"https://evil.example/c"}}',
        b'{"@context":[["https://evil.example/c"]]}',
        b'{"@context":{"publicKey":["sec:publicKey"]}}',
        b'{"@graph":[]}',
        b'{"a":[{"\\u0040graph":[]}]}',
        b'{"@included":[]}',
        b'{"a":{"@reverse":{}}}',
    ],
}


@pytest.mark.parametrize(
    ("code", "body"),
    [(code, body) for code, bodies in REFUSED.items() for body in bodies],
    ids=[f"{code}-{n}" for code, bodies in REFUSED.items() for n in range(len(bodies))],
)
def test_a_body_that_breaks_the_bounds_is_refused_with_a_name_and_at_once(code: str, body: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(Malformed) as refusal:
        documents.parse(body)
    assert refusal.value.code == code
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'\xef\xbb\xbf{"a":1}',
        b' \r\n\t{"a" : [1, 2.5, -0, true, null]} ',
        b'{"a":"\\\\u0000 \\ud83d\\ude00"}',
        b'{"a":9223372036854775807,"b":-9223372036854775808}',
        b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
        b'{"a":"' + b"[" * 5_000 + b'"}',
        json.dumps({"a": [0] * 1_000, "b": "x" * 200_000}).encode(),
        b'{"@context":{"id":"@id","type":"@type","inbox":{"@id":"ldp:inbox","@type":"@id"}}}',
        b'{"@context":["https://example.example/unknown",{"@language":"und","@vocab":"x:","toot":"y:"}]}',
        b'{"@context":{"publicKey":{"@id":"https://w3id.org/security#publicKey","@type":"@id"}}}',
    ],
    ids=range(11),
)
def test_an_honest_body_is_read(body: bytes) -> None:
    assert documents.parse(body) == json.loads(body.decode("utf-8-sig"))


def test_a_smaller_limit_can_be_set() -> None:
    with pytest.raises(Malformed, match="too_large"):
        documents.parse(b'{"a":"' + b"x" * 64 + b'"}', limit=64)


def test_a_usual_delivery_is_parsed_in_a_fraction_of_a_millisecond() -> None:
    body = json.dumps(
        {
            "@context": ["https://www.w3.org/ns/activitystreams", {"sensitive": "as:sensitive"}],
            "type": "Create",
            "object": {
                "type": "Note",
                "content": '<p class="x">' + "words " * 280,
                "to": [PUBLIC],
                "tag": [{}],
            },
        }
    ).encode()
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        documents.parse(body)
        times.append(time.perf_counter() - begun)
    # It takes 25 µs on a slow machine; the best of many runs keeps a busy one from failing the test.
    assert min(times) < 0.000_25


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-20T02:31:00Z", datetime(2026, 11, 20, 2, 31, tzinfo=UTC)),
        ("2026-11-20t02:31:00.5+02:00", datetime(2026, 11, 20, 0, 31, 0, 500_000, tzinfo=UTC)),
        ("2021-02-26T12:35:34.292626Z", datetime(2021, 2, 26, 12, 35, 34, 292_626, tzinfo=UTC)),
        ("2021-02-26T12:35:34.292626999-00:30", datetime(2021, 2, 26, 13, 5, 34, 292_626, tzinfo=UTC)),
        ("2025-01-01T12:34Z", datetime(2025, 1, 1, 12, 34, tzinfo=UTC)),
        ("2025-01-01T12:34+05:30", datetime(2025, 1, 1, 7, 4, tzinfo=UTC)),
        ("2025-01-01T12:34:56+0530", datetime(2025, 1, 1, 7, 4, 56, tzinfo=UTC)),
        ("2025-01-01T12:34-0200", datetime(2025, 1, 1, 14, 34, tzinfo=UTC)),
        *(
            (wrong, None)
            for wrong in (
                "2025-01-01T12Z",
                "2025-01-01T12:34.5Z",
                "2025-01-01T12:34:Z",
                "2025-01-01T12:34:56+05",
                "2025-01-01T12:34:56+05:3",
                "0000-00-00",
                "0000-00-00T00:00:00Z",
                "1899-01-01T00:00:00Z",
                "1970-01-01T00:00:00+05:00",
                "9999-12-31T23:59:59-01:00",
                "+1000000-01-01T00:00:00Z",
                "2026-02-30T00:00:00Z",
                "2026-11-20T24:00:60Z",
                "2026-11-20T02:31:60Z",
                "2026-11-20T02:31:00+99:99",
                "2026-11-20T02:31:00+23:60",
                "2026-11-20T02:31:00",
                "2026-11-20 02:31:00Z",
                "２026-11-20T02:31:00Z",
                "2026-11-20T02:31:00Z\n",
                "yesterday",
                "",
                1_763_606_000,
                None,
                ["2026-11-20T02:31:00Z"],
            )
        ),
    ],
)
def test_only_a_strict_time_of_our_days_is_a_moment(value: object, expected: datetime | None) -> None:
    assert documents.moment(value) == expected


@pytest.mark.parametrize("spelling", [PUBLIC, "as:Public", "Public"])
def test_public_has_three_spellings_and_one_meaning(spelling: str) -> None:
    assert documents.id_of(spelling) == documents.id_of({"id": spelling}) == PUBLIC


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        True,
        "1",
        "admin",
        "/users/admin",
        "",
        "javascript:alert(1)",
        [],
        ["https://a.example/"],
        {},
        {"id": 1},
        {"id": ""},
        {"id": {"id": "https://a.example/"}},
        "https://a.example/" + "x" * 2048,
        "https://honest.example@evil.example/x",
        "data:text/html,x",
        "https://a.example/\u0000",
    ],
)
def test_what_is_no_address_names_nothing(value: object) -> None:
    assert documents.id_of(value) is None


def test_an_id_is_normalised() -> None:
    assert documents.id_of({"href": "HTTPS://Masto.Example:443/users/io"}) == "https://masto.example/users/io"


def test_one_and_many_look_at_a_bounded_part() -> None:
    assert documents.one(["a", "b"]) == "a"
    assert documents.one([]) is None
    assert documents.one([["a"]]) is None
    assert documents.one("a") == "a"
    assert documents.many(None) == []
    assert documents.many("a") == ["a"]
    assert documents.many([None, 1, 2, 3], 3) == [1, 2]
    assert len(documents.many(list(range(1_000)))) == 100


def test_a_line_is_plain_and_shows_something() -> None:
    assert documents.line(" a\n\tb\u2028c\u200b d ", 200) == "a b c d"
    assert documents.line("safe\u202egnp.exe\u2066", 200) == "safegnp.exe"
    assert documents.line("x" * 100_000, 200) == "x" * 200
    assert documents.line("\u200b\u200d \ufe0f", 200) == ""
    assert documents.line("a" + "\u0300" * 500 + "b", 200) == "a" + "\u0300" * 4 + "b"
    assert documents.line("<b>&amp;</b> %s {{7*7}} '; --", 200) == "<b>&amp;</b> %s {{7*7}} '; --"
    assert documents.line("👩‍🚀", 200) == "👩‍🚀"
    assert documents.line(None, 200) == documents.line(["a"], 200) == ""


def test_text_keeps_its_lines_and_loses_control_characters() -> None:
    assert documents.text("a\r\nb\x07\x00\x1b[31m\ud800", 100) == "a\nb[31m"
    assert documents.text("abc", 2) == "ab"
    assert documents.text(5, 2) == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (-1, 0), (2**63, 2**31 - 1), (True, None), (1.5, None), ("3", None), (None, None)],
)
def test_a_count_is_clamped(value: object, expected: int | None) -> None:
    assert documents.count(value) == expected
