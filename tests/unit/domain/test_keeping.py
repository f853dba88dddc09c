"""What is kept is told again word for word, however it was shortened, and for as long as rows are kept."""

from __future__ import annotations

import hashlib

import pytest

from federation import writing
from fediverse_support.domain import keeping

CONTEXT = bytes(writing.CONTEXT).decode()
# Whoever sees this fail has changed what kept rows stand for: add a text, and leave those that are there.
DIGESTS = ("4bf5122f", "d2719183")


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        f'{{"@context":{CONTEXT},"id":"https://a.example/1"}}',
        f'{{"object":{{"@context":{CONTEXT},"content":"a \\u0001 1;"}},"@context":{CONTEXT}}}',
        "\x01",
        "\x011; and \x010;\x01\x01",
        f"\x01{CONTEXT}\x011;\x01",
    ],
)
def test_what_is_kept_comes_back_word_for_word(document: str) -> None:
    assert keeping.restore(keeping.shorten(document)) == document


def test_our_context_is_kept_once_and_not_in_every_row() -> None:
    document = f'{{"@context":{CONTEXT},"object":{{"@context":{CONTEXT},"content":"Tea."}}}}'
    kept = keeping.shorten(document)
    assert len(kept) < 70 and '"content":"Tea."' in kept


def test_what_rows_stand_for_never_changes() -> None:
    found = tuple(hashlib.sha256(text.encode()).hexdigest()[:8] for text in keeping.STANDING)
    assert found[: len(DIGESTS)] == DIGESTS


def test_what_was_kept_before_is_told_as_it_is() -> None:
    assert keeping.restore(f'{{"@context":{CONTEXT}}}') == f'{{"@context":{CONTEXT}}}'
