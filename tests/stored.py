"""A server that has been there for years: a hundred thousand posts, or a million, stored by COPY.

What is hard for a list is in it on purpose: a group that only its members read, one without a single picture,
one whose newest conversations all came from a server that was suspended since, a person who wrote much and
one who is named often, conversations of fifty and five hundred replies, two hundred answers to one person,
reports and held posts of groups that the reader does not moderate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

START: Final = datetime(2024, 1, 1, tzinfo=UTC)
BASE: Final = "https://support.example"

ASHA, OWNER, QUIET, WRITER, NAMED = 1, 2, 3, 4, 5
"""People here: one who takes part everywhere and runs the server, one with two hundred answers, one who is
only in the home group and never wrote, one who wrote much, and one who is named often."""
PEOPLE: Final = 300

OPEN, HOME, BARE, STORMY, AWAY, CIRCLE = 1001, 1002, 1003, 1004, 1005, 1006
"""Groups: the large open one, the home group, the one without pictures, the one whose newest conversations
are hidden, one elsewhere, a circle."""
SMALL: Final = range(1101, 1151)
HOSTS: Final = 300
SUSPENDED: Final = "h7.example"
REMOTE: Final = 2001

WORDS: Final = (
    "morning kettle garden bus letter window quiet evening appointment train biscuit radio neighbour puddle "
    "ladder"
).split()
SHARES: Final = (OPEN,) * 30 + (HOME,) * 15 + (BARE,) * 10 + (AWAY,) * 5 + (CIRCLE,) * 2 + (0,) * 15
"""Of a hundred runs of ten posts; what is left is spread over the small groups. 0 is no group: a profile."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored, and where to look."""

    posts: int
    fifty: int
    five_hundred: int
    answered: int
    own: int
    """A conversation of fifty replies, one of five hundred, one of `OWNER` with two hundred answers to them,
    and one post of `ASHA`."""

    @property
    def remote(self) -> int:
        """How many people elsewhere are known."""
        return max(self.posts // 100, 600)

    @property
    def stormy(self) -> int:
        """How many hidden conversations are the newest of their group."""
        return min(20_000, self.posts // 5)


POSTS: Final = (
    "id", "uri", "kind", "author_id", "host", "group_id", "root_id", "parent_id", "audience", "standing",
    "title", "body_html", "body_text", "language", "attachments", "published_at", "active_at", "created_at",
    "written_in",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A post, as much of it as differs."""

    id: int
    author: int
    group: int
    root: int
    parent: int | None = None
    audience: str = "public"
    standing: str = "visible"
    picture: bool = False

    def at(self) -> datetime:
        return datetime.fromtimestamp((self.id >> 20) / 1000, UTC)


def nth(number: int) -> int:
    """Return the id of a post; one comes every minute."""
    return (int(START.timestamp()) + number * 60) * 1000 << 20


def host_of(author: int) -> str | None:
    return None if author < REMOTE else f"h{(author - REMOTE) % HOSTS}.example"


def kind_of(group: int) -> str:
    return {HOME: "home", CIRCLE: "circle"}.get(group, "open")


def lines(stored: Stored) -> Iterator[Line]:
    """Every post, oldest first."""
    ordinary = stored.posts - stored.stormy - 1_200
    for number in range(1, ordinary + 1):
        yield ordinary_line(number, stored)
    yield from conversations(stored)
    bad = REMOTE + 7
    for number in range(stored.posts - stored.stormy + 1, stored.posts + 1):
        yield Line(nth(number), bad, STORMY, nth(number))


def ordinary_line(number: int, stored: Stored) -> Line:
    run, place = divmod(number, 10)
    root = nth(max(run * 10, 1))
    share = run * 37 % 100
    group = SHARES[share] if share < len(SHARES) else SMALL[run % len(SMALL)]
    if share == 99:
        group = STORMY
    if group in (HOME, CIRCLE):
        author = 6 + (number * 7 % (PEOPLE - 6))
    elif number % 31 == 0:
        author = WRITER
    elif number % 97 == 0:
        author = ASHA
    else:
        author = 6 + number * 7 % (PEOPLE - 6) if number % 2 else REMOTE + number * 13 % stored.remote
    standing = "held" if number % 211 == 0 else "removed" if number % 199 == 0 else "visible"
    audience = "group" if group in (HOME, CIRCLE) else "followers" if number % 23 == 0 else "public"
    is_root = place == 0 or (group == 0 and number % 3 > 0)
    return Line(
        nth(number), author, group, nth(number) if is_root else root, None if is_root else root,
        audience, standing, group not in (BARE, HOME) and number % 70 == 0,
    )  # fmt: skip


def conversations(stored: Stored) -> Iterator[Line]:
    """The three that are looked at."""
    step = nth(1) - nth(0)
    for root, author, replies in (
        (stored.fifty, 6, 50),
        (stored.five_hundred, 6, 500),
        (stored.answered, OWNER, 500),
    ):
        yield Line(root, author, OPEN, root)
        for place in range(1, replies + 1):
            to_owner = place % 5 < 2
            parent = root if to_owner or root != stored.answered else root + step * 2
            yield Line(root + step * place, 6 + place * 3 % (PEOPLE - 6), OPEN, root, parent)
    yield Line(stored.own, ASHA, OPEN, stored.own)


def record(line: Line, number: int) -> tuple[Any, ...]:
    host = host_of(line.author)
    seldom = "marrow " if number % 400 == 0 else ""
    text = f"{WORDS[number % 15]} and {WORDS[number // 15 % 15]}, {seldom}said{number % 997}"
    picture = '{"url": "https://h.example/p.png", "media_type": "image/png", "description": ""}'
    at = line.at()
    return (
        line.id, f"https://{host or 'support.example'}/o/{line.id}", "Note", line.author, host,
        line.group or None, line.root, line.parent, line.audience, line.standing,
        f"About a {WORDS[number % 15]}" if line.parent is None else "",
        f"<p>{text}</p>" * 4, text * 4, "de" if number % 5 == 0 else "en",
        f"[{picture}]" if line.picture else "[]",
        at, at, at, kind_of(line.group) if line.group else None,
    )  # fmt: skip


async def store(conn: asyncpg.Connection, posts: int) -> Stored:
    """Fill an empty, migrated database; `conn` is a superuser's, because keys are not checked meanwhile."""
    first = posts - min(20_000, posts // 5) - 1_190
    stored = Stored(posts, *(nth(first + step) for step in (0, 60, 570, 1_100)))
    await conn.execute("set session_replication_role = 'replica'")
    await people(conn, stored)
    every = list(lines(stored))
    await conn.copy_records_to_table(
        "posts", records=(record(line, number) for number, line in enumerate(every)), columns=POSTS
    )
    await conn.execute(WORDS_OF)
    await around(conn, stored, every)
    await work(conn, stored)
    await conn.execute("set session_replication_role = 'origin'")
    await conn.execute("analyze")
    await clean(conn)
    return stored


HALF_CLEAN: Final = """
select relname from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and relallvisible < relpages - 1
"""


async def clean(conn: asyncpg.Connection) -> None:
    """Mark every page as seen by everybody; one run may pass some by, and their rows are read again."""
    for _ in range(5):
        await conn.execute("vacuum (index_cleanup on)")
        if (left := await conn.fetch(HALF_CLEAN)) == []:
            return
    raise RuntimeError(f"not clean: {', '.join(row['relname'] for row in left)}")


async def people(conn: asyncpg.Connection, stored: Stored) -> None:
    await _copy(
        conn, "accounts", "id name password_hash roles created_at",
        ((n, f"person{n}", "x", ["admin"] if n == ASHA else [], START) for n in range(1, PEOPLE + 1)),
    )  # fmt: skip
    groups = (OPEN, HOME, BARE, STORMY, AWAY, CIRCLE, *SMALL)
    own = [*range(1, PEOPLE + 1), *groups]
    away = range(REMOTE, REMOTE + stored.remote)
    await _copy(
        conn,
        "actors",
        "id uri kind host name display_name inbox_uri outbox_uri followers_uri key_id public_key_pem"
        " discoverable indexable account_id created_at updated_at",
        (_actor(number) for number in (*own, *away)),
    )
    names = [(f"person{n}", n, START) for n in range(1, PEOPLE + 1)]
    names += [(f"group{n}", n, START) for n in groups if n != AWAY]
    await _copy(conn, "names", "name actor_id taken_at", names)
    await _copy(
        conn, "groups", "actor_id kind title created_at",
        ((n, kind_of(n), f"Group {n}", START) for n in groups),
    )  # fmt: skip
    joined = (OPEN, HOME, BARE, STORMY, AWAY, *SMALL[:30])
    pairs = {(ASHA, n) for n in (*joined, *range(6, 11), *range(REMOTE, REMOTE + 15))}
    pairs |= {(n, HOME) for n in (OWNER, QUIET, WRITER, *range(6, 200))}
    pairs |= {(n, OPEN) for n in (OWNER, WRITER, *range(6, PEOPLE))}
    pairs |= {(n, OPEN) for n in range(REMOTE, REMOTE + stored.remote // 2)}
    pairs |= {(n, ASHA) for n in range(REMOTE, REMOTE + 100)}
    await _copy(
        conn, "follows", "id uri follower_id target_id standing created_at",
        ((n, f"{BASE}/f/{n}", *pair, "accepted", START) for n, pair in enumerate(sorted(pairs), 1)),
    )  # fmt: skip
    await _copy(
        conn, "follows", "id uri follower_id target_id standing created_at",
        ((10**6 + n, "x", REMOTE + 200 + n, n % 50 + 1101, "pending", START) for n in range(300)),
    )  # fmt: skip
    cared = [(n, ASHA, START) for n in (OPEN, HOME, SMALL[0])]
    cared += [(n, WRITER, START) for n in SMALL[1:20]]
    await _copy(conn, "group_moderators", "group_id actor_id since_at", cared)
    rules = [(SUSPENDED, "suspend", START, START), ("h8.example", "limit", START, START)]
    rules += [(f"bad{n}.example", "suspend", START, START) for n in range(200)]
    await _copy(conn, "domain_rules", "domain severity created_at updated_at", rules)
    peers = [(f"h{n}.example", "x", START, n) for n in range(HOSTS)]
    await _copy(conn, "peers", "host software last_heard_at number", peers)


def _actor(number: int) -> tuple[Any, ...]:
    host = "h1.example" if number == AWAY else host_of(number)
    is_group = OPEN <= number < REMOTE
    uri = f"https://{host or 'support.example'}/u/{number}"
    name = f"group{number}" if is_group else f"person{number}"
    return (
        number, uri, "group" if is_group else "person", host, name, f"Person {number}" if number % 3 else "",
        f"{uri}/inbox", f"{uri}/outbox", f"{uri}/followers", f"{uri}#main-key", "x" * 400, number % 2 == 0,
        number % 5 == 0,
        number if number <= PEOPLE else None, START, START,
    )  # fmt: skip


async def around(conn: asyncpg.Connection, stored: Stored, every: list[Line]) -> None:
    """What points to posts."""
    roots = [line for line in every if line.group and line.parent is None and line.standing == "visible"]
    await _copy(
        conn, "announces", "id uri actor_id post_id host announced_at",
        ((e.id + 1, f"{BASE}/b/{e.id}", e.group, e.id, host_of(e.author), e.at()) for e in roots),
    )  # fmt: skip
    boosters = (6, 7, REMOTE, REMOTE + 1, REMOTE + 7)
    await _copy(
        conn, "announces", "id uri actor_id post_id host announced_at",
        ((e.id + 2, f"{BASE}/c/{e.id}", boosters[n % 5], e.id, host_of(e.author), e.at())
         for n, e in enumerate(every)
         if n % 20 == 0 and e.audience == "public"),
    )  # fmt: skip
    named = [line.id for line in every[3 : -stored.stormy : 10]]
    await _copy(conn, "mentions", "post_id actor_id", ((n, NAMED) for n in named))
    await _copy(conn, "mentions", "post_id actor_id", ((n, ASHA) for n in named[::9]))
    await _copy(
        conn, "reactions", "id actor_id actor_uri post_id proof reacted_at",
        ((n, REMOTE + n % 500, f"https://h.example/{n}", line.id, "signature", START)
         for n, line in enumerate(every[:: 5])),
    )  # fmt: skip
    await _copy(
        conn, "notifications", "id account_id person_id kind actor_id post_id created_at",
        ((line.id + 3, *[(NAMED, ASHA, 1 + n % PEOPLE)[n % 4 % 3]] * 2, "reply" if n % 3 else "mention",
          line.author, line.id, line.at()) for n, line in enumerate(every[: 100 - stored.stormy : 7])),
    )  # fmt: skip
    await _copy(
        conn, "removals", "post_id removed_at",
        ((line.id, START) for line in every if line.standing == "removed"),
    )  # fmt: skip
    await _copy(
        conn, "reports", "id reporter_id group_id target_id post_ids created_at",
        ((n, 6, SMALL[n % 50], REMOTE, [line.id], line.at()) for n, line in enumerate(every[:: 40])),
    )  # fmt: skip
    of_hosts = [bits("".join("01"[n == bit] for n in range(HOSTS))) for bit in range(HOSTS)]
    await _copy(
        conn, "copies", "post_id how hosts since_at",
        ((line.id, "delivered", of_hosts[n % HOSTS], START) for n, line in enumerate(every)
         if line.author < REMOTE),
    )  # fmt: skip


async def work(conn: asyncpg.Connection, stored: Stored) -> None:
    """Activities, deliveries, receipts and decisions."""
    await conn.execute(ACTIVITIES, BASE)
    await _copy(
        conn, "deliveries", "activity_id sender_id host inbox_uri post_id standing due_at created_at",
        ((n, OPEN, f"h{n % HOSTS}.example", f"https://h{n}.example/inbox", nth(n % 2_000),
          "waiting" if n % 3 else "parked" if n % 2 else "refused", START, START) for n in range(20_000)),
    )  # fmt: skip
    await _copy(
        conn, "receipts", "uri host signer_uri body standing due_at received_at",
        ((f"https://h{n % HOSTS}.example/a/{n}", f"h{n % HOSTS}.example", "https://h.example/u", "{}",
          "done" if n % 10 else "parked" if n % 20 else "waiting", START, START) for n in range(50_000)),
    )  # fmt: skip
    await _copy(
        conn, "decisions", "activity_uri actor_uri verb object_uri proof verdict reasons decided_at",
        ((f"https://h{n % HOSTS}.example/a/{n}", "https://h.example/u", "Create", f"https://h.example/o/{n}",
          "signature", "accept", [], START) for n in range(20_000)),
    )  # fmt: skip
    await _copy(
        conn, "tombstones", "uri deleted_at", ((f"{BASE}/gone/{n}", START) for n in range(5_000))
    )
    await _copy(
        conn, "sessions", "token_hash account_id created_at expires_at",
        ((n.to_bytes(32), 1 + n % PEOPLE, START, START) for n in range(2_000)),
    )  # fmt: skip
    await _copy(
        conn, "tokens", "token_hash account_id person_id scopes created_at",
        ((n.to_bytes(32), 1 + n % PEOPLE, 1 + n % PEOPLE, ["read"], START) for n in range(2_000)),
    )  # fmt: skip
    await _copy(
        conn, "lanes", "kind host failures due_at",
        ((kind, f"h{n}.example", n % 3, START) for n in range(HOSTS) for kind in ("deliver", "receive")),
    )  # fmt: skip


WORDS_OF: Final = """
insert into post_words (post_id, author_id, group_id, findable, words)
select p.id, p.author_id, p.group_id, a.indexable, words_of(p, a.indexable)
from posts p join actors a on a.id = p.author_id
"""
ACTIVITIES: Final = """
insert into activities (id, uri, actor_uri, verb, object_uri, document, direction, public, created_at)
select p.id + k.n, $1 || '/a/' || p.id || '/' || k.n, case k.n when 4 then a.uri else g.uri end,
       case k.n when 4 then 'Create' else 'Announce' end,
       case k.n when 4 then p.uri else $1 || '/a/' || p.id || '/4' end, '{"type":"Announce"}', 'out', true,
       p.published_at
from posts p
join actors a on a.id = p.author_id
left join actors g on g.id = p.group_id
cross join (values (4), (5)) k (n)
where p.host is null and p.audience = 'public' and (k.n = 4 or g.id is not null)
"""


def bits(text: str) -> asyncpg.BitString:
    """Return bits for a column of them, from noughts and ones."""
    return asyncpg.BitString(text)  # type: ignore[arg-type]  # described as bytes, and reads text


async def _copy(
    conn: asyncpg.Connection, table: str, columns: str, records: Iterable[tuple[Any, ...]]
) -> None:
    await conn.copy_records_to_table(table, records=records, columns=columns.split())
