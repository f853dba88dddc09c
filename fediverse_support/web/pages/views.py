"""What a page says to its template: one frozen view a page, and the frame that stands around every page.

A template sees the fields of its view and of `Frame` by name, and nothing else; a test reads every template
against them. Views hold what is already decided: a template loads no row and judges nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple

from federation.uris import Uri
from fediverse_support.reads.viewer import Viewer

Fixes = Mapping[str, str]
"""What to fix in a form: a sentence by the name of its field, in the order of the page."""
Words = Mapping[str, str]
"""What somebody typed or chose, by the name of its field."""


class Link(NamedTuple):
    """A link of the navigation; `words` are what it says."""

    address: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What every page says of itself; each page adds its own fields.

    Its title stands in its template and names its kind only, because someone else may see the screen.
    `document_uri` is the id under which other servers fetch what the page shows; None where they do not.
    `errors` are what to fix in its form.
    """

    has_form: ClassVar[bool] = False
    """The page has a form that visitors send too, so that they need a token of their own."""

    document_uri: Uri | None = None
    errors: Fixes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a page, whichever it is: who looks, where, in whose house, and when.

    `done` says once what was just done, None where nothing was; `form_token` goes into every form.
    """

    path: str
    instance_name: str
    viewer: Viewer | None
    nav: tuple[Link, ...]
    form_token: str
    done: str | None
    now: datetime
    document_uri: Uri | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceView(View):
    """One sentence, with what was typed; `names` say what each field is called."""

    heading: str
    sentence: str
    kept: Words
    names: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView(View):
    """The door for members. `kept` and `carried` are the words and choices of a form that met a closed
    session, `back` is where it goes on.
    """

    has_form: ClassVar[bool] = True

    back: str
    kept: Words
    carried: Words
    name: str
    problem: str
