"""Whose turn it is: nobody is turned away while there is room to wait, and nobody fills every place."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from fediverse_support.web.limits import place_of
from fediverse_support.web.turns import InTurn, Turns


async def until_idle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_crowd_is_served_to_the_last_and_never_more_than_so_many_at_once() -> None:
    turns, now, most = Turns(at_once=5, of_one=5), 0, 0

    async def one(number: int) -> bool:
        nonlocal now, most
        assert await turns.take(f"caller {number}")
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0)
        now -= 1
        turns.give_back(f"caller {number}")
        return True

    assert all(await asyncio.gather(*(one(number) for number in range(2000))))
    assert most == 5 and turns._at_work == 0 and not turns._lines and not turns._working


async def test_one_caller_fills_only_a_few_places() -> None:
    turns = Turns(at_once=10, of_one=3)
    greedy = [asyncio.create_task(turns.take("greedy")) for _ in range(24)]
    await until_idle()
    assert sum(task.done() for task in greedy) == 3
    assert await turns.take("modest")
    turns.give_back("greedy")
    await until_idle()
    assert sum(task.done() for task in greedy) == 4
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


async def test_lines_are_served_in_turn_however_long_one_is() -> None:
    turns, order = Turns(at_once=1, of_one=1), []

    async def one(caller: str) -> None:
        await turns.take(caller)
        order.append(caller)
        turns.give_back(caller)

    await turns.take("first")
    waiting = [asyncio.create_task(one(caller)) for caller in ("greedy",) * 5 + ("modest",)]
    await until_idle()
    turns.give_back("first")
    await asyncio.gather(*waiting)
    assert order.index("modest") == 1


async def test_who_gives_up_takes_no_place_along() -> None:
    turns = Turns(at_once=1, of_one=1)
    await turns.take("first")
    gone, stays = asyncio.create_task(turns.take("gone")), asyncio.create_task(turns.take("stays"))
    await until_idle()
    gone.cancel()
    turns.give_back("first")
    assert await stays
    called = asyncio.create_task(turns.take("called"))
    await until_idle()
    turns.give_back("stays")
    called.cancel()  # called and gone in the same moment
    await asyncio.gather(gone, called, return_exceptions=True)
    assert await turns.take("next")
    turns.give_back("next")
    assert turns._at_work == 0 and not turns._lines and turns._waiting == 0


async def test_lines_and_waits_have_an_end() -> None:
    turns = Turns(at_once=1, of_one=1, most_waiting=1, wait_seconds=0.01)
    await turns.take("first")
    waiting = asyncio.create_task(turns.take("second"))
    await until_idle()
    assert await turns.take("third") is False
    assert await waiting is False
    assert not turns._lines and turns._waiting == 0


def asked(path: str, method: str = "GET", host: str = "192.0.2.1") -> Scope:
    return {"type": "http", "path": path, "method": method, "client": (host, 1), "headers": []}


class Asked:
    """An application that notes whom it served, and one request after another to it."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self.sent: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.served.append(scope["path"])
        self.heard = b""
        while True:
            message = await receive()
            self.heard += message.get("body", b"")
            if not message.get("more_body", False):
                break

    async def nothing(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def note(self, message: Message) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("path", ["/help", "/help/de", "/healthz", "/readyz", "/static/style.1.css"])
async def test_help_and_health_wait_for_nobody(path: str) -> None:
    app = Asked()
    full = Turns(at_once=0, of_one=0, most_waiting=0)
    wall = InTurn(app, reads=full, writes=full)
    await wall(asked(path), app.nothing, app.note)
    await wall(asked("/home"), app.nothing, app.note)
    assert app.served == [path]
    assert app.sent[0]["status"] == 503
    assert dict(app.sent[0]["headers"])[b"retry-after"] == b"15"


async def test_who_sends_slowly_takes_no_place_meanwhile() -> None:
    app, turns, go_on = Asked(), Turns(at_once=1, of_one=1), asyncio.Event()
    wall = InTurn(app, writes=turns)
    parts = [b"one ", b"two ", b"three"]

    async def slowly() -> Message:
        if len(parts) < 3:
            await go_on.wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    slow = asyncio.create_task(wall(asked("/write", "POST"), slowly, app.note))
    await until_idle()
    await wall(asked("/quick", "POST"), app.nothing, app.note)
    assert app.served == ["/quick"]
    go_on.set()
    await slow
    assert app.heard == b"one two three"


def test_a_household_with_many_addresses_is_one_caller() -> None:
    one, other = asked("/", host="2001:db8:1:2::7"), asked("/", host="2001:db8:1:2:3:4:5:6")
    assert place_of(one) == place_of(other) != place_of(asked("/", host="2001:db8:1:3::7"))
    assert place_of(asked("/", host="192.0.2.1")) != place_of(asked("/", host="192.0.2.2"))
    mapped = [place_of(asked("/", host=f"::ffff:192.0.2.{number}")) for number in (1, 2)]
    assert mapped == ["192.0.2.1", "192.0.2.2"]
    assert place_of(asked("/", host="not an address: at all")) == "not an address: at all"
