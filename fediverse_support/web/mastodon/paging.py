"""Windows into lists, and the `Link` header that leads to the next and the previous one.

`next` comes first and the spacing is exact, because clients cut the header apart with patterns. The last
page has no `next`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from fediverse_support.domain.instance import Instance
from fediverse_support.reads.posts.windows import MAX_ID, Window
from fediverse_support.web.mastodon.params import Params

CURSORS: Final = frozenset({"max_id", "min_id", "since_id"})
DEFAULT: Final = 20
MOST: Final = 40


def window(params: Params, *, default: int = DEFAULT, most: int = MOST) -> Window:
    """Return the part of a list that was asked for, one entry longer, so that the end can be told."""
    below, least, since = params.id("max_id"), params.id("min_id"), params.id("since_id")
    return Window(
        below=MAX_ID if below is None else below,
        above=max(least or 0, since or 0),
        limit=params.whole("limit", default, most) + 1,
        upwards=least is not None,
    )


def cut(window: Window, items: list[Any]) -> tuple[list[Any], bool]:
    """Drop the one entry too many, and say whether older ones follow."""
    more = len(items) >= window.limit
    if window.upwards:
        return (items[1:] if more else items), True
    return (items[:-1] if more else items), more


def link(instance: Instance, path: str, query: bytes, ids: Sequence[int], more: bool) -> dict[str, str]:
    """Return the `Link` header for a page with these ids (newest first); nothing for an empty page."""
    if not ids:
        return {}
    kept = [pair for pair in parse_qsl(query.decode(), keep_blank_values=True) if pair[0] not in CURSORS]
    where = f"{instance.base_url}{path}?"
    parts = [f'<{where}{urlencode([*kept, ("max_id", str(ids[-1]))])}>; rel="next"'] if more else []
    parts.append(f'<{where}{urlencode([*kept, ("min_id", str(ids[0]))])}>; rel="prev"')
    return {"link": ", ".join(parts)}
