"""What people write, as characters: nothing that cannot be seen, and no letter that paints over others.

Sources: Unicode Standard Annex #15 (NFC), section 23.1 (control codes); UAX #9 for what sets direction.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

MAX_MARKS: Final = 5
"""Marks on one letter. Hebrew with vowels and accents takes four, stacked Tibetan five."""
CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LINE_ENDS: Final = re.compile(r"\r\n?|[\x85\u2028\u2029]")
UNWANTED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# No mark lies below U+0300: what most people write shows no run of them at a glance.
HIGH: Final = re.compile(f"[\u0300-\U0010ffff]{{{MAX_MARKS + 1}}}")
JOINERS: Final = "\u200b-\u200d\u2060\ufeff"
WHERE_MARKS_ARE: Final = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


@cache
def _marks() -> str:
    """Return what stands for one mark in a pattern. There are two thousand, in three hundred ranges."""
    ranges: list[list[int]] = []
    for code in WHERE_MARKS_ARE:
        if unicodedata.category(chr(code)) in ("Mn", "Me"):
            if ranges and code == ranges[-1][1] + 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def _crowd() -> re.Pattern[str]:
    """Return what finds, quickly, a run that may hold too many marks."""
    return re.compile(f"[{_marks()}{JOINERS}]{{{MAX_MARKS + 1}}}")


@cache
def _too_many() -> re.Pattern[str]:
    """Return what matches a run of too many marks, with the part that stays as group 1."""
    mark, joiners = f"[{_marks()}]", f"[{JOINERS}]*"
    return re.compile(f"((?:{mark}{joiners}){{{MAX_MARKS}}})(?:{joiners}{mark})+")


def is_tidy(text: str) -> bool:
    """Say whether `tidy` would change nothing; also of markup, whose every piece is tidy then."""
    return not UNWANTED.search(text) and (
        text.isascii() or (unicodedata.is_normalized("NFC", text) and not _is_crowded(text))
    )


def _is_crowded(text: str) -> bool:
    return HIGH.search(text) is not None and _crowd().search(text) is not None


def tidy(text: str) -> str:
    """Return text composed (NFC), with lines ended by `\\n`, without control characters but newline and tab,
    and with at most `MAX_MARKS` marks on a letter.
    """
    if is_tidy(text):
        return text
    text = CONTROLS.sub("", LINE_ENDS.sub("\n", text))
    if _is_crowded(text):
        text = _too_many().sub(r"\1", text)
    return unicodedata.normalize("NFC", text)


def one_line(text: str, limit: int) -> str:
    """Return text as one line without what sets its direction, cut at `limit` characters."""
    return " ".join(BIDI.sub("", tidy(text)).split())[:limit]
