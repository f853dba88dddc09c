"""Words in the reader's language: marked where they stand, looked up in a catalogue when they are shown.

Sentences are written in English. `_` and `n_` mark one and keep what it was made of, so that the same value
can be said in another language later; until then it is the English sentence itself. Catalogues are gettext's,
one file a language in `templates/words`, read at the start (https://www.gnu.org/software/gettext/manual/).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Final, NamedTuple, Self

from babel import Locale, dates, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

import fediverse_support

CATALOGUES: Final = Path(fediverse_support.__file__).parents[1] / "templates" / "words"
SOURCE: Final = "en_GB"
LONGEST_WISH: Final = 1024
"""So many characters of an `Accept-Language` are looked at."""


class Moment(NamedTuple):
    """A day in a sentence, as it is said at the moment `now`, in the zone that this is in."""

    when: datetime
    now: datetime


class Message(str):
    """A sentence that knows how it was made; as a string, it is the English one.

    `words` is what stands in catalogues, `more` its form for several of `number`, `values` fill its slots.
    """

    __slots__ = ("more", "number", "values", "words")

    words: str
    values: Mapping[str, object]
    more: str | None
    number: int

    def __new__(
        cls, words: str, values: Mapping[str, object], more: str | None = None, number: int = 1
    ) -> Self:
        text = words if more is None or number == 1 else more
        made = super().__new__(cls, text % ENGLISH.slots(values) if values else text)
        made.words, made.values, made.more, made.number = words, values, more, number
        return made


def _(words: str, /, **values: object) -> Message:
    """Mark a sentence; its slots are named, as in `%(host)s`."""
    return Message(words, values)


def n_(one: str, more: str, number: int, /, **values: object) -> Message:
    """Mark a sentence that differs with a number, which stands in it as `%(num)s`."""
    return Message(one, {"num": number, **values}, more, number)


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its catalogue, and how it writes days and times."""

    locale: Locale
    catalogue: NullTranslations = field(default_factory=NullTranslations)

    @property
    def tag(self) -> str:
        """The name of the language in HTML, such as `en` or `pt-BR` (BCP 47)."""
        return "en" if str(self.locale) == SOURCE else str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        """`rtl` where lines begin at the right, else `ltr`."""
        return self.locale.text_direction

    def say(self, text: str) -> str:
        """Return a sentence in this language, with what fills its slots; other text as it is."""
        if not isinstance(text, Message):
            return text
        if text.more is None:
            said = self.catalogue.gettext(text.words)
        else:
            said = self.catalogue.ngettext(text.words, text.more, text.number)
        return said % self.slots(text.values) if text.values else said

    def slots(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return what fills slots, itself said in this language."""
        return {name: self._slot(value) for name, value in values.items()}

    def _slot(self, value: object) -> object:
        match value:
            case Message():
                return self.say(value)
            case Moment(when, now):
                return self.date(when, now)
        return value

    def day(self, when: datetime, now: datetime) -> str:
        """Say a moment as people do, rounded: "this morning", "yesterday evening", "Monday", "28 April".

        Rounding calms, and hinders matching two names of one person by the minute. Days are those of the zone
        that `now` is in.
        """
        when = when.astimezone(now.tzinfo)
        part = 0 if when.hour < 12 else 1 if when.hour < 18 else 2
        days = (now.date() - when.date()).days
        if days <= 0:
            return self.say(TODAY[part])
        if days == 1:
            return self.say(YESTERDAY[part])
        if days < 7:
            return dates.format_date(when.date(), "EEEE", locale=self.locale)
        skeleton = "MMMMd" if when.year == now.year else "yMMMM"
        return dates.format_skeleton(skeleton, when, tzinfo=when.tzinfo, locale=self.locale)

    def date(self, when: datetime, now: datetime) -> str:
        """Say a day in full, without its year where that is this one."""
        when = when.astimezone(now.tzinfo)
        skeleton = "MMMMd" if when.year == now.year else "yMMMMd"
        return dates.format_skeleton(skeleton, when, tzinfo=when.tzinfo, locale=self.locale)

    def clock(self, when: datetime, now: datetime) -> str:
        """Say a promise's exact time of day, in the zone that `now` is in."""
        return dates.format_time(when, "short", tzinfo=now.tzinfo, locale=self.locale)


TODAY: Final = (_("this morning"), _("this afternoon"), _("this evening"))
YESTERDAY: Final = (_("yesterday morning"), _("yesterday afternoon"), _("yesterday evening"))
ENGLISH: Final = Speech(Locale.parse(SOURCE))


def load(directory: Path = CATALOGUES) -> tuple[Speech, ...]:
    """Read every catalogue there is, English first; raise `ValueError` for one that cannot be read."""
    return (ENGLISH, *(read(path) for path in sorted(directory.glob("*.po"))))


def read(path: Path) -> Speech:
    """Read one catalogue, which bears the name of its language: `de.po`, `pt_BR.po`."""
    locale = Locale.parse(path.stem)
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale, abort_invalid=True)
    packed = io.BytesIO()
    write_mo(packed, catalogue)
    packed.seek(0)
    return Speech(locale, Translations(packed))


def choose(wished: str, there: Mapping[str, Speech]) -> Speech:
    """Return the language that a browser's `Accept-Language` (RFC 9110, 12.5.4) likes best.

    `there` has those there are, by the name of their locale; English is spoken where none is liked.
    """
    if len(there) == 1:
        return ENGLISH
    liked: list[tuple[float, str]] = []
    for part in wished[:LONGEST_WISH].split(","):
        found = re.fullmatch(
            r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", part
        )
        if found is not None and float(found[2] or 1) > 0:
            liked.append((-float(found[2] or 1), found[1]))
    names = [name for _weight, name in sorted(liked, key=lambda each: each[0])]
    chosen = negotiate_locale(names, ["en", *there], sep="-") or negotiate_locale(names, ["en", *there])
    return ENGLISH if chosen in (None, "en") else there[str(chosen).replace("-", "_")]
