"""Markdown and remote HTML become our safe HTML here, and nowhere else.

`SafeHtml` is the only type a template may print unescaped. nh3's work grows with the square of nesting, so
input is capped at 64 KiB first (`federation.reading` refuses more). What we do not show becomes the nearest
that we do, never nothing: a word that is struck out means the opposite of one that is not, and two blocks
without anything between them read as one word.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Final, NewType

import nh3
from markdown_it import MarkdownIt

from fediverse_support.domain import plaintext

SafeHtml = NewType("SafeHtml", str)

MAX_HTML: Final = 65536
MAX_OPENING: Final = 2048
TAGS: Final = frozenset(
    """p br a span del s ins pre code kbd em strong b i u q mark small sup sub ul ol li blockquote h2 h3 h4 hr
    details summary ruby rb rt rp""".split()
)
# What each other tag becomes; an empty name is a space.
INSTEAD: Final = {
    "h1": "h2", "h5": "h4", "h6": "h4", "strike": "s", "td": "", "th": "", "thead": "", "tbody": "",
    "tfoot": "", "table": "p", "tr": "p", "caption": "p", "dl": "p", "dt": "p", "dd": "p", "div": "p",
    "section": "p", "article": "p", "header": "p", "footer": "p", "main": "p", "aside": "p", "nav": "p",
    "address": "p", "figure": "p", "figcaption": "p", "center": "p", "fieldset": "p", "legend": "p",
    "form": "p",
}  # fmt: skip
ATTRIBUTES: Final = {"a": {"href", "class"}, "span": {"class"}, "ol": {"start"}, "img": {"alt"}}
CLASSES: Final = re.compile(r"(?:[hpue]-[a-z-]+|mention|hashtag|ellipsis|invisible)\Z")
SCHEMES: Final = frozenset({"http", "https", "mailto"})
WHOLE_LINK: Final = re.compile(r"\s*(?:https?://[^\s/\\]|mailto:)", re.IGNORECASE)
DROPPED_WITH_CONTENT: Final = frozenset({"script", "style", "template", "iframe", "noscript"})
ANY_TAG: Final = re.compile(r"<[^>]*>")
BREAKS: Final = re.compile(
    r"</?(?:br|p|ul|ol|li|h[1-6]|blockquote|pre|details|summary|hr)\b[^>]*>", re.IGNORECASE
)
# Of markup that was cleaned once: there, a tag is whole, and `"` in an attribute is written `&quot;`.
OTHERS: Final = re.compile(rf"<(/?)({'|'.join(INSTEAD)})>")
PICTURE: Final = re.compile(r'<img(?: alt="([^"]*)")?[^">]*>')
NOTHING: Final = re.compile(r"<p>\s*</p>")
MARKUP: Final = re.compile(
    r"</?(?:p|br|a|span|div|em|strong|b|i|u|s|del|ul|ol|li|h[1-6]|blockquote|code)(?:\s[^<>]*|/)?>",
    re.IGNORECASE,
)
HEADING: Final = re.compile(r"<(/?)h([1-6])>")
BLANKS: Final = re.compile(r"[^\S\n]+")


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        kept = " ".join(word for word in value.split()[:8] if CLASSES.match(word))
        return kept or None
    if attribute == "href":
        return value if WHOLE_LINK.match(value) else None
    if attribute == "start":
        return value if value.isdigit() and len(value) < 6 else None
    return value


@cache
def _cleaner(*, is_last: bool) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS) if is_last else {*TAGS, *INSTEAD, "img"},
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items() if tag in TAGS or not is_last},
        attribute_filter=_filter,
        url_schemes=set(SCHEMES),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        link_rel="nofollow noopener noreferrer ugc",
        strip_comments=True,
    )


def clean(text: str) -> SafeHtml:
    """Return remote HTML with only our tags, attributes and link schemes; cut at 64 KiB before parsing.

    A link that is not whole is none: it would lead to a place on our server. Of a picture, its words stay.
    """
    once = _cleaner(is_last=False).clean(text[:MAX_HTML])
    if "<img" in once or OTHERS.search(once):
        ours = PICTURE.sub(_picture, OTHERS.sub(_instead, once))
        # The second parse puts right what stands in each other now, as paragraphs cannot.
        once = NOTHING.sub("", _cleaner(is_last=True).clean(ours))
    return SafeHtml(_tidy(once))


def _instead(tag: re.Match[str]) -> str:
    name = INSTEAD[tag[2]]
    return f"<{tag[1]}{name}>" if name else " "


def _picture(tag: re.Match[str]) -> str:
    return html.escape(html.unescape(tag[1] or ""))


def _tidy(markup: str) -> str:
    """Tidy what stands between the tags. Composing across them would melt a `>` with the mark behind it."""
    if plaintext.is_tidy(markup):
        return markup
    parts = re.split(f"({ANY_TAG.pattern})", markup)
    parts[::2] = map(plaintext.tidy, parts[::2])
    return "".join(parts)


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
    parts = re.split(r"\n\s*\n", plaintext.tidy(text))
    paragraphs = [html.escape(part.strip()).replace("\n", "<br>") for part in parts]
    return SafeHtml("".join(f"<p>{part}</p>" for part in paragraphs if part))


def plain(markup: str) -> str:
    """Return HTML as plain text for search and previews: one line per block, nothing hidden in it."""
    text = html.unescape(ANY_TAG.sub("", BREAKS.sub("\n", markup)))
    lines = (BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def as_line(text: str, limit: int) -> str:
    """Return as one line what should be plain text, and is HTML from some software: then without its tags."""
    return plaintext.one_line(plain(clean(text)) if MARKUP.search(text) else text, limit)


def opens_with_title(title: str, body: SafeHtml) -> bool:
    """Say whether a text itself begins with its title, so that showing both would repeat it."""
    wanted = " ".join(title.removesuffix("…").split())
    # A title is short: how a text begins says it for nearly all, without reading the whole.
    cut = body if len(body) <= MAX_OPENING else body[:MAX_OPENING].rpartition("<")[0]
    for beginning in (cut, body):
        start = " ".join(plain(beginning).split())
        if start.startswith(wanted):
            return not start[len(wanted) : len(wanted) + 1].isalnum() or not wanted
        if len(body) <= MAX_OPENING or len(start) > len(wanted):
            return False
    return False


def with_title(title: str, body: SafeHtml) -> SafeHtml:
    """Return the body opened by its title as a bold paragraph, unless it begins with it: no reader misses it,
    and none reads it twice.
    """
    if not title or opens_with_title(title, body):
        return body
    return SafeHtml(f"{title_line(title)}{body}")


def title_line(title: str) -> SafeHtml:
    """Return a title as the paragraph that opens a text."""
    return SafeHtml(f"<p><strong>{html.escape(title)}</strong></p>")
