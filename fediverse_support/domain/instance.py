"""What this installation is, and how its addresses are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from federation import uris
from federation.uris import Host, Uri
from fediverse_support.domain.house import Overrides
from fediverse_support.domain.ids import PostId

PAGE: Final = re.compile(
    r"/(?:g/[^/?#]{1,300}/t|post)/([0-9]{1,19})(?:\?[^#]{0,300})?(?:#(?:p([0-9]{1,19}))?)?", re.ASCII
)
MOST: Final = 2**63


@dataclass(frozen=True, slots=True)
class Instance:
    """One installation, as this process knows it. `base_url` is scheme and authority, with no slash after.

    `overrides` are what this process decides instead of the organisation (`domain.house`).
    """

    base_url: str
    allow_http: bool = False
    overrides: Overrides = ()

    @property
    def host(self) -> Host:
        """The domain in handles, with the port where it is not the default."""
        return uris.host(self.base_url)

    @property
    def actor_uri(self) -> Uri:
        """The instance actor, which signs fetches and reports."""
        return Uri(f"{self.base_url}/ap/instance")

    @property
    def inbox_uri(self) -> Uri:
        """The shared inbox."""
        return Uri(f"{self.base_url}/ap/inbox")

    @property
    def help_url(self) -> Uri:
        """Where to find help now."""
        return Uri(f"{self.base_url}/help")

    def is_ours(self, uri: str) -> bool:
        """Say whether a parsed URI is on this instance."""
        return uris.origin(uri) == self.base_url

    def person_uri(self, token: str) -> Uri:
        """Where a person's actor document is."""
        return Uri(f"{self.base_url}/ap/u/{token}")

    def group_uri(self, token: str) -> Uri:
        """Where a group's actor document is."""
        return Uri(f"{self.base_url}/ap/g/{token}")

    def post_uri(self, token: str) -> Uri:
        """Where a post's document is."""
        return Uri(f"{self.base_url}/ap/o/{token}")

    def activity_uri(self, token: str) -> Uri:
        """Where an activity's document is."""
        return Uri(f"{self.base_url}/ap/a/{token}")

    def context_uri(self, token: str) -> Uri:
        """Where a thread's collection is; `token` is that of its root."""
        return Uri(f"{self.base_url}/ap/c/{token}")

    def profile_url(self, name: str) -> Uri:
        """A person's page."""
        return Uri(f"{self.base_url}/@{name}")

    def group_url(self, name: str) -> Uri:
        """A group's page."""
        return Uri(f"{self.base_url}/g/{name}")

    def thread_url(self, group_name: str, post_id: int) -> Uri:
        """A conversation's page in a group."""
        return Uri(f"{self.base_url}/g/{group_name}/t/{post_id}")

    def post_on(self, address: str) -> PostId | None:
        """Return the row of the post that a page of ours shows, or that its fragment points at.

        `address` is a parsed URI. Whether there is such a post, and who may read it, is not known here.
        """
        found = PAGE.fullmatch(address.removeprefix(self.base_url)) if self.is_ours(address) else None
        number = 0 if found is None else int(found[2] or found[1])
        return PostId(number) if 0 < number < MOST else None

    def post_url(self, post_id: int) -> Uri:
        """The page of a post outside of groups."""
        return Uri(f"{self.base_url}/post/{post_id}")
