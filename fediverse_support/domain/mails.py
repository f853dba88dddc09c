"""A mail as we write it: plain text to one address, with nothing in it that a person wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from federation import uris
from federation.errors import Malformed
from federation.uris import Uri
from fediverse_support.domain.ids import AccountId

LetterName = Literal["account_approved", "account_declined"]

LONGEST_ADDRESS: Final = 254
LONGEST_LOCAL: Final = 64
# What RFC 5321 calls a dot-string. A quoted one is nobody's, and holds whatever somebody wants to smuggle in.
LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
NO_PORT: Final = re.compile(r"[^\s:]+\Z")
DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. `key` tells it from every other of ours, and is the same however often it is tried.

    `unsubscribe` is the address of a page that stops mails of its kind, where there can be more of them.
    """

    key: str
    to: str
    subject: str
    text: str
    written_at: datetime
    unsubscribe: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One of our people is to be written to about their account.

    The address is looked up when the mail leaves, and it must be confirmed. `to` is for a letter after which
    no address is kept; `domain` is that of the address in either case.
    """

    name: LetterName
    account_id: AccountId
    domain: str
    to: str | None = None


def parse_address(text: str) -> str | None:
    """Return a mail address with its domain in ASCII and small letters, or None where it is none.

    An address is one recipient: no display name, no list, no quotes, no line breaks.
    """
    local, _, domain = text.rpartition("@")
    if not LOCAL.match(local) or len(local) > LONGEST_LOCAL or not NO_PORT.match(domain):
        return None
    try:
        host = uris.parse_host(domain)
    except Malformed:
        return None
    if not DOMAIN.match(host) or len(local) + 1 + len(host) > LONGEST_ADDRESS:
        return None
    return f"{local}@{host}"


def domain_of(address: str) -> str:
    """Return the domain of an address."""
    return address.rpartition("@")[2]
