"""Typed row ids, and the random tokens that ActivityPub ids are made from."""

from __future__ import annotations

import secrets
from typing import Final, NewType

ActorId = NewType("ActorId", int)
AccountId = NewType("AccountId", int)
PostId = NewType("PostId", int)
FollowId = NewType("FollowId", int)
ActivityId = NewType("ActivityId", int)
ReportId = NewType("ReportId", int)
MessageId = NewType("MessageId", int)

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
TOKEN_LENGTH: Final = 26


def fresh_token() -> str:
    """Return 26 random characters (130 bits) that say nothing about when or by whom they were made."""
    # 32 letters, so the low five bits of a random byte are an even choice.
    return "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(TOKEN_LENGTH))
