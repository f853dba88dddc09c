"""What a client sends, in its three forms (JSON, urlencoded, multipart) and in the query, as one set of
parameters.

Keys may be nested with brackets (`id[]`, `media_ids[0]`, `poll[options][]`), in JSON too. An empty text
counts as not given where a number or a choice is asked for. Text that PostgreSQL cannot hold is refused
here, whichever way it came.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from python_multipart.exceptions import FormParserError
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from fediverse_support.domain.errors import NotFound
from fediverse_support.web import limits
from fediverse_support.web.mastodon.errors import Refused, invalid

MAX_BODY: Final = 65536
MAX_FIELDS: Final = 500
MAX_DEPTH: Final = 4
MAX_IDS: Final = 80
MAX_ID: Final = 2**63 - 1

KEY: Final = re.compile(r"([^\[\]]{1,100})((?:\[[^\[\]]{0,100}\])*)\Z")
PART: Final = re.compile(r"\[([^\[\]]*)\]")
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
DIGITS: Final = re.compile(r"[0-9]{1,19}\Z")
TRUE: Final = frozenset({"true", "1", "on", "t", "yes"})
FALSE: Final = frozenset({"false", "0", "off", "f", "no"})


def number(text: object) -> int:
    """Return a row id as clients write it; raise `NotFound` for what cannot be one."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or not DIGITS.match(text) or not text.isascii() or int(text) > MAX_ID:
        raise NotFound
    return int(text)


@dataclass(frozen=True, slots=True)
class Params:
    """Everything given with a request, the body's word before the query's."""

    values: dict[str, Any] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Say whether the client gave this at all, even empty."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text, empty when it was not given."""
        match self.values.get(name):
            case None:
                return ""
            case str(value):
                return value
            case bool() | dict() | list():
                raise invalid(name, "malformed", f"{name} is not a text")
            case value:
                return str(value)

    def flag(self, name: str) -> bool | None:
        """Return a yes or no, None when it was not given."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return value
        word = self.text(name).lower()
        if not word:
            return None
        if word not in TRUE | FALSE:
            raise invalid(name, "malformed", f"{name} is neither true nor false")
        return word in TRUE

    def id(self, name: str) -> int | None:
        """Return a row id, None when it was not given; raise `NotFound` for what cannot be one."""
        value = self.text(name)
        return number(value) if value else None

    def whole(self, name: str, default: int, most: int) -> int:
        """Return a number from 1 to `most`; what is no number counts as not given."""
        value = self.text(name)
        return min(max(int(value), 1), most) if DIGITS.match(value) and value.isascii() else default

    def many(self, name: str) -> list[Any]:
        """Return a list, whether it came as `name[]`, `name[0]`, a JSON array, or as one value.

        Empty entries are none: that is how a form says that there is nothing.
        """
        match self.values.get(name):
            case list(items):
                pass
            case dict(found):
                items = [found[key] for key in sorted(found, key=lambda key: (len(key), key))]
            case item:
                items = [item]
        return [item for item in items if item is not None and item != ""]

    def ids(self, name: str) -> list[int]:
        """Return the row ids in a list, at most `MAX_IDS`; what cannot be one is left out, for it is not
        there."""
        found = []
        for item in self.many(name)[:MAX_IDS]:
            try:
                found.append(number(item))
            except NotFound:
                continue
        return found


async def read(method: str, query: bytes, headers: Headers, receive: Receive) -> Params:
    """Return all parameters of a request; raise `Refused` with 400, 413 or 422 for what cannot be read."""
    values = _nested(_pairs(query))
    if method not in ("GET", "HEAD"):
        try:
            body = await limits.read_body(receive, MAX_BODY)
        except limits.TooLarge as error:
            raise Refused(413, "The request is too large") from error
        values |= await _from_body(body, headers) if body else {}
    for text in _texts(values):
        _refuse_unstorable(text)
    return Params(values)


async def _from_body(body: bytes, headers: Headers) -> dict[str, Any]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _nested(await _multipart(body, headers))
    if kind == "application/x-www-form-urlencoded":
        return _nested(_pairs(body))
    if kind.endswith("json") or not kind:
        return _json(body)
    raise Refused(400, "Send JSON or a form")


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, UnicodeDecodeError) or SURROGATE.search(body):
            raise invalid("text", "malformed", "The text holds characters that are none") from error
        raise Refused(400, "The request is not JSON") from error
    if not isinstance(value, dict):
        raise Refused(400, "The request is not a JSON object")
    plain = {key: inner for key, inner in value.items() if "[" not in key}
    bracketed = ((key, inner) for key, inner in value.items() if "[" in key and inner is not None)
    return _nested(bracketed, plain)


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise invalid("text", "malformed", "The text holds characters that are none") from error
    except ValueError as error:
        raise Refused(422, "There are too many parameters") from error


async def _multipart(body: bytes, headers: Headers) -> list[tuple[str, str]]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(headers, stream(), max_files=16, max_fields=MAX_FIELDS, max_part_size=MAX_BODY)
    try:
        form = await parser.parse()
    except (MultiPartException, FormParserError) as error:
        raise Refused(400, "The form cannot be read") from error
    pairs = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    await form.close()
    return pairs


def _nested(pairs: Iterable[tuple[str, Any]], plain: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters with their brackets understood, added to the `plain` ones."""
    root: dict[str, Any] = {key: value for key, value in (plain or {}).items() if value is not None}
    for key, value in pairs:
        found = KEY.match(key)
        parts = PART.findall(found[2]) if found else []
        if found is None or len(parts) > MAX_DEPTH:
            raise Refused(422, "A parameter has a name that cannot be read")
        path = [found[1], *parts]
        listed = len(path) > 1 and path[-1] == ""
        if listed:
            path.pop()
        node = root
        for part in path[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise Refused(422, "A parameter is given in two forms")
        if not listed:
            node[path[-1]] = value
        elif isinstance(items := node.setdefault(path[-1], []), list):
            items.extend(value if isinstance(value, list) else [value])
        else:
            raise Refused(422, "A parameter is given in two forms")
    return root


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict(items):
                waiting.extend(items.keys())
                waiting.extend(items.values())
            case list(items):
                waiting.extend(items)


def _refuse_unstorable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid("text", "malformed", "The text holds characters that are none") from error
    if "\x00" in text:
        raise invalid("text", "malformed", "The text holds a zero character")
