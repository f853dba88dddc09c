"""What a server says by itself to somebody elsewhere: labelled, once, and with no promise in it."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Final

from federation.uris import Uri
from fediverse_support.domain.richtext import SafeHtml

ANSWERED_FOR: Final = timedelta(days=7)
"""So long nobody who wrote to a group gets a second automatic answer from it."""


def welcome(help_address: Uri) -> SafeHtml:
    """Return what somebody reads who just followed an open group of ours from another server."""
    address = html.escape(help_address)
    return SafeHtml(
        "<p>This is an automatic message. Thank you for following this group.</p>"
        "<p>Your own server may show other people that you follow us. What you post here also shows on your "
        "own profile. To be more private, hide who you follow, or use a new account.</p>"
        "<p>We are not a crisis service. If you need help now, use this link: "
        f'<a href="{address}">{address}</a></p>'
    )


def answer_to_message(title: str, help_address: Uri) -> SafeHtml:
    """Return what somebody reads who wrote to a group what is not for everybody.

    It says what is true at this moment and nothing about when, because nobody may be there.
    """
    group, address = html.escape(title), html.escape(help_address)
    return SafeHtml(
        "<p>This is an automatic message. No one has read what you wrote yet.</p>"
        f"<p>It is not shown in {group}. It waits for the people who look after that group. They are not "
        "always there, and we cannot say when one of them will see it.</p>"
        "<p>We are not a crisis service. If you need help now, use this link: "
        f'<a href="{address}">{address}</a></p>'
    )
