"""Forms as bounded text: read, cut into fields, and never parsed further than that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from fediverse_support.web import limits
from fediverse_support.web.words import sentences
from fediverse_support.web.words.sentences import KEPT

MAX_FORM: Final = 524_288
"""Bytes. Far more than a post may have, so that a text that is too long comes back with its form."""
MAX_FIELDS: Final = 40
ENCODING: Final = "application/x-www-form-urlencoded"
CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "reason": frozenset(("worried", "rule", "elsewhere", "spam", "legal", "other")),
    "severity": frozenset(("allow", "limit", "hold", "suspend")),
}
"""What people choose from a list, by field. Ticked boxes are a yes, and have to be given again."""
SHOWN_AGAIN: Final = re.compile(
    r"/g/[^/]+/write|/g/[^/]+/t/[0-9]+/reply|/post/[0-9]+/(?:reply|edit|again|tell-us|take-down)"
    r"|/admin/servers/[^/]+"
)
"""Forms that come back filled, with nothing done, when they are sent with `look`."""


class Refused(Exception):
    """A form that cannot be read; `sentence` says so to the person who sent it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, each as text with `\\n` line ends; the last value wins."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a field's text, or an empty one."""
        return self.fields.get(name, "")

    def line(self, name: str) -> str:
        """Return a field as one line without space around it."""
        return " ".join(self.text(name).split())

    def number(self, name: str) -> int | None:
        """Return a field as a row id, or None."""
        return row_id(self.text(name))

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return name in self.fields

    @property
    def carried(self) -> dict[str, str]:
        """What comes along with the words, and is none itself: the post they answer, and what was chosen."""
        answered = {} if self.number("to") is None else {"to": self.text("to")}
        return answered | {name: self.text(name) for name in CHOICES if self._is_choice(name)}

    @property
    def kept(self) -> dict[str, str]:
        """The words a person typed, for the page that has to hand them back."""
        return {
            name: self.fields[name]
            for name in KEPT
            if self.fields.get(name, "").strip() and not self._is_choice(name)
        }

    @property
    def has_more(self) -> bool:
        """Say whether something was typed or chosen that would be lost with this form."""
        return bool(self.kept or self.carried.keys() & CHOICES.keys())

    def _is_choice(self, name: str) -> bool:
        return self.text(name) in CHOICES.get(name, ())


async def read_form(request: Request) -> Form:
    """Read a form of at most 512 KiB and 40 fields; raise `Refused` with a status and a sentence."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (ENCODING, ""):
        raise Refused(415, sentences.NOT_A_FORM)
    try:
        body = await limits.read_body(request.receive, MAX_FORM)
    except limits.TooLarge:
        raise Refused(413, sentences.TOO_MUCH) from None
    except limits.Disconnected:
        raise Refused(400, sentences.NOT_WHOLE) from None
    try:
        pairs = parse_qsl(
            body.decode("ascii", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refused(400, sentences.NOT_WHOLE) from None
    return Form({name: _plain(value) for name, value in pairs})


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def row_id(text: str) -> int | None:
    """Return the row id that this text is, or None: only plain digits that fit into 63 bits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if 0 < number < 2**63 else None
