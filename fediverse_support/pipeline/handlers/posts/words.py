"""A post's words: cleaned, bounded, with the times their author claims."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from federation import vocab
from federation.uris import Uri
from fediverse_support.domain import plaintext, richtext
from fediverse_support.domain.posts import MAX_TITLE, MAX_WARNING
from fediverse_support.domain.richtext import SafeHtml
from fediverse_support.store.posts.edits import Words

OLDEST: Final = timedelta(days=20 * 365)
AHEAD: Final = timedelta(days=1)
"""A clock that runs further ahead than this says nothing about what is newer."""
BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)


def read(post: vocab.Post, *, local: bool, group: Uri | None = None) -> Words:
    """Return a post's words cleaned; our own from their Markdown, others' from their HTML.

    Who writes from elsewhere begins with the handle of the `group`, because that is how it gets there. It is
    nothing that they say, so no heading and no preview begins with it.
    """
    title = "" if post.in_reply_to is not None else plaintext.one_line(post.title, MAX_TITLE)
    if local and post.source is not None:
        body = richtext.from_markdown(post.source)
    else:
        body = _without_title(richtext.clean(post.content), title)
    if post.choices:
        options = "".join(f"<li>{richtext.from_plain(choice.name)}</li>" for choice in post.choices)
        body = SafeHtml(f"{body}<ul>{options}</ul>")
    files = [
        {"kind": file.kind, "url": file.url, "media_type": file.media_type, "alt": plaintext.tidy(file.alt)}
        for file in post.attachments
    ]
    return Words(
        title=_without_handle(title, post, group),
        body_html=body,
        body_source=post.source if local else None,
        body_text=_without_handle(richtext.plain(body), post, group),
        warning=(plaintext.one_line if local else richtext.as_line)(post.warning, MAX_WARNING),
        sensitive=post.sensitive,
        language=post.language or "und",
        attachments=msgspec.json.encode(files).decode(),
    )


def _without_title(body: SafeHtml, title: str) -> SafeHtml:
    """Take away a first bold paragraph that only repeats the title."""
    if title:
        opening = richtext.title_line(title)
        if body.startswith(opening):
            return SafeHtml(body[len(opening) :])
    return body


def _without_handle(text: str, post: vocab.Post, group: Uri | None) -> str:
    """Take away the group's handle, long or short, where a text begins with it and goes on."""
    named = next((mention.name for mention in post.mentions if mention.href == group), "")
    name, _, host = named.removeprefix("@").partition("@")
    if not name:
        return text
    handle = f"@{re.escape(name)}(?:@{re.escape(host)})?" if host else f"@{re.escape(name)}"
    rest = re.sub(rf"\A(?:{handle}(?![\w@.-])[\s,:]*)+", "", text, flags=re.IGNORECASE)
    return rest or text


def when(claimed: datetime | None, now: datetime) -> datetime:
    """Return the time a peer claims, unless it lies ahead of us or decades back."""
    return claimed if claimed is not None and now - OLDEST < claimed <= now else now


def by_their_clock(claimed: datetime | None, now: datetime) -> datetime | None:
    """Return when words are from by their author's clock, to be compared with what that clock says later.

    None where it says nothing, or nothing that can be meant.
    """
    return None if claimed is None or claimed > now + AHEAD else claimed
