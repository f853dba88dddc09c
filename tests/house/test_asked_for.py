"""Whatever answers somebody with posts or actors asks a rule of the database whether they may see them."""

from __future__ import annotations

import pytest

from tests.house import sql
from tests.house.test_sql import ours

UNASKED: dict[str, tuple[str, ...]] = {
    "operators, on the command line": ("reads/exchange/explain.py: COPIES STANDINGS",),
    "our team, numbers about a server": ("reads/moderation/servers.py: FIND_SERVER",),
    "an account, about itself": (
        "reads/accounts.py: FIND_BEARER",
        "reads/people/people.py: FIND_PERSON",
        "reads/viewer.py: FIND_VIEWER",
    ),
    "moderators, about what is in their care": (
        "reads/moderation/moderation.py: LIST_ASKING LIST_MODERATED",
    ),
    "everybody: who leads a group or a server, which server decided, whether a document is still the same": (
        "reads/federation.py: FIND_STAMP LIST_MODERATORS",
        "reads/people/actors.py: CONTACT",
        "reads/posts/threads.py: FIND_PAUSE LIST_DECIDERS",
    ),
    "nobody: by it is decided what is stored and sent, and no word of it is shown": (
        "store/accounts/accounts.py: HAS_ACTOR",
        "store/demo.py: IS_BEGUN IS_MET",
        "store/exchange/deliveries.py: KEYS STILL_WANTED",
        "store/exchange/fanning.py: PLACES",
        "store/exchange/receipts.py: MAY_BRING",
        "store/facts.py: LOAD LOCK",
        "store/groups.py: FIND_ENDS FIND_MODERATORS_URI PERSONS",
        "store/moderation/held.py: GROUP_URI MAY_APPEAR SEEN",
        "store/moderation/reports.py: POSTS TARGETS",
        "store/people/actors.py: FIND_ROW IS_KNOWN SEALED_KEY",
        "store/people/follows.py: IS_FOLLOWED MODERATORS_HERE TAKE_TURNS",
        "store/people/host_names.py: SHOWN_AT",
        "store/people/remote_actors.py: FIND_ID FIND_KEY FIND_OWNER KNOWN LIST_PEOPLE",
        "store/posts/announces.py: FIND_ANNOUNCE FIND_OWN",
        "store/posts/edits.py: HAS_WORDS",
        "store/posts/idempotency.py: FIND",
        "store/posts/pages.py: OF_ROWS ON_PAGES",
        "store/posts/posts.py: FIND_AUTHOR FIND_POST KNOWN_URIS MAY_COME STILL_UNKNOWN",
    ),
}
"""Who reads the answers of statements that ask nobody, by file and name."""


def unasked() -> set[str]:
    """Every place in `UNASKED`."""
    lines = [line.split(": ") for lines in UNASKED.values() for line in lines]
    return {f"fediverse_support/{path} {name}" for path, names in lines for name in names.split()}


def test_whoever_answers_with_posts_or_actors_asks_whether_they_may_be_seen() -> None:
    found = {where for module in ours() for where, text in sql.made(module) if sql.answers_unasked(text)}
    assert found == unasked()


@pytest.mark.parametrize(
    ("text", "is_unasked"),
    (
        ("select p.title from posts p where p.id = $1", True),
        ("with a as (select 1) select p.name\nfrom a join\n actors p on true -- can_see(p, $1)", True),
        ("select p.title from posts p where p.id = $1 and can_see(p, $2)", False),
        ("select a.id from actors a cross join can_see_actor_each(a.id, $1) s (yes) where s.yes", False),
        ("select p.title from posts p where p.author_id = $1", False),
        ("select f.id from follows f", False),
        ("update posts p set title = '' from actors a where a.id = p.author_id", False),
    ),
)
def test_a_statement_that_asks_nobody_is_found(text: str, is_unasked: bool) -> None:
    assert sql.answers_unasked(text) is is_unasked
