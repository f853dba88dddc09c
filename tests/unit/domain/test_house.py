"""What the organisation decides: each key takes what it should and nothing else, and says so."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fediverse_support.domain import house
from fediverse_support.domain.house import FIELDS, KEYS, TABLE, House

TAKEN = {
    "name": ["Harbour", "Café im Hafen"],
    "summary": ["", "A home for groups."],
    "contact": ["", "help@example.org", "Call 0123 456"],
    "imprint": ["Some street\n12345 Some town"],
    "about": ["We are *nice*."],
    "privacy": [""],
    "rules": ["Be kind.", "Be kind.\n\n  No adverts.  \n"],
    "language": ["en", "pt-BR"],
    "languages": ["en", "en, de", "en de"],
    "zone": ["", "Europe/London", "UTC"],
    "federation": ["open", "allowlist", "off"],
    "registration": ["open", "approval", "invite", "closed"],
    "undo_seconds": ["0", "600", "45s", "10m", "2h", "1d"],
    "newcomer_posts_held": ["0", "2", "1000"],
}
REFUSED = {
    "name": ["", "a\nb", "x" * 201],
    "summary": ["a\nb", "x" * 201],
    "contact": ["\x1b[31m"],
    "imprint": ["x" * 20_001, "\0"],
    "about": ["\x07"],
    "privacy": ["x" * 20_001],
    "rules": ["", "\n \n", "x" * 501, "\n".join("x" * 31)],
    "language": ["", "english", "EN"],
    "languages": ["", "en; de", "en, deutsch"],
    "zone": ["Mars/Olympus", "/etc/passwd", "../UTC", "Europe"],
    "federation": ["Open", "closed", ""],
    "registration": ["yes", ""],
    "undo_seconds": ["", "-1", "1.5", "2d", "86401", "10 m", "٣", "10M"],
    "newcomer_posts_held": ["-1", "two", "1001", "٣"],
}


def test_every_key_has_examples_a_default_it_takes_and_words_about_itself() -> None:
    assert set(TAKEN) == set(REFUSED) == set(KEYS)
    for key in TABLE:
        if key.kind == "value":
            key.parse(key.default)
        assert key.help.endswith(".") and not key.wanted.endswith(".")


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in TAKEN.items() for text in texts])
def test_what_a_key_takes(key: str, text: str) -> None:
    KEYS[key].parse(text)


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in REFUSED.items() for text in texts])
def test_what_a_key_refuses(key: str, text: str) -> None:
    with pytest.raises(ValueError):
        KEYS[key].parse(text)


def test_a_house_is_read_whole_from_what_was_chosen() -> None:
    found = house.read(json.dumps({"federation": "open", "undo_seconds": "2h", "languages": "de, en"}))
    assert (found.federation, found.undo_for, found.languages) == ("open", timedelta(hours=2), ("de", "en"))
    assert set(FIELDS.values()) == set(House.__dataclass_fields__)


def test_until_somebody_chose_nobody_is_let_in_and_nobody_talked_to() -> None:
    found = house.read(None)
    assert (found.federation, found.registration) == ("off", "closed")
    assert not found.talks_to(None) and not found.talks_to("allow")


def test_the_environment_of_a_process_overrides_what_was_chosen() -> None:
    found = house.read(json.dumps({"federation": "open"}), (("federation", "allowlist"),))
    assert found.federation == "allowlist"
    assert found.talks_to("allow") and not found.talks_to(None)


@pytest.mark.parametrize("text", ["everybody", "", "open "])
def test_what_cannot_be_read_counts_as_not_chosen(text: str) -> None:
    assert house.read(json.dumps({"federation": text, "registration": text})) == house.read(None)


def test_only_an_address_is_an_address() -> None:
    assert house.read(json.dumps({"contact": "help@example.org"})).mail_address == "help@example.org"
    assert house.read(json.dumps({"contact": "Call 0123 456"})).mail_address == ""
