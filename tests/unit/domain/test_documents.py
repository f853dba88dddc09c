"""What we say about our posts is safe to print, whatever they and the groups around them are called."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime

import pytest

from federation import writing
from federation.uris import Uri
from fediverse_support.domain import documents, richtext
from fediverse_support.domain.documents import Place, PostRow
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.richtext import SafeHtml

INSTANCE = Instance(base_url="https://support.example")
NASTY = """<img src=x onerror="alert(1)">&amp;'"""
ESCAPED = "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;amp;&#x27;"
WREN = Uri("https://support.example/ap/u/wren")
GROUP = Uri("https://pie.example/c/tea")


def content_of(title: str = "", *, name: str = "tea", url: str = GROUP) -> str:
    """Return the content of a thread of ours, as it goes out."""
    at = datetime(2030, 5, 1, tzinfo=UTC)
    row = PostRow(
        id=PostId(7), uri=Uri("https://support.example/ap/o/7"), kind="Note", author_uri=WREN,
        author_followers_uri=Uri(f"{WREN}/followers"), audience="public", standing="visible", title=title,
        body_html=SafeHtml("<p>Words.</p>"), body_source="Words.", warning="", sensitive=False, language="en",
        url=None, context_uri=None, root_id=PostId(7), is_locked=False, published_at=at, edited_at=None,
        group=Place(uri=GROUP, name=name, url=Uri(url)),
    )  # fmt: skip
    return str(json.loads(writing.write(documents.post_document(row, INSTANCE)))["content"])


def test_a_title_is_text_in_what_we_send() -> None:
    content = content_of(NASTY)
    assert content.startswith(f"<p><strong>{ESCAPED}</strong></p><p>Words.</p>")
    assert NASTY not in content and "<img" not in content


def test_a_title_is_text_in_what_apps_get() -> None:
    shown = richtext.with_title(NASTY, SafeHtml("<p>Words.</p>"))
    assert shown == f"<p><strong>{ESCAPED}</strong></p><p>Words.</p>"


def test_the_name_of_a_group_is_text_in_the_link_to_it() -> None:
    content = content_of(name=NASTY)
    assert content.endswith(f'class="u-url mention">@{ESCAPED}</a></p>')
    assert "<img" not in content


@pytest.mark.parametrize("nasty", ['"><script>', "'onclick='x", "&quot;"])
def test_the_address_of_a_group_stays_inside_its_attribute(nasty: str) -> None:
    content = content_of(url=f"{GROUP}/{nasty}")
    link = content.split('<a href="', 1)[1]
    address = link.split('"', 1)[0]
    assert link == f'{address}" class="u-url mention">@tea</a></p>'
    assert "<" not in address and html.unescape(address) == f"{GROUP}/{nasty}"
