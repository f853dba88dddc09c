"""What no edge ever sees: foreign hosts, endless headers, bodies beyond the limit, bugs without an answer."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fediverse_support.adapters import logs
from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.reads.exchange.queues import Pulse, QueueTotals
from fediverse_support.reads.jobs import Waiting
from fediverse_support.web import app as web_app
from fediverse_support.web.app import MAX_BODY, assemble
from fediverse_support.web.health import Tally, exposition
from tests.asgi import ask

BASE = "https://home.example"
PHRASE = "what somebody wrote"


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def broken(request: Request) -> Response:
    raise ValueError(PHRASE)


async def away(request: Request) -> Response:
    raise DatabaseUnavailable("The database went away.")


def app(base_url: str = BASE) -> ASGIApp:
    routes = [
        Route("/", hello), Route("/read", read, methods=["POST"]), Route("/healthz", hello),
        Route("/broken", broken), Route("/api/v1/broken", broken), Route("/away", away),
    ]  # fmt: skip
    return assemble(routes, base_url=base_url)


@pytest.mark.parametrize("host", ["home.example", "HOME.example", "home.example:443", "home.example."])
async def test_our_own_name_is_let_in(host: str) -> None:
    assert (await ask(app(), "GET", "/", {"host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["localhost", "evil.example", "home.example:8443", "home.example.evil.example", "", "a b"]
)
async def test_a30_another_name_is_refused(host: str) -> None:
    assert (await ask(app(), "GET", "/", {"host": host, "x-forwarded-host": "home.example"})).status == 400


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
async def test_all_names_of_loopback_mean_a_loopback_instance(host: str) -> None:
    assert "localhost:8000" in web_app.accepted_hosts("http://127.0.0.1:8000")
    assert host in web_app.accepted_hosts("http://localhost:8000")


async def test_probes_need_no_name() -> None:
    assert (await ask(app(), "GET", "/healthz", {"host": "10.0.0.7:8000"})).status == 200


async def test_too_many_or_too_long_headers_are_refused() -> None:
    many = {f"x-{number}": "1" for number in range(101)}
    assert (await ask(app(), "GET", "/", {"host": "home.example", **many})).status == 431
    assert (await ask(app(), "GET", "/", {"host": "home.example", "x-long": "1" * 33_000})).status == 431


async def test_a_declared_body_beyond_the_limit_is_refused_unread() -> None:
    headers = {"host": "home.example", "content-length": str(MAX_BODY + 1)}
    assert (await ask(app(), "POST", "/read", headers)).status == 413
    assert (await ask(app(), "POST", "/read", {"host": "home.example", "content-length": "x"})).status == 400


async def test_an_undeclared_body_is_cut_at_the_limit() -> None:
    sent: list[Message] = []

    async def endless() -> Message:
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def note(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http", "method": "POST", "path": "/read", "raw_path": b"/read", "query_string": b"",
        "headers": [(b"host", b"home.example")], "http_version": "1.1", "scheme": "https",
        "server": ("home.example", 443), "client": ("192.0.2.1", 1), "root_path": "",
    }  # fmt: skip
    await app()(scope, endless, note)
    assert sent[0]["status"] == 413


async def test_a_bug_is_answered_with_a_number_and_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await ask(app(), "GET", "/broken", {"host": "home.example"})
    assert answer.status == 500
    [record] = [record for record in caplog.records if record.message == "unhandled"]
    number = record.__dict__["id"]
    assert number in answer.text and PHRASE not in answer.text
    for form in (logs.TextLines(), logs.JsonLines()):
        line = form.format(record)
        assert number in line and "ValueError" in line and "test_walls.py" in line
        assert PHRASE not in line
    caplog.clear()


async def test_programs_are_told_in_json() -> None:
    answer = await ask(app(), "GET", "/api/v1/broken", {"host": "home.example"})
    assert answer.status == 500 and "error" in json.loads(answer.body)


async def test_while_the_database_is_away_requests_may_come_again() -> None:
    answer = await ask(app(), "GET", "/away", {"host": "home.example"})
    assert answer.status == 503 and answer.headers["retry-after"] == "60"


async def test_answers_are_counted_by_edge_and_status_only() -> None:
    tally = Tally()
    watched = tally.watching(app())
    for path in ("/", "/broken", "/ap/u/none", "/api/v1/broken"):
        await ask(watched, "GET", path, {"host": "home.example"})
    assert tally.answers == {
        ("pages", 200): 1, ("pages", 500): 1, ("federation", 404): 1, ("client", 500): 1
    }  # fmt: skip
    at = datetime(2030, 5, 1, tzinfo=UTC)
    pulse = Pulse(at, {"receive": at - timedelta(seconds=9)}, ())
    errands = (Waiting("mail", waiting=3, parked=1, oldest_seconds=7.25),)
    text = exposition(QueueTotals(1, 0, 2, 0, 3, 1, 4.5, 0.0), errands, pulse, tally)
    assert 'fediverse_support_answers_total{edge="federation",status="404"} 1' in text
    assert 'fediverse_support_work{lane="deliver",standing="refused"} 3' in text
    assert 'fediverse_support_worker_last_success_seconds{kind="receive"} 9.0' in text
    assert "fediverse_support_lane_held_seconds 0.0" in text
    assert 'fediverse_support_waiting{kind="deliver"} 2' in text
    assert 'fediverse_support_waiting{kind="mail"} 3' in text
    assert 'fediverse_support_waiting_oldest_seconds{kind="receive"} 4.5' in text
    assert 'fediverse_support_waiting_oldest_seconds{kind="mail"} 7.2' in text
    assert 'fediverse_support_work{lane="mail",standing="parked"} 1' in text


def test_log_lines_are_one_line_each() -> None:
    record = logging.makeLogRecord({"name": "fediverse_support.web.x", "msg": "refused", "levelname": "INFO"})
    record.__dict__["code"] = "a b\nc"
    assert logs.TextLines().format(record).endswith('info web.x refused code="a b\\nc"')
    assert json.loads(logs.JsonLines().format(record))["code"] == "a b\nc"


async def test_what_is_no_http_request_is_left_alone() -> None:
    async def receive() -> Message:
        raise AssertionError("never asked")

    async def send(message: Message) -> None:
        raise AssertionError("never answered")

    walls: tuple[Scope, Receive, Send] = ({"type": "websocket"}, receive, send)
    await app()(*walls)


async def test_routes_are_tried_in_their_order_whatever_their_first_part_is() -> None:
    def says(word: str) -> PlainTextResponse:
        return PlainTextResponse(word)

    routes = [
        Route("/g/{name}", says("group")), Route("/{anything}/first", says("any")),
        Route("/", says("front")), Route("/g/{name}/second", says("second")), Mount("/api", says("api")),
        Route("/{rest:path}", says("rest")),
    ]  # fmt: skip
    router = assemble(routes, base_url=BASE)
    for path, word in (
        ("/g/a", "group"), ("/g/first", "group"), ("/g/a/second", "second"), ("/g/a/third", "rest"),
        ("/h/first", "any"), ("/", "front"), ("//g/a", "rest"), ("/g", "rest"), ("/api/v1/x", "api"),
        ("/api", "rest"), ("/apis", "rest"), ("/api/first", "any"),
    ):  # fmt: skip
        got = await ask(router, "GET", path, {"host": "home.example"})
        assert got.body == word.encode(), path
