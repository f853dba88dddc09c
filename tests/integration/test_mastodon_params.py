"""What clients send: three forms of body, bracketed keys, and what must be refused without falling over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.datastructures import Headers

from fediverse_support.db.pool import Db
from fediverse_support.domain.errors import NotFound
from fediverse_support.web.mastodon import params
from fediverse_support.web.mastodon.errors import Refused
from tests.integration.api import WREN, Api, make_api

STATUSES = "/api/v1/statuses"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


async def read(
    body: bytes = b"", kind: str = JSON, query: bytes = b"", method: str = "POST"
) -> params.Params:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await params.read(method, query, Headers({"content-type": kind}), receive)


def multipart(**values: str) -> bytes:
    parts = (f'--cut\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in values.items())
    return ("".join(parts) + "--cut--\r\n").encode()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"status": "hi", "sensitive": true, "media_ids": ["1", "2"]}', JSON),
        (
            b'{"status": "hi", "sensitive": "1", "media_ids": {"0": 1, "1": 2}}',
            "application/json; charset=utf-8",
        ),
        (b"status=hi&sensitive=on&media_ids[]=1&media_ids[]=2", FORM),
        (b"status=hi&sensitive=true&media_ids%5B1%5D=2&media_ids%5B0%5D=1", FORM),
        (
            multipart(**{"status": "hi", "sensitive": "1", "media_ids[0]": "1", "media_ids[1]": "2"}),
            "multipart/form-data; boundary=cut",
        ),
    ],
)
async def test_every_form_of_body_says_the_same(body: bytes, kind: str) -> None:
    given = await read(body, kind)
    assert given.text("status") == "hi"
    assert given.flag("sensitive") is True
    assert given.ids("media_ids") == [1, 2]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"media_ids[]": ["1", "2"], "poll[options][]": ["a", "b"], "poll[expires_in]": 60}', JSON),
        (b'{"media_ids": null, "media_ids[]": [1, 2], "poll": {"expires_in": 60, "options": ["a", "b"]}}',
         JSON),
        (b'{"media_ids": ["1"], "media_ids[]": "2", "poll": {"expires_in": 60},'
         b' "poll[options][]": ["a", "b"]}', JSON),
        (b"media_ids[]=1&media_ids[]=2&poll[options][]=a&poll[options][]=b&poll[expires_in]=60", FORM),
    ],
)  # fmt: skip
async def test_brackets_mean_the_same_in_json_as_in_forms(body: bytes, kind: str) -> None:
    given = await read(body, kind)
    assert given.ids("media_ids") == [1, 2]
    assert given.values["poll"]["options"] == ["a", "b"]
    assert int(given.values["poll"]["expires_in"]) == 60


@pytest.mark.parametrize("body", [b'{"a[": 1}', b'{"a": "x", "a[]": ["y"]}', b'{"a[b][c][d][e][f]": 1}'])
async def test_brackets_in_json_that_cannot_be_read_are_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        await read(body)
    assert refused.value.status == 422


@pytest.mark.parametrize("body", [b"media_ids[]=", b"media_ids=", b"media_ids[0]=&media_ids[1]="])
async def test_an_empty_entry_is_none(body: bytes) -> None:
    assert (await read(body, FORM)).many("media_ids") == []


async def test_the_query_counts_too_and_the_body_wins() -> None:
    given = await read(b"a=body", FORM, query=b"a=query&b=query")
    assert (given.text("a"), given.text("b")) == ("body", "query")


async def test_a_get_has_no_body() -> None:
    assert (await read(b"not json", method="GET")).values == {}


async def test_empty_counts_as_not_given() -> None:
    given = await read(b'{"in_reply_to_id": "", "sensitive": null, "status": ""}')
    assert given.id("in_reply_to_id") is None
    assert given.flag("sensitive") is None
    assert given.has("status") and not given.has("sensitive")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"status": "a\\u0000b"}', JSON, 422),
        (b'{"a\\u0000b": 1}', JSON, 422),
        (b'{"status": "\\ud800"}', JSON, 422),
        (b'{"status": "\\ud800 and \\udc00"}', JSON, 422),
        (b"status=%00", FORM, 422),
        (b"status=%ff", FORM, 422),
        (b"status=%ed%a0%80", FORM, 422),
        (b"status=\xff", FORM, 422),
        (multipart(status="a\x00b"), "multipart/form-data; boundary=cut", 422),
        (b'{"status": "\xff"}', JSON, 422),
        (b"{", JSON, 400),
        (b"[1]", JSON, 400),
        (b"[" * 60_000, JSON, 400),
        (b'{"a":' * 10_000, JSON, 400),
        (b"\x00", "multipart/form-data", 400),
        (b"junk", "multipart/form-data; boundary=cut", 400),
        (b"hello", "text/plain", 400),
        (b"a[[=1", FORM, 422),
        (b"a=1&a[b]=2", FORM, 422),
        (b"a[b][c][d][e][f]=1", FORM, 422),
        (b"&".join(b"a%d=1" % n for n in range(501)), FORM, 422),
        (b'{"status": "' + b"x" * 65_536 + b'"}', JSON, 413),
    ],
)
async def test_what_cannot_be_read_is_refused(body: bytes, kind: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        await read(body, kind)
    assert refused.value.status == status
    assert isinstance(refused.value.body["error"], str)


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "1.0", "+1", " 1", "1 ", "١", "9223372036854775808", "9" * 40, None, True, 1.5, [], {}],
)
def test_what_cannot_be_an_id_is_not_there(text: object) -> None:
    with pytest.raises(NotFound):
        params.number(text)


@pytest.mark.parametrize("text", ["1", "9223372036854775807", 17])
def test_what_can_be_an_id_is_one(text: object) -> None:
    assert params.number(text) == int(str(text))


@pytest.fixture
async def api(db: Db) -> Api:
    return await make_api(db)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "path", ["x", "-1", "1.5", "9223372036854775808", "9" * 400, "%00", "%ff", "1%20", "١"]
)
@pytest.mark.parametrize("rest", ["", "/context", "/source"])
async def test_a_strange_id_in_a_path_is_404(api: Api, path: str, rest: str) -> None:
    for start in ("/api/v1/statuses/", "/api/v1/accounts/"):
        got = await api.get(f"{start}{path}{rest}", "wren")
        assert (got.status_code, got.json()) == (404, {"error": "Record not found"})


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("path", "query", "statuses"),
    [
        ("/api/v1/timelines/home", "limit=abc", {200}),
        ("/api/v1/timelines/home", "limit=-5&max_id=", {200}),
        ("/api/v1/timelines/home", "limit=99999999999999999999999", {200}),
        ("/api/v1/timelines/home", "max_id=abc", {404}),
        ("/api/v1/timelines/home", "max_id=9223372036854775807", {200}),
        ("/api/v1/timelines/home", "since_id[a]=1", {422}),
        ("/api/v1/timelines/home", "max_id=%00", {422}),
        ("/api/v1/timelines/public", "local=perhaps", {422}),
        ("/api/v1/accounts/relationships", "id[]=x&id[]=&id[]=99999999999999999999", {200}),
        ("/api/v1/accounts/relationships", "id[a][b]=x", {200}),
        ("/api/v1/accounts/relationships", "", {200}),
        ("/api/v1/accounts/lookup", "acct=%00", {422}),
        ("/api/v1/accounts/lookup", "acct=@@", {404}),
        ("/api/v1/accounts/lookup", "acct=a@b@c", {404}),
        ("/api/v1/accounts/lookup", "acct=wren@[", {404}),
        ("/api/v2/search", "q=" + "a" * 3000, {200}),
        ("/api/v2/search", "q=%25_%5C", {200}),
        ("/api/v2/search", "q=https://[", {200}),
        ("/api/v2/search", "q=x&type=everything", {422}),
        ("/api/v1/notifications", "types[]=mention&exclude_types[]=x&types[a]=1", {422}),
        ("/api/v1/notifications", "types[]=nothing", {200}),
        (f"/api/v1/accounts/{WREN}/statuses", "only_media=true&pinned=false&tagged=", {200}),
    ],
)
async def test_strange_parameters_have_a_documented_answer(
    api: Api, path: str, query: str, statuses: set[int]
) -> None:
    got = await api.get(f"{path}?{query}", "wren")
    assert got.status_code in statuses, got.text
    json.loads(got.text)
