"""The words of the pages: exact where they must be, calm everywhere, never what they must not be."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import get_args

import pytest

from federation.uris import Host
from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.audiences import narrower, widest_in
from fediverse_support.domain.posts import Audience
from fediverse_support.speech import ENGLISH
from fediverse_support.web.pages import addresses, engine, forms
from fediverse_support.web.words import audiences, reasons, sentences

NEVER = re.compile(
    r"\b(anonymous|secure|deleted everywhere|24/7|guaranteed|suffer|victim|patient|disorder|simply|easy|"
    r"obviously|journey|heal|safe space|reach out|we miss you|don't forget|trending|last chance|oops|invalid|"
    r"illegal|denied|failed|user|users|community|instance|federate|feed|ticket|flag|ban|trigger|stay strong|"
    r"it gets better)\b",
    re.IGNORECASE,
)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", re.DOTALL)


def said() -> dict[str, str]:
    """Everything a page may say, by where it is written."""
    found = {
        str(path.relative_to(engine.TEMPLATES)): TAG.sub(" ", path.read_text().replace("aria-invalid", ""))
        for path in engine.TEMPLATES.rglob("*.html")
    }
    found["sentences.AUDIENCE"] = " ".join(audiences.AUDIENCE.values())
    for where, catalogue in (
        ("DONE", sentences.DONE),
        ("REASONS", reasons.REASONS),
        ("FIXES", reasons.FIXES),
    ):
        found[where] = " ".join(catalogue.values())
    return found


def test_no_page_says_what_must_never_be_said() -> None:
    wrong = {where: NEVER.findall(text) for where, text in said().items() if NEVER.search(text)}
    assert wrong == {}


def test_no_page_shouts() -> None:
    assert [where for where, text in said().items() if "!" in text] == []


def test_the_audience_sentences_to_the_letter() -> None:
    assert audiences.reach("home", "group").sentence == (
        "Only members of this group, on this server, can read this. It does not go to other servers. "
        "The people who "
        "run this server can read it too. Someone could still copy it."
    )
    assert audiences.reach("home-open", "group").sentence == (
        "Anyone signed in here can read this. It does not go to other servers. The people who run "
        "this server can "
        "read it too. Someone could still copy it."
    )
    assert audiences.reach("circle", "group", servers=3).sentence == (
        "Members of this group can read this. Some of them use other servers, so a copy goes to "
        "those servers: 3 "
        "right now. The people who run those servers can read it. We can ask them to delete it "
        "later, but we cannot "
        "make them."
    )
    assert audiences.reach("open", "public").sentence == (
        "Anyone can read this, now and later. Copies go to other servers and may show up in "
        "searches. We can ask for "
        "copies to be deleted, but we cannot make it happen. Do not share anything that could show "
        "who you are."
    )


W1, W1_OPEN, W2, W3 = (
    audiences.AUDIENCE[kind].replace("%(servers)s", "3") for kind in ("home", "home-open", "circle", "open")
)
W4, W5 = audiences.MESSAGE, audiences.REPLY_ELSEWHERE
HERE, THERE = None, Host("pie.example")
IN_THE_OPEN: dict[Audience, tuple[str, str, str]] = {
    "public": ("open", W3, W5),
    "unlisted": ("open", W3, W5),
    "followers": ("few", audiences.FOLLOWERS, W5),
    "group": ("circle", audiences.CIRCLE_ELSEWHERE, W5),
}
PLACES: dict[tuple[GroupKind | None, Host | None], dict[Audience, tuple[str, str, str]]] = {
    # Per audience: how the room is drawn, the sentence, and what an answer to somebody elsewhere adds.
    ("home", HERE): {"group": ("home", W1, "")},
    ("home-open", HERE): {"group": ("home-open", W1_OPEN, "")},
    ("circle", HERE): {"group": ("circle", W2, "")},
    ("circle", THERE): {"group": ("circle", audiences.CIRCLE_ELSEWHERE, W5)},
    ("open", HERE): {**IN_THE_OPEN, "group": ("open", W3, "")},
    ("open", THERE): IN_THE_OPEN,
    # Also of a group that is not there any more.
    (None, HERE): IN_THE_OPEN,
}


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("answers_elsewhere", [False, True])
@pytest.mark.parametrize("above", get_args(Audience))
def test_who_can_read_it_is_said_truly_in_every_place(
    place: tuple[GroupKind | None, Host | None], above: Audience, *, answers_elsewhere: bool
) -> None:
    kind, host = place
    audience = narrower(widest_in(kind), above)
    mark, sentence, elsewhere = {"direct": ("few", W4, ""), **PLACES[place]}[audience]
    said = audiences.reach(kind, audience, servers=3, host=host, answers_elsewhere=answers_elsewhere)
    assert said == audiences.Reach(mark, sentence, elsewhere if answers_elsewhere else "")  # type: ignore[arg-type]


def test_a_private_message_is_called_by_its_exact_words() -> None:
    assert W4 == (
        "This is a private message, but it is not locked. The people who run this server can read it. If the "
        "other person uses another server, the people who run that server can read it too."
    )
    assert W5 == (
        "You are replying to someone on another server. Your reply and your name in this group will be sent "
        "there."
    )


@pytest.mark.parametrize(
    ("federates", "asked", "answered", "sentence"),
    [
        (False, 0, 0, "We have deleted this here. It never left this server. Someone may have saved it."),
        (True, 0, 0, "This never left. It is gone."),
        (
            True, 3, 2,
            "We have deleted this here. We have asked 3 other servers to delete their copies. 2 have "
            "said yes. "
            "1 has not answered. Someone may have saved it.",
        ),
        (
            True, 1, 1,
            "We have deleted this here. We have asked 1 other server to delete its copy. 1 has said yes. "
            "Someone may have saved it.",
        ),
    ],
)  # fmt: skip
def test_the_truth_about_a_deletion(federates: bool, asked: int, answered: int, sentence: str) -> None:
    assert sentences.removal(federates, asked, answered) == sentence


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(minutes=3), "this evening"),
        (timedelta(hours=6), "this afternoon"),
        (timedelta(hours=11), "this morning"),
        (timedelta(hours=24), "yesterday evening"),
        (timedelta(days=3), "Sunday"),
        (timedelta(days=10), "21 April"),
        (timedelta(days=400), "March 2029"),
        (timedelta(hours=-2), "this evening"),
    ],
)
def test_moments_are_rounded(ago: timedelta, said: str) -> None:
    now = datetime(2030, 5, 1, 20, 0).astimezone()
    assert ENGLISH.day(now - ago, now) == said


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/é", "/a\n", "", "/" + "a" * 400],
)
def test_only_paths_of_ours_are_ours(address: str) -> None:
    assert not addresses.is_ours(address)


def test_our_own_addresses_are_ours() -> None:
    for address in ("/home", "/g/front_room/t/12", "/g/books@pie.example:8000", "/g/x?before=1-2", "/@wren"):
        assert addresses.is_ours(address)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.0", "1e3", " 1", "٣", "9223372036854775808", "x"])
def test_a_row_id_is_plain_digits(text: str) -> None:
    assert forms.row_id(text) is None


def test_the_largest_row_id() -> None:
    assert forms.row_id("9223372036854775807") == 2**63 - 1


def test_a_beginning_is_cut_between_words() -> None:
    assert engine.beginning("One two\nthree four", 12) == "One two…"
    assert engine.beginning("x" * 99, 10) == "x" * 10 + "…"
    assert engine.beginning("short") == "short"
