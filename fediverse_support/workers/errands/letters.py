"""The words of mails: a template each, one neutral subject for all, and nothing that anybody wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import fediverse_support
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.mails import LetterName
from fediverse_support.store.accounts.accounts import AccountStanding

SUBJECT: Final = "You have a message"
FOLDER: Final = Path(fediverse_support.__file__).parents[1] / "templates" / "emails"


@dataclass(frozen=True, slots=True)
class Form:
    """How one letter is written: `path` is where its link leads.

    It goes to an account that still has this `standing`; after any other its cause is gone.
    """

    path: str
    standing: AccountStanding


FORMS: Final[dict[LetterName, Form]] = {
    "account_approved": Form("/sign-in", "active"),
    "account_declined": Form("/about", "deleted"),
}


def write(name: LetterName, instance: Instance) -> str:
    """Return the text of a letter: it knows an address of ours, and nothing of whoever reads it."""
    # Plain text: nothing is escaped, and nothing is put in but an address of ours.
    pages = Environment(  # noqa: S701
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return pages.get_template(f"{name}.txt").render(link=f"{instance.base_url}{FORMS[name].path}")
