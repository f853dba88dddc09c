"""A client written by others, Mastodon.py, against the whole application on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import uvicorn
from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError, MastodonUnauthorizedError

from fediverse_support import wiring
from fediverse_support.actions import groups
from fediverse_support.actions.accounts import accounts
from fediverse_support.db.pool import Db
from fediverse_support.settings import Settings

pytestmark = [pytest.mark.postgres, pytest.mark.processes]
SECRET = b"s" * 32


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the test run keeps its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Town:
    """A running instance with two people in one closed and one open group."""

    base_url: str
    tokens: dict[str, str]

    async def ask(self, name: str, call: Callable[[Mastodon], Any]) -> Any:
        """Let one person's client do something; it blocks, so it gets a thread of its own."""

        def run() -> Any:
            with requests.Session() as session:
                client = Mastodon(
                    access_token=self.tokens.get(name, "nonsense"),
                    api_base_url=self.base_url,
                    version_check_mode="created",
                    ratelimit_method="throw",
                    session=session,
                )
                return call(client)

        return await asyncio.to_thread(run)


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False, ws="none")
    server = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def town(db: Db) -> AsyncIterator[Town]:
    """An instance on a free port of loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(base_url=base_url, allow_http=True, newcomer_posts_held=0)
    nowhere: Any = None
    deps = wiring.build(settings, db, nowhere, SECRET)
    tokens = await _people(deps.db, settings)
    async with serving(wiring.web(deps), listener):
        yield Town(base_url, tokens)


async def _people(db: Db, settings: Settings) -> dict[str, str]:
    async def unhashed(password: str) -> str:
        return "-"

    tokens = {}
    for name in ("wren", "marlow"):
        await accounts.create_account(
            db,
            settings.instance,
            name=name,
            password="long enough words",
            hash_password=unhashed,
            secret=SECRET,
        )
        tokens[name] = await accounts.create_token(db, name)
    for name, title, kind in (("frontroom", "The front room", "home-open"), ("news", "News", "open")):
        chosen: Any = kind
        await groups.create_group(db, settings.instance, SECRET, name=name, title=title, kind=chosen)
    return tokens


async def test_a_client_by_others_reads_joins_writes_answers_and_deletes(town: Town) -> None:
    version = await town.ask("wren", lambda client: client.retrieve_mastodon_version())
    assert version == "4.2.0"
    instance = await town.ask("wren", lambda client: client.instance())
    assert instance.title == "Fediverse Support"
    me = await town.ask("wren", lambda client: client.me())
    assert (me.acct, me.source.privacy) == ("wren", "private")

    group = await town.ask("wren", lambda client: client.account_lookup("frontroom"))
    assert group.group is True
    for name in ("wren", "marlow"):
        relation = await town.ask(name, lambda client: client.account_follow(group))
        assert relation.following is True

    thread = await town.ask(
        "wren",
        lambda client: client.status_post("@frontroom A question\n\nDoes anyone know?", idempotency_key="k"),
    )
    assert (thread.visibility, thread["group"]["acct"]) == ("private", "frontroom")
    line = (await town.ask("marlow", lambda client: client.timeline_home()))[0]
    assert (line.account.acct, line.reblog.account.acct) == ("frontroom", "wren")

    reply = await town.ask("marlow", lambda client: client.status_reply(line.reblog, "I do.", untag=True))
    assert reply.in_reply_to_id == thread.id
    context = await town.ask("wren", lambda client: client.status_context(thread))
    assert [each.id for each in context.descendants] == [reply.id]
    told = await town.ask("wren", lambda client: client.notifications())
    assert [(each.type, each.account.acct, each.status.id) for each in told] == [
        ("mention", "marlow", reply.id)
    ]

    source = await town.ask("marlow", lambda client: client.status_source(reply))
    edited = await town.ask("marlow", lambda client: client.status_update(reply, source.text + " Truly."))
    assert edited.edited_at is not None
    assert "Truly" in edited.content
    liked = await town.ask("wren", lambda client: client.status_favourite(reply))
    assert (liked.favourited, liked.favourites_count) == (True, 0)

    gone = await town.ask("marlow", lambda client: client.status_delete(reply))
    assert gone.text == "@frontroom @wren I do. Truly."
    with pytest.raises(MastodonNotFoundError):
        await town.ask("wren", lambda client: client.status(reply))
    relation = await town.ask("marlow", lambda client: client.account_unfollow(group))
    assert relation.following is False


async def test_it_pages_through_everything_by_our_links(town: Town) -> None:
    async def post(number: int) -> None:
        await town.ask("wren", lambda client: client.status_post(f"Number {number}", visibility="public"))

    for number in range(7):
        await post(number)

    def everything(client: Mastodon) -> list[Any]:
        first = client.account_statuses(client.me(), limit=3)
        return list(client.fetch_remaining(first))

    found = await town.ask("marlow", lambda client: client.account_search("nobody"))
    assert found == []
    statuses = await town.ask("wren", everything)
    assert [status.content for status in statuses] == [f"<p>Number {n}</p>\n" for n in range(6, -1, -1)]

    def newer(client: Mastodon) -> list[Any]:
        last = client.account_statuses(client.me(), limit=3, max_id=statuses[3].id)
        previous = client.fetch_previous(last)
        return list(previous or [])

    assert [status.id for status in await town.ask("wren", newer)] == [each.id for each in statuses[1:4]]


async def test_what_it_asks_for_at_start_is_there(town: Town) -> None:
    def start(client: Mastodon) -> list[Any]:
        return [
            client.custom_emojis(), client.filters(), client.filters_v2(), client.lists(),
            client.announcements(), client.followed_tags(), client.follow_requests(), client.conversations(),
            client.notifications(), client.blocks(), client.mutes(), client.bookmarks(), client.favourites(),
            client.timeline_home(),
        ]  # fmt: skip

    assert all(list(answer) == [] for answer in await town.ask("wren", start))
    preferences = await town.ask("wren", lambda client: client.preferences())
    assert preferences["posting:default:visibility"] == "private"
    found = await town.ask("wren", lambda client: client.search("front", resolve=False))
    assert [account.acct for account in found.accounts] == ["frontroom"]


async def test_refusals_are_its_own_errors(town: Town) -> None:
    with pytest.raises(MastodonUnauthorizedError):
        await town.ask("nobody", lambda client: client.timeline_home())
    with pytest.raises(MastodonNotFoundError):
        await town.ask("wren", lambda client: client.account(1))
    with pytest.raises(MastodonAPIError, match="one group"):
        await town.ask("wren", lambda client: client.status_post("@frontroom @news hello"))
