"""Bytes to a bounded JSON object, and the few ways to take a value out of one.

Everything is bounded before it is built: size, depth, breadth, text, numbers. No context is ever fetched;
documents are plain JSON, and one whose `@context` gives another meaning to a word that carries authority is
refused.
Sources: RFC 8259, I-JSON (RFC 7493) for duplicate names and surrogates, FEP-fe34.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from federation import contexts, uris
from federation.errors import Malformed
from federation.uris import Uri
from federation.vocab import PUBLIC

Document = dict[str, object]
"""A JSON object that came through `parse`; it exists only between the wire and `reading`."""

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 20_000
MAX_STRING: Final = 256 * 1024
MAX_ARRAY: Final = 1_000
MAX_KEYS: Final = 1_000
MAX_INTEGER: Final = 2**63

# Possessive repeats that can match nothing but never fail: linear time for every input, closed string or not.
STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
SURROGATE: Final = re.compile("[\ud800-\udfff]")
MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufff9-\ufffb]")
BLANK: Final = re.compile(r"[\s\u200b\u2060\u2800\u3164\uffa0]+")
BIDI: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
STACKED: Final = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
JOINERS: Final = " \u200c\u200d\ufe0e\ufe0f"
PUBLIC_SPELLINGS: Final = frozenset({PUBLIC, "as:Public", "Public"})


def parse(body: bytes, *, limit: int = MAX_BYTES) -> Document:
    """Return the JSON object in `body`, or raise `Malformed` before anything unbounded was built.

    Codes: `too_large` (more than `limit` bytes), `not_utf8`, `not_json`, `not_object`, `too_deep`,
    `too_many_nodes`, `string_too_long`, `array_too_long`, `duplicate_key`, `bad_number`, `bad_character`
    (U+0000, lone surrogates), `bad_context`. A leading byte order mark is allowed.
    """
    if len(body) > limit:
        raise Malformed("too_large")
    _bound_nesting(body)
    try:
        source = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("not_utf8") from error
    if "\0" in source:
        raise Malformed("bad_character")
    try:
        value = DECODER.decode(source)
    except json.JSONDecodeError as error:
        raise Malformed("not_json") from error
    if not isinstance(value, dict):
        raise Malformed("not_object")
    # Only a body with escapes can hide U+0000 or half a surrogate pair, only a long one a long string, only
    # one with many commas a long array: the usual delivery needs no walk.
    if b"\\u" in body or len(body) > MAX_STRING or body.count(b",") >= MAX_ARRAY:
        _bound_values(value)
    return value


def _bound_nesting(body: bytes) -> None:
    opened = body.count(b"{") + body.count(b"[")
    if opened <= MAX_DEPTH and body.count(b",") <= MAX_NODES - MAX_DEPTH:
        return
    bare = STRING.sub(b"", body)
    opened = bare.count(b"{") + bare.count(b"[")
    if opened + bare.count(b",") > MAX_NODES:
        raise Malformed("too_deep" if _is_too_deep(bare) else "too_many_nodes")
    if _is_too_deep(bare):
        raise Malformed("too_deep")


def _is_too_deep(bare: bytes) -> bool:
    depth = 0
    for mark in bare.translate(None, NOT_BRACKETS)[: 2 * MAX_NODES]:
        depth += 1 if mark in b"{[" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _bound_values(root: object) -> None:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _bound_string(value)
        elif isinstance(value, dict):
            for key in value:
                _bound_string(key)
            waiting.extend(value.values())
        elif isinstance(value, list):
            if len(value) > MAX_ARRAY:
                raise Malformed("array_too_long")
            waiting.extend(value)


def _bound_string(value: str) -> None:
    if len(value) > MAX_STRING:
        raise Malformed("string_too_long")
    if "\0" in value or SURROGATE.search(value):
        raise Malformed("bad_character")


def _build(pairs: list[tuple[str, object]]) -> Document:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise Malformed("duplicate_key")
    if len(built) > MAX_KEYS:
        raise Malformed("too_many_nodes")
    contexts.check(built)
    return built


def _integer(digits: str) -> int:
    # The length first: turning thousands of digits into a number takes quadratic time.
    if len(digits) > 20 or not -MAX_INTEGER <= (number := int(digits)) < MAX_INTEGER:
        raise Malformed("bad_number")
    return number


def _fraction(digits: str) -> float:
    if len(digits) > 400 or not math.isfinite(number := float(digits)):
        raise Malformed("bad_number")
    return number


def _constant(name: str) -> object:
    raise Malformed("bad_number", name)


DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_build, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)


def one(value: object) -> object | None:
    """Return the first entry of an array, or the value itself; an array in an array is nothing."""
    if not isinstance(value, list):
        return value
    first = value[0] if value else None
    return None if isinstance(first, list) else first


def many(value: object, limit: int = 100) -> list[object]:
    """Return what an array or a single value holds: of the first `limit` entries those that are not null."""
    if isinstance(value, list):
        return [entry for entry in value[:limit] if entry is not None]
    return [] if value is None else [value]


def id_of(value: object) -> Uri | None:
    """Return the URI a value names: a string, an object's `id`, a link's `href`; None for everything else.

    Public's three spellings become one.
    """
    if isinstance(value, dict):
        value = value["id"] if value.get("id") is not None else value.get("href")
    if not isinstance(value, str):
        return None
    return PUBLIC if value in PUBLIC_SPELLINGS else uris.find(value)


def text(value: object, limit: int) -> str:
    """Return a string of at most `limit` characters without control characters.

    Lines stay; "" for no string.
    """
    if not isinstance(value, str):
        return ""
    return CONTROL.sub("", value[: 2 * limit].replace("\r\n", "\n"))[:limit]


def line(value: object, limit: int) -> str:
    """Return one plain line of at most `limit` characters, "" for what shows nothing.

    Line ends and blanks become single spaces, direction overrides go, piled accents are cut to four.
    """
    if not isinstance(value, str):
        return ""
    flat = value[: 8 * limit]
    if not (flat.isascii() and flat.isprintable()):
        flat = STACKED.sub(r"\1", BIDI.sub("", CONTROL.sub(" ", flat)))
    shown = BLANK.sub(" ", flat).strip()[:limit].rstrip()
    return shown if shown.strip(JOINERS) else ""


def moment(value: object) -> datetime | None:
    """Return a date-time of the years 1970 to 9999 as UTC, or None for everything else.

    RFC 3339, where seconds may be left out (ActivityStreams 2.0 Core, 2.3), and the colon of an offset, which
    some software does.
    """
    found = MOMENT.fullmatch(value) if isinstance(value, str) and len(value) <= 40 else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6))
    away = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    if int(found[10] or 0) > 59:
        return None
    try:
        zone = timezone(-away if found[8] == "-" else away)
        micros = int((found[7] or "0").ljust(6, "0")[:6])
        at = datetime(year, month, day, hour, minute, second, micros, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year >= 1970 else None


def count(value: object) -> int | None:
    """Return a number of things: at least 0, at most 2³¹-1; None for what is no whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return max(0, min(value, 2**31 - 1))
