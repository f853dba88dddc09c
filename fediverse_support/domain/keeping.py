"""Documents as they are kept: what stands in nearly all of them is kept once, here, and not in every row.

A kept document has a mark where such a text stood. Every word of a person stays in the row as it is, so that
erasing the row erases the words. Pure.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from federation import contexts

MARK: Final = "\x01"
"""No JSON has this character as it is (RFC 8259, section 7). Where a text has it after all, it is kept as
text number 0."""
CONTEXT_1: Final = msgspec.json.encode(contexts.OURS).decode()
STANDING: Final[tuple[str, ...]] = (MARK, CONTEXT_1)
"""The texts by their numbers. Rows name them for as long as there are rows: none is ever changed or taken
out, a new one is added at the end. When our context changes, the old one is written out here first."""
MARKED: Final = re.compile("\x01([0-9]+);")


def shorten(document: str) -> str:
    """Return a document as it is kept: any text, of which `restore` makes the same again."""
    for number, text in enumerate(STANDING):
        if text in document:
            document = document.replace(text, f"{MARK}{number};")
    return document


def restore(kept: str) -> str:
    """Return a document as it was, character for character.

    Raises `IndexError` for one that a later release kept.
    """
    return MARKED.sub(lambda found: STANDING[int(found[1])], kept) if MARK in kept else kept
