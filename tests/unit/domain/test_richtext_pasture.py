"""HTML that other software is known to send, from the Fediverse Pasture: what is left of it is safe."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from fediverse_pasture_inputs import available

from fediverse_support.domain import richtext

WORDS = ("content", "summary", "name")
SCHEMES = ("http://", "https://", "mailto:")


def texts(value: Any) -> Iterator[str]:
    """Return every string that stands where words stand, however deep."""
    if isinstance(value, dict):
        for member, inner in value.items():
            if member in WORDS and isinstance(inner, str):
                yield inner
            elif member.endswith("Map") and isinstance(inner, dict):
                yield from (text for text in inner.values() if isinstance(text, str))
            else:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


TEXTS = [
    pytest.param(text, id=f"{name}-{number}-{count}")
    for name, data in sorted(available.items())
    for number, example in enumerate(data.examples)
    for count, text in enumerate(texts(example))
]


class Faults(HTMLParser):
    """Notes every tag, attribute and address that we do not print."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check one tag."""
        if tag not in richtext.TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name not in richtext.ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set()):
                self.found.append(f"{tag} {name}")
            if name == "href" and not (value or "").lower().startswith(SCHEMES):
                self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        """No comment is left."""
        self.found.append("comment")

    def handle_decl(self, decl: str) -> None:
        """No declaration is left."""
        self.found.append("declaration")


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_left_is_safe_and_stays_as_it_is(text: str) -> None:
    cleaned = richtext.clean(text)
    faults = Faults()
    faults.feed(cleaned)
    faults.close()
    assert faults.found == []
    assert richtext.clean(cleaned) == cleaned
    richtext.plain(cleaned)


def test_the_pasture_has_words_to_clean() -> None:
    assert len(TEXTS) > 150
