"""Every statement of `reads`, as somebody would ask it of a server that has been there for years."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from types import SimpleNamespace
from typing import Any, Final

from federation.uris import Uri
from fediverse_support.db.pool import Conn
from fediverse_support.domain.actors import Person
from fediverse_support.domain.ids import AccountId, ActorId, PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.reads import accounts, federation, groups, house, jobs, notices, viewer
from fediverse_support.reads.exchange import crossings, explain, queues
from fediverse_support.reads.moderation import domain_rules, moderation, servers
from fediverse_support.reads.people import actors, followers, people
from fediverse_support.reads.people.actors import Handle
from fediverse_support.reads.posts import followed, home, own_posts, posts, search, threads, timelines
from fediverse_support.reads.posts.windows import MAX_ID, Window
from tests import stored as seed
from tests.stored import ASHA, NAMED, OPEN, OWNER, QUIET, REMOTE, STORMY, WRITER, Stored, nth

NOW: Final = datetime(2035, 1, 1, tzinfo=UTC)
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
KINDS: Final = ["mention", "reply", "liked", "follow", "follow_request"]
ROWS: Final[Any] = SimpleNamespace


@dataclass(frozen=True)
class Case:
    """One way to ask; `name` is for who reads what failed."""

    name: str
    ask: Callable[[Conn], Awaitable[Any]]


def windows(stored: Stored) -> dict[str, Window]:
    latest, step = nth(stored.posts), nth(1) - nth(0)
    return {
        "newest": Window(limit=41),
        "older": Window(below=nth(5_000), limit=41),
        "just above": Window(above=nth(500), limit=41, upwards=True),
        "since": Window(above=latest - 300 * step, limit=41),
        "between": Window(above=nth(400), below=nth(6_000), limit=41),
        "between, upwards": Window(above=nth(400), below=nth(6_000), limit=41, upwards=True),
    }


def cases(stored: Stored) -> list[Case]:
    """Return every way to ask."""
    return [
        *of_timelines(stored), *of_threads(stored), *of_pages(stored), *of_finding(stored), *of_staff(stored),
        *of_operators(stored), *of_servers(stored), *of_one(stored),
    ]  # fmt: skip


def of_timelines(stored: Stored) -> list[Case]:
    found = []
    for (when, window), who in product(windows(stored).items(), (ASHA, OWNER, QUIET, WRITER, NAMED)):
        found.append(Case(f"home of {who}, {when}", lambda c, w=who, n=window: followed.home(c, w, n)))
    for (when, window), local in product(windows(stored).items(), (None, True, False)):
        found.append(Case(f"public, local={local}, {when}",
                          lambda c, n=window, x=local: timelines.public(c, ASHA, n, local=x)))  # fmt: skip
    flags = product((True, False), (True, False))
    authors = (ASHA, WRITER, REMOTE + 13, REMOTE + 7)
    for (when, window), (one, other), who, viewer_id in product(
        windows(stored).items(), list(flags), authors, (None, QUIET, ASHA)
    ):
        found.append(Case(f"statuses of {who} for {viewer_id}, replies={one}, media={other}, {when}",
                          lambda c, n=window, w=who, v=viewer_id, a=one, b=other:
                          timelines.by_author(c, w, v, n, replies=a, media=b)))  # fmt: skip
    for (when, window), one, other, group in product(
        windows(stored).items(), (True, False), (True, False), (OPEN, seed.HOME, seed.BARE, STORMY)
    ):
        found.append(Case(f"statuses of group {group}, announced={one}, media={other}, {when}",
                          lambda c, n=window, g=group, a=one, b=other:
                          timelines.in_group(c, g, ASHA, n, announced=a, media=b)))  # fmt: skip
    for (when, window), who, kinds in product(windows(stored).items(), (ASHA, NAMED), (KINDS, ["follow"])):
        for actor in (None, REMOTE + 3):
            found.append(Case(f"notifications of {who}, {len(kinds)} kinds, by {actor}, {when}",
                              lambda c, n=window, w=who, k=kinds, a=actor:
                              notices.of_account(c, w, w, k, n, a)))  # fmt: skip
    return found


TWO_NAMES = viewer.Viewer(
    tuple(
        viewer.Name(Person(AccountId(ASHA), frozenset(), ActorId(name), Uri("x"), "x"), "x", place)
        for name, place in ((ASHA, None), (QUIET, ActorId(seed.HOME)))
    ),
    moderates=False,
)


def of_threads(stored: Stored) -> list[Case]:
    found = []
    for (name, root), who in product(
        {"fifty": stored.fifty, "five hundred": stored.five_hundred, "answered": stored.answered}.items(),
        ((), (ASHA,), (ASHA, QUIET)),
    ):
        found += [
            Case(f"replies of {name} for {who}", lambda c, r=root, w=who: threads.list_replies(c, r, w, 0)),
            Case(f"replies before in {name} for {who}",
                 lambda c, r=root, w=who: threads.list_before(c, r, w, MAX_ID)),
            Case(f"first of {name} for {who}", lambda c, r=root, w=who: threads.find_post(c, r, w)),
            Case(f"context of {name} for {who}", lambda c, r=root, w=who: posts.around(
                c, r, *(w[:1] or (None,)), most_above=4096, most_below=4096, depth=100)),
        ]  # fmt: skip
    return [
        *found,
        Case("quoted", lambda c: threads.list_quoted(c, [stored.fifty, stored.own], (ASHA,))),
        Case("own in thread", lambda c: threads.has_own(c, stored.answered, (OWNER,))),
        Case("why it is paused", lambda c: threads.find_pause(c, stored.answered)),
        Case("who took it out", lambda c: threads.list_deciders(c, [stored.fifty, stored.own])),
        Case("copies of a deleted post", lambda c: threads.find_copies(c, stored.own, (ASHA,))),
        Case("entry", lambda c: posts.find_entry(c, stored.own, ASHA)),
        Case("by address", lambda c: posts.find_by_address(c, f"{seed.BASE}/o/{stored.own}", ASHA)),
    ]


def of_pages(stored: Stored) -> list[Case]:
    before = datetime.fromtimestamp((nth(5_000) >> 20) / 1000, UTC)
    found = [
        Case("directory for visitors", lambda c: groups.list_groups(c, ())),
        Case("directory", lambda c: groups.list_groups(c, (ASHA,))),
        Case("name for a group", lambda c: viewer.acting_in(c, TWO_NAMES, ActorId(OPEN))),
        Case("name for a post", lambda c: viewer.acting_on(c, TWO_NAMES, PostId(stored.own))),
        Case("one group", lambda c: groups.find_group(c, f"group{OPEN}", (ASHA,), NOW)),
    ]
    for group, at in product((OPEN, seed.HOME, seed.BARE, STORMY), (NOW, before)):
        found.append(
            Case(
                f"conversations of {group} before {at:%Y}",
                lambda c, g=group, t=at: groups.list_conversations(c, g, (ASHA,), (t, 2**62)),
            )
        )
    for who in ((ASHA,), (OWNER,), (QUIET,), (WRITER,), (NAMED,), (QUIET, ASHA)):
        found += [
            Case(f"page home of {who}", lambda c, w=who: home.list_joined(c, w, LONG_AGO)),
            Case(f"about {who}", lambda c, w=who: home.list_about_you(c, w[0], w, LONG_AGO)),
            Case(f"earlier {who}", lambda c, w=who: home.list_earlier(c, w[0], w, LONG_AGO, 2**62)),
        ]
    for author, readers in product((ASHA, WRITER, REMOTE + 13), ((), (QUIET,), (ASHA,))):
        found.append(Case(f"profile of {author} for {readers}",
                          lambda c, a=author, w=readers: people.list_written(c, a, w, 2**62)))  # fmt: skip
    found += [
        Case("followers", lambda c: followers.list_followers(c, ASHA)),
        Case("asking to follow", lambda c: followers.list_asking(c, ASHA)),
        Case("one follow", lambda c: followers.find_follow(c, ASHA, REMOTE + 3)),
    ]
    return found


def of_finding(stored: Stored) -> list[Case]:
    found = []
    words = ("marrow", "kettle", "nothingofthekind", "kettle said33", "kettle garden")
    for who, text in product((ASHA, QUIET, NAMED), words):
        found.append(
            Case(f"words {text} for {who}", lambda c, w=who, t=text: search.in_posts(c, t, w, 20, 0))
        )
    for text in ("person20", "person", "group 11", "zebra"):
        found.append(Case(f"people {text}", lambda c, t=text: actors.search(c, t, ASHA, 40, 0)))
    here = Instance(base_url=seed.BASE)
    handles = [Handle("person6", None), Handle(f"person{REMOTE}", "h0.example")]
    return [
        *found,
        Case("relations", lambda c: actors.relations(c, ASHA, range(1, 41))),
        Case("named", lambda c: actors.named(c, handles, ASHA)),
        Case("by handle", lambda c: actors.find_by_handle(c, handles[0], ASHA)),
        Case("at an address", lambda c: search.at_address(c, here, "https://h1.example/u/1", ASHA)),
        Case("page of ours", lambda c: search.at_address(c, here, f"{seed.BASE}/post/{stored.own}", ASHA)),
        Case("contact", actors.find_contact),
    ]  # fmt: skip


def of_staff(stored: Stored) -> list[Case]:
    found = [
        Case("servers", servers.list_servers),
        Case("one server", lambda c: servers.get_server(c, seed.SUSPENDED)),
        Case("why a server is suspended", lambda c: servers.find_reason(c, seed.SUSPENDED)),
        Case("a whole top-level domain", lambda c: servers.get_server(c, "example")),
        Case("rules", domain_rules.list_rules),
    ]
    for who in (ASHA, WRITER, OWNER):
        person: Any = ROWS(actor_id=who, roles=["moderator"] if who == ASHA else [])
        found += [
            Case(f"held for {who}", lambda c, p=person: moderation.list_held(c, p, NOW)),
            Case(f"reports for {who}", lambda c, p=person: moderation.list_reports(c, p)),
            Case(f"reported for {who}", lambda c, p=person: moderation.list_reported(c, p, [stored.own])),
            Case(f"messages for {who}", lambda c, p=person: moderation.list_messages(c, p)),
            Case(f"asking to join for {who}", lambda c, p=person: moderation.list_asking(c, p)),
            Case(f"newcomers for {who}", lambda c, p=person: moderation.list_newcomers(c, p)),
            Case(f"waiting for {who}", lambda c, p=person: moderation.find_waiting(c, p)),
            Case(f"groups of {who}", lambda c, w=who: moderation.list_moderated(c, w)),
        ]
    return found


def of_operators(stored: Stored) -> list[Case]:
    own = f"{seed.BASE}/o/{stored.own}"
    return [
        Case("why", lambda c: explain.explain(c, own, with_bytes=True)),
        Case("why nothing", lambda c: explain.explain(c, f"{seed.BASE}/nothing", with_bytes=True)),
        Case("what waits", queues.status),
        Case("numbers", lambda c: queues.totals(c, NOW)),
        Case("errands", jobs.status),
        Case("errands by kind", lambda c: jobs.waiting(c, NOW)),
        Case("pulse", lambda c: queues.pulse(c, NOW)),
        Case("queue of a host", lambda c: queues.status(c, host=seed.SUSPENDED)),
        Case("crossings", lambda c: crossings.list_crossings(c, 40)),
        Case("documents", lambda c: crossings.find_documents(c, [f"{seed.BASE}/a/{stored.own}/5"])),
    ]


def of_servers(stored: Stored) -> list[Case]:
    host = "h1.example"
    found = []
    for group in (OPEN, STORMY):
        row = ROWS(id=group, uri=f"{seed.BASE}/u/{group}")
        found.append(Case(f"outbox of {group}", lambda c, r=row: federation.list_outbox(c, r, NOW)))
    top = ROWS(id=stored.five_hundred, root_id=stored.five_hundred)
    return [
        *found,
        Case("context collection", lambda c: federation.list_context(c, stored.five_hundred, 0, NOW)),
        Case("replies collection", lambda c: federation.list_replies(c, top, 0, NOW)),
        Case("likes", lambda c: federation.count_reactions(c, stored.five_hundred, "likes")),
        Case("shares", lambda c: federation.count_reactions(c, stored.five_hundred, "shares")),
        Case("moderators", lambda c: federation.list_moderators(c, OPEN)),
        Case("actor", lambda c: federation.find_actor(c, f"{seed.BASE}/u/{OPEN}", host)),
        Case("stamp", lambda c: federation.find_stamp(c, f"{seed.BASE}/u/{OPEN}", host)),
        Case("name", lambda c: federation.find_named(c, "person6", ("person",))),
        Case("post", lambda c: federation.find_post(c, f"{seed.BASE}/o/{stored.own}", host, NOW)),
        Case("post by row", lambda c: federation.find_post_uri(c, stored.own, NOW)),
        Case("activity", lambda c: federation.find_activity(c, f"{seed.BASE}/a/{stored.own}/5", host, NOW)),
        Case("door", lambda c: federation.find_door(
            c, host, f"https://{host}/u/1#main-key", f"{seed.BASE}/u/{OPEN}")),
    ]  # fmt: skip


def of_one(stored: Stored) -> list[Case]:
    return [
        Case("viewer", lambda c: viewer.find_viewer(c, b"nobody", NOW, ())),
        Case("house", lambda c: house.find(c, ())),
        Case("settings", lambda c: house.list_settings(c, ())),
        Case("texts", lambda c: house.find_texts(c, "about", "rules")),
        Case("wording", lambda c: house.find_wording(c, "rules")),
        Case("bearer", lambda c: accounts.find_bearer(c, b"nobody")),
        Case("recipient", lambda c: accounts.find_recipient(c, AccountId(1), "active")),
        Case("invitations", lambda c: accounts.list_invitations(c, NOW)),
        Case("person", lambda c: people.find_person(c, ASHA)),
        Case("profile", lambda c: people.find_profile(c, "person6", [ASHA])),
        Case("own post", lambda c: own_posts.find_own(c, stored.own, ASHA)),
        Case("taken out", lambda c: own_posts.find_taken_out(c, stored.own, ASHA)),
        Case("setting", lambda c: own_posts.find_setting(
            c, ASHA, parent_id=stored.own, group_id=None, mentioned=(WRITER,))),
    ]  # fmt: skip
