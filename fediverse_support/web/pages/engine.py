"""Jinja, made once: filters that templates use, and the style sheet under an address that changes with it."""

from __future__ import annotations

import gzip
import hashlib
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

import fediverse_support
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.speech import ENGLISH, Message, Speech
from fediverse_support.web.words import sentences

TEMPLATES: Final = Path(fediverse_support.__file__).parents[1] / "templates"
STATIC: Final = TEMPLATES / "static"
YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that is served as it is, under a name made from its content."""

    address: str
    media_type: str
    body: bytes
    packed: bytes

    def route(self) -> BaseRoute:
        """Serve it for a year."""
        headers = {"cache-control": YEAR, "x-content-type-options": "nosniff", "vary": "Accept-Encoding"}

        async def serve(request: Request) -> Response:
            if "gzip" in request.headers.get("accept-encoding", ""):
                packed = headers | {"content-encoding": "gzip"}
                return Response(self.packed, media_type=self.media_type, headers=packed)
            return Response(self.body, media_type=self.media_type, headers=headers)

        return Route(self.address, serve, methods=["GET"])


def load_asset(name: str, media_type: str) -> Asset:
    """Read a file of `templates/static`."""
    body = (STATIC / name).read_bytes()
    stem, _, suffix = name.partition(".")
    address = f"/static/{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"
    return Asset(address, media_type, body, gzip.compress(body, 9, mtime=0))


def environment(style_url: str, icon_url: str, speech: Speech = ENGLISH) -> Environment:
    """Return the template environment of a language: autoescape on, unknown names are errors, nothing is read
    twice."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=-1,
        extensions=["jinja2.ext.i18n"],
        finalize=None if speech is ENGLISH else partial(_said, speech),
    )
    env.policies["ext.i18n.trimmed"] = True
    env.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension adds it
    env.globals.update(
        style_url=style_url,
        icon_url=icon_url,
        kinds=sentences.KINDS,
        kind_names=sentences.KIND_NAMES,
        rules=sentences.RULES,
        once=once,
        taken_out=sentences.TAKEN_OUT,
        covered=sentences.COVERED,
        language=speech.tag,
        direction=speech.direction,
    )
    env.globals.update(spoken(speech))
    env.filters.update(
        safe_html=safe_html,
        yarn=yarn,
        day=speech.day,
        clock=speech.clock,
        date=date,
        fewer=sentences.fewer,
        named=sentences.named,
        opening=opening,
        beginning=beginning,
    )
    return env


def spoken(speech: Speech) -> dict[str, Callable[..., str]]:
    """Return what templates say words with.

    `_` gives text, which is escaped like any other, and `{% trans %}` HTML, in which only what fills the
    slots is escaped.
    """

    def text(words: str, /, **values: object) -> str:
        return speech.say(Message(words, values))

    def gettext(words: str, /, **values: object) -> Markup:
        return Markup(speech.catalogue.gettext(words)) % speech.slots(values)  # noqa: S704 (ours, or a catalogue's)

    def ngettext(one: str, more: str, num: int, /, **values: object) -> Markup:
        said = speech.catalogue.ngettext(one, more, num)
        return Markup(said) % speech.slots({"num": num, **values})  # noqa: S704 (ours, or a catalogue's)

    return {"_": text, "gettext": gettext, "ngettext": ngettext}


def _said(speech: Speech, value: object) -> object:
    return speech.say(value) if isinstance(value, Message) else value


def safe_html(text: SafeHtml) -> Markup:
    """Print cleaned HTML as it is: the only way past autoescape, and only for `richtext.SafeHtml`."""
    return Markup(text)  # noqa: S704 (cleaned by richtext before it was stored)


def yarn(uri: str) -> str:
    """Return the weave of a patch or band: chance per name, from its random id, never from the account."""
    number = zlib.crc32(uri.encode())
    return f"y{number % 6} w{number // 6 % 4}"


def date(when: datetime, now: datetime) -> str:
    """Return the day only, for machines, in the zone that `now` is in: minutes could be matched."""
    return when.astimezone(now.tzinfo).date().isoformat()


def opening(text: str) -> str:
    """Return text with a capital first letter, the rest unchanged."""
    return text[:1].upper() + text[1:]


def beginning(text: str, limit: int = 70) -> str:
    """Return how a text begins, cut between words, on one line."""
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat or sentences.NO_WORDS
    cut = flat[:limit].rsplit(" ", 1)[0] or flat[:limit]
    return f"{cut}…"


def once() -> str:
    """Return a random value for one form: sent twice, it posts once."""
    return secrets.token_urlsafe(12)
