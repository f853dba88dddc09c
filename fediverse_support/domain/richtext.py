"""Markdown and remote HTML become our safe HTML here, and nowhere else.

`SafeHtml` is the only type a template may print unescaped. nh3's work grows with the square of nesting, so
input is
capped at 64 KiB first (`federation.reading` refuses more).
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Final, NewType

import nh3
from markdown_it import MarkdownIt

SafeHtml = NewType("SafeHtml", str)

MAX_HTML: Final = 65536
TAGS: Final = frozenset(
    "p br a span del s pre code em strong b i u ul ol li blockquote h2 h3 h4 hr details summary".split()
)
ATTRIBUTES: Final = {"a": {"href", "class"}, "span": {"class"}, "ol": {"start"}}
CLASSES: Final = re.compile(r"(?:[hpue]-[a-z-]+|mention|hashtag|ellipsis|invisible)\Z")
SCHEMES: Final = frozenset({"http", "https", "mailto"})
DROPPED_WITH_CONTENT: Final = frozenset({"script", "style", "template", "iframe", "noscript"})
ANY_TAG: Final = re.compile(r"<[^>]*>")
BREAKS: Final = re.compile(r"<(?:br|/p|/li|/h[1-6]|/blockquote|hr)[^>]*>", re.IGNORECASE)
BIDI: Final = re.compile(r"[‪-‮⁦-⁩‎‏]")
HEADING: Final = re.compile(r"<(/?)h([1-6])>")
BLANKS: Final = re.compile(r"[^\S\n]+")


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        kept = " ".join(word for word in value.split()[:8] if CLASSES.match(word))
        return kept or None
    if attribute == "href":
        return None if value.startswith(("//", "/", "\\", "#", "?")) else value
    if attribute == "start":
        return value if value.isdigit() and len(value) < 6 else None
    return value


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_filter,
        url_schemes=set(SCHEMES),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        link_rel="nofollow noopener noreferrer ugc",
        strip_comments=True,
    )


def clean(text: str) -> SafeHtml:
    """Return remote HTML with only our tags, attributes and link schemes; cut at 64 KiB before parsing."""
    return SafeHtml(_cleaner().clean(text[:MAX_HTML]))


@cache
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
    return parser.enable(["strikethrough", "linkify"]).disable("image")


def from_markdown(text: str) -> SafeHtml:
    """Return what a person wrote in Markdown as safe HTML; raw HTML in it stays visible text."""
    markup = HEADING.sub(lambda tag: f"<{tag[1]}h{min(int(tag[2]) + 2, 4)}>", _markdown().render(text))
    return clean(markup)


def from_plain(text: str) -> SafeHtml:
    """Return plain text as safe HTML, a paragraph per blank line."""
    paragraphs = [html.escape(part.strip()).replace("\n", "<br>") for part in re.split(r"\n\s*\n", text)]
    return SafeHtml("".join(f"<p>{part}</p>" for part in paragraphs if part))


def plain(markup: str) -> str:
    """Return HTML as plain text for search and previews: one line per block, nothing hidden in it."""
    text = html.unescape(ANY_TAG.sub("", BREAKS.sub("\n", markup)))
    lines = (BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def one_line(text: str, limit: int) -> str:
    """Return text as one line without direction overrides or control characters, cut at `limit`
    characters."""
    flat = "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in BIDI.sub("", text))
    return " ".join(flat.split())[:limit]


def with_title(title: str, body: SafeHtml) -> SafeHtml:
    """Return the body opened by its title as a bold paragraph, so that no reader misses or repeats it."""
    return SafeHtml(f"<p><strong>{html.escape(title)}</strong></p>{body}") if title else body
