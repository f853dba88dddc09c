"""What the organisation decides: each key it may set, how it is read, and what holds until somebody chose.

A key is here once something reads it. What the operator set in the environment of a process overrides what
was chosen, for that process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fediverse_support.domain.moderation import Severity

Federation = Literal["open", "allowlist", "off"]
Registration = Literal["open", "approval", "invite", "closed"]
Source = Literal["default", "chosen", "environment"]
Kind = Literal["value", "words", "secret"]
Overrides = tuple[tuple[str, str], ...]
"""Keys with their texts, as the environment of this process has them."""
T = TypeVar("T", bound=str)

FEDERATIONS: Final[tuple[Federation, ...]] = ("open", "allowlist", "off")
REGISTRATIONS: Final[tuple[Registration, ...]] = ("open", "approval", "invite", "closed")
DAY: Final = timedelta(days=1)
MOST_HELD: Final = 1000
MOST_IN_A_LINE: Final = 200
MOST_WORDS: Final = 20_000
MOST_RULES: Final = 30
MOST_IN_A_RULE: Final = 500
DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Key:
    """One thing to decide. `parse` raises `ValueError` for what is none; `wanted` ends "It must be …".

    Of kind `words` it is a text with versions, which is read where it is shown; `secret` is sealed and never
    shown.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    wanted: str
    help: str
    kind: Kind = "value"


def duration(text: str, *, most: timedelta = timedelta(days=36_500)) -> timedelta:
    """Read `45s`, `10m`, `2h`, `3d`, or seconds alone; raise `ValueError` for anything else or more."""
    found = DURATION.fullmatch(text) if text.isascii() else None
    if found is None or int(found[1]) * SECONDS[found[2]] > most.total_seconds():
        raise ValueError("duration")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


def _one_of(allowed: tuple[T, ...]) -> Callable[[str], T]:
    known = {one: one for one in allowed}

    def parse(text: str) -> T:
        if text not in known:
            raise ValueError("choice")
        return known[text]

    return parse


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MOST_HELD:
        raise ValueError("number")
    return int(text)


def _undo(text: str) -> timedelta:
    return duration(text, most=DAY)


def _line(text: str) -> str:
    if len(text) > MOST_IN_A_LINE or CONTROL.search(text):
        raise ValueError("line")
    return text


def _name(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return _line(text)


def _language(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise ValueError("language")
    return text


def _languages(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_language(one) for one in re.split(r"[,\s]+", text.strip(", "))))
    if len(found) > 50:
        raise ValueError("too many")
    return found


def _zone(text: str) -> tzinfo | None:
    try:
        return ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("zone") from error


def _words(text: str) -> str:
    if len(text) > MOST_WORDS or CONTROL.search(text.replace("\n", "").replace("\t", "")):
        raise ValueError("words")
    return text


def rules(text: str) -> tuple[str, ...]:
    """Read the rules of the house, one a line; raise `ValueError` for none, for too many or too long ones."""
    found = tuple(line for each in text.split("\n") if (line := each.strip()))
    if not 1 <= len(found) <= MOST_RULES or any(
        len(one) > MOST_IN_A_RULE or CONTROL.search(one) for one in found
    ):
        raise ValueError("rules")
    return found


TABLE: Final = (
    Key(
        "name", "Fediverse Support", _name, f"one line of at most {MOST_IN_A_LINE} characters, and not empty",
        "What this server is called, on every page and to other servers.",
    ),
    Key(
        "summary",
        "Groups for people who support each other, on a server run by an organisation you can ask.",
        _line, f"one line of at most {MOST_IN_A_LINE} characters",
        "What this server is, in a line: on its first page and in apps.",
    ),
    Key(
        "contact", "", _line, f"one line of at most {MOST_IN_A_LINE} characters",
        "How to reach the organisation: an e-mail address, or a line with a telephone number or a page.",
    ),
    Key(
        "imprint", "", _words, f"a text of at most {MOST_WORDS} characters",
        "Who runs this server, as the law wants it said; shown on the page about it.", "words",
    ),
    Key(
        "about", "", _words, f"a text of at most {MOST_WORDS} characters",
        "What the organisation says about this server, in Markdown; shown on the page about it.", "words",
    ),
    Key(
        "privacy", "", _words, f"a text of at most {MOST_WORDS} characters",
        "What the organisation adds to who can read what, in Markdown.", "words",
    ),
    Key(
        "rules", "", rules,
        f"1 to {MOST_RULES} rules, one a line, each of at most {MOST_IN_A_RULE} characters",
        "The rules of this server, one a line. A change makes a new version; earlier ones are kept.", "words",
    ),
    Key(
        "language", "en", _language, "a language code such as en",
        "The language of groups that name none.",
    ),
    Key(
        "languages", "en", _languages, "language codes such as en, de, separated by commas",
        "The languages in which people are answered here; told to apps.",
    ),
    Key(
        "zone", "", _zone, "a time zone such as Europe/London, or empty for the server's own",
        "The time zone in which pages say days and times.",
    ),
    Key(
        "federation", "off", _one_of(FEDERATIONS), "open, allowlist or off",
        "Which servers posts of open groups are exchanged with: every one without a rule against it, those "
        "on the list, or none.",
    ),
    Key(
        "registration", "closed", _one_of(REGISTRATIONS), "open, approval, invite or closed",
        "Who may come in: everybody, whom the team lets in, whom somebody invites, or nobody.",
    ),
    Key(
        "undo_seconds", "10m", _undo, "a time of at most a day, such as 600, 45s, 10m or 2h",
        "How long a post waits here, and can be taken back, before a copy leaves for other servers.",
    ),
    Key(
        "newcomer_posts_held", "2", _whole, f"a whole number from 0 to {MOST_HELD}",
        "How many first posts of an author wait for a moderator; 0 for none.",
    ),
)  # fmt: skip
KEYS: Final[Mapping[str, Key]] = {key.name: key for key in TABLE}
FIELDS: Final[Mapping[str, str]] = {
    key.name: {"undo_seconds": "undo_for"}.get(key.name, key.name) for key in TABLE if key.kind == "value"
}


@dataclass(frozen=True, slots=True)
class House:
    """What holds at one moment, texts with versions and secrets apart. Made by `read`."""

    name: str
    summary: str
    contact: str
    language: str
    languages: tuple[str, ...]
    zone: tzinfo | None
    federation: Federation
    registration: Registration
    undo_for: timedelta
    newcomer_posts_held: int

    @property
    def mail_address(self) -> str:
        """The contact where it is an e-mail address, else nothing."""
        return self.contact if re.fullmatch(r"[^\s@]+@[^\s@]+", self.contact) else ""

    def talks_to(self, severity: Severity | None) -> bool:
        """Say whether a server under this rule (None without one) is talked to at all."""
        return talks_to(self.federation, severity)


def talks_to(mode: Federation, severity: Severity | None) -> bool:
    """Say whether, in this mode, a server under this rule (None without one) is talked to at all."""
    if mode == "off" or severity == "suspend":
        return False
    return mode == "open" or severity == "allow"


@lru_cache(maxsize=16)
def read(chosen: str | None, overrides: Overrides = ()) -> House:
    """Return what holds, from what `house_now()` gives and what the environment has.

    What cannot be read, because another release wrote it, counts as not chosen. Asked for every page and
    every batch, of texts that hardly ever change.
    """
    texts: dict[str, str] = {} if chosen is None else json.loads(chosen)
    texts |= dict(overrides)
    return House(**{field: _value(KEYS[name], texts.get(name)) for name, field in FIELDS.items()})


def _value(key: Key, text: str | None) -> Any:
    if text is not None:
        try:
            return key.parse(text)
        except ValueError:
            pass
    return key.parse(key.default)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as it is shown: `value` is the text that holds, `set` in place of a secret."""

    key: str
    value: str
    source: Source
