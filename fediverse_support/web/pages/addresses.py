"""Addresses of our pages, made and checked in one place."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

from fediverse_support.domain.ids import PostId

EXIT_TO: Final = "https://www.bbc.co.uk/weather"
OURS: Final = re.compile(r"/(?:[A-Za-z0-9_@.:/=?&%~-]*)\Z")
MAX_ADDRESS: Final = 300
WITH_A_CODE: Final = ("/new-password/", "/join/", "/first-run/")
"""Addresses that end in a one-time code. Nobody keeps them: no browser, and no proxy in its log."""


def sign_in(back: str = "") -> str:
    """Return the sign-in page, leading back to one of our pages."""
    return "/sign-in?" + urlencode({"back": back}) if is_ours(back) else "/sign-in"


def is_ours(address: str) -> bool:
    """Say whether an address is a path here, and nothing a browser could read as another host."""
    return (
        len(address) <= MAX_ADDRESS
        and OURS.match(address) is not None
        and not address.startswith("//")
        and "\\" not in address
    )


def has_a_code(path: str) -> bool:
    """Say whether a path holds a one-time code, which nobody may find in a history or a log."""
    return path.startswith(WITH_A_CODE)


def elsewhere(address: str) -> str:
    """Return the page on which our people go on with what they found on another server."""
    return "/authorize_interaction?" + urlencode({"uri": address})


def group(slug: str, done: str = "") -> str:
    """Return a group's page."""
    return f"/g/{quote(slug, safe='@:')}" + (f"?done={done}" if done else "")


def followers(done: str = "") -> str:
    """Return the page of those who follow the visitor, or would like to."""
    return "/followers" + (f"?done={done}" if done else "")


def post(post_id: PostId, done: str = "") -> str:
    """Return where a post is found, whichever page of its conversation it stands on."""
    return f"/post/{post_id}" + (f"?done={done}" if done else "")


def conversation(
    slug: str | None, root_id: PostId, post_id: PostId | None = None, *, done: str = "", after: int = 0
) -> str:
    """Return the page of a conversation that begins after the reply `after`, at a post that stands on it.

    Outside of groups that is the page of its first post.
    """
    page = f"/post/{root_id}" if slug is None else f"/g/{quote(slug, safe='@:')}/t/{root_id}"
    asked = urlencode({name: value for name, value in (("after", after), ("done", done)) if value})
    return page + (f"?{asked}" if asked else "") + (f"#p{post_id}" if post_id else "")


def decision(post_id: PostId) -> str:
    """Return the page where an author finds a post again that a moderator took out."""
    return f"/post/{post_id}/decision"
