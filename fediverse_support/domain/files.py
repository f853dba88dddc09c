"""What stands beside a post: the link of a link post, pictures and other files of another server.

They are named in words, and a link leads to each at its origin. Nothing of them is asked for by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from federation import uris
from federation.uris import Host, Uri

FileKind = Literal["link", "picture", "film", "sound", "file"]

BY_MEDIA: Final[dict[str, FileKind]] = {"image": "picture", "video": "film", "audio": "sound"}
BY_TYPE: Final[dict[str, FileKind]] = {
    "Image": "picture",
    "Video": "film",
    "Audio": "sound",
    "Link": "link",
}
LONGEST: Final = 80
SHORT: Final = 70


@dataclass(frozen=True, slots=True)
class File:
    """One of them; `name` is what its author says it is, empty where they say nothing."""

    kind: FileKind
    address: Uri
    name: str

    @property
    def short(self) -> str:
        """How the name begins, cut between words."""
        if len(self.name) <= SHORT:
            return self.name
        return f"{self.name[:SHORT].rpartition(' ')[0] or self.name[:SHORT]}…"

    @property
    def host(self) -> Host:
        """The server that has it."""
        return uris.host(self.address)

    @property
    def place(self) -> str:
        """The address as a link without a name is called, cut where it is long."""
        text = self.address.partition("://")[2].removesuffix("/")
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def read(stored: str) -> tuple[File, ...]:
    """Return the files of a post as they are stored with it, links first."""
    found = [_file(each) for each in msgspec.json.decode(stored)] if stored != "[]" else []
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.kind != "link"))


def read_one(stored: str | None) -> File | None:
    """Return the one file that was asked for; None where there is none."""
    return None if stored is None else _file(msgspec.json.decode(stored))


def _file(entry: dict[str, str]) -> File | None:
    address = uris.find(entry.get("url"))
    if address is None:
        return None
    media = BY_MEDIA.get((entry.get("media_type") or "").partition("/")[0].lower())
    kind = media or BY_TYPE.get(entry.get("kind", ""), "file")
    return File(kind, address, " ".join((entry.get("alt") or "").split()))
