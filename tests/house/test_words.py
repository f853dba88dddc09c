"""Words stand where they belong: sentences in the words of the web, in templates and in commands alone."""

from __future__ import annotations

import re

import pytest
from babel.messages import pofile

from fediverse_support.speech import CATALOGUES, ENGLISH, Message, _, load, n_
from tests import catalogue

SLOT = re.compile(r"%\((\w+)\)s")


def test_the_template_of_all_catalogues_is_up_to_date() -> None:
    written = catalogue.TEMPLATE.read_bytes()
    assert written == catalogue.written(catalogue.extract()), "make words"


def test_no_sentence_has_a_per_cent_sign_that_is_no_slot() -> None:
    """Where slots are filled, it would be taken for one."""
    forms = [
        form
        for entry in catalogue.extract()
        for form in ((entry.id,) if isinstance(entry.id, str) else entry.id)
    ]
    assert [form for form in forms if "%" in SLOT.sub("", form)] == []
    assert len(forms) > 300


def test_a_catalogue_fills_the_same_slots_and_leaves_no_sentence_out() -> None:
    for speech in load():
        if speech is not ENGLISH:
            path = CATALOGUES / f"{speech.locale}.po"
            with path.open("rb") as file:
                found = pofile.read_po(file, locale=path.stem)
            faults = [each.id for each in found if each.id and (not each.string or each.check(found))]
            assert (path.name, faults) == (path.name, [])


@pytest.mark.parametrize(
    ("message", "english"),
    [
        (_("Plain."), "Plain."),
        (_("From %(host)s.", host="pie.example"), "From pie.example."),
        (n_("A minute", "%(num)s minutes", 1), "A minute"),
        (n_("A minute", "%(num)s minutes", 3), "3 minutes"),
        (_("%(one)s And more.", one=_("Said in %(where)s.", where="here")), "Said in here. And more."),
    ],
)
def test_a_message_is_its_english_sentence(message: Message, english: str) -> None:
    assert message == english == ENGLISH.say(message)
