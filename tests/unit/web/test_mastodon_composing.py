"""Finding names in a text, and what of a text is the title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_support.domain.instance import Instance
from fediverse_support.reads.people.actors import Handle
from fediverse_support.web.mastodon import composing
from fediverse_support.web.mastodon.composing import Words
from fediverse_support.web.mastodon.errors import Refused

OURS = Instance("https://support.example")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@wren hello", ["wren@"]),
        ("hello (@wren), and @Wren.", ["wren@", "wren@"]),
        ("!frontroom hi", ["frontroom@"]),
        ("@wren@support.example", ["wren@"]),
        ("@io@masto.example: yes", ["io@masto.example"]),
        ("@io@masto.example:8443", ["io@masto.example:8443"]),
        ("@io@MASTO.example.", ["io@masto.example"]),
        ("@a.b-c@masto.example", ["a.b-c@masto.example"]),
        ("@io@bücher.example", ["io@xn--bcher-kva.example"]),
        ("hi.@wren", ["wren@"]),
        ("write to wren@masto.example", []),
        ("https://masto.example/@io and https://masto.example/@io/1", []),
        ("wow! great!yes @ noon, @, @@wren", []),
        ("@wren@", []),
    ],
)
def test_names_are_found_where_people_write_them(text: str, found: list[str]) -> None:
    assert [handle.key for handle in composing.handles_in(text, OURS)] == found


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("wren", Handle("wren", None)),
        ("@wren", Handle("wren", None)),
        ("acct:wren@support.example", Handle("wren", None)),
        ("!g@pie.example", Handle("g", "pie.example", True)),
        ("io@masto.example", Handle("io", "masto.example")),
    ],
)
def test_a_handle_is_read(text: str, handle: Handle) -> None:
    assert composing.handle_of(text, OURS) == handle


@pytest.mark.parametrize("text", ["", "@", "a b", "a@", "a@b c", "a@[", "a@b@c", "a/b", "x" * 65, "a@b\x00"])
def test_what_is_no_handle_is_none(text: str) -> None:
    assert composing.handle_of(text, OURS) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_search_for_names(text: str) -> None:
    try:
        composing.handles_in(text, OURS)
    except Refused as refused:
        assert refused.status == 422
    composing.handle_of(text, OURS)


def titled(text: str, title: str | None = None) -> tuple[str, str]:
    return composing.titled(Words(text=text, title=title), text)


def test_a_first_line_before_a_blank_one_is_the_title() -> None:
    assert titled("How do I ask?\n\nI have questions.\n\nMany.") == (
        "How do I ask?",
        "I have questions.\n\nMany.",
    )


def test_a_first_line_that_goes_on_is_text() -> None:
    assert titled("How do I ask?\nI have questions.") == ("How do I ask?", "How do I ask?\nI have questions.")


def test_a_first_line_of_more_than_120_characters_is_text() -> None:
    line = ("word " * 25).strip()
    title, body = titled(f"{line}\n\nmore")
    assert body == f"{line}\n\nmore"
    assert title == "word " * 11 + "word…"


def test_one_line_is_text_and_title() -> None:
    assert titled("**Hello** there") == ("Hello there", "**Hello** there")


def test_a_title_of_ones_own_leaves_the_text_whole() -> None:
    assert titled("One\n\nTwo", "A title") == ("A title", "One\n\nTwo")


def test_a_single_endless_word_is_cut() -> None:
    title, _ = titled("x" * 500)
    assert title == "x" * 60 + "…"
