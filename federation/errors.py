"""What a peer, or the wire to it, can do wrong.

Each error carries a stable `code` for logs and answers; `retryable` says whether the same thing may work
later.
"""

from __future__ import annotations

from typing import ClassVar


class FederationError(Exception):
    """Base of everything this library raises on purpose."""

    retryable: ClassVar[bool] = False

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Malformed(FederationError):
    """Bytes or a document that break the rules of the format; sending it again will not help."""


class Unauthentic(FederationError):
    """No proof, or a wrong one: `signature_missing`, `signature_invalid`, `key_mismatch`, `origin_mismatch`,
    `stale`."""


class Unreachable(FederationError):
    """The other side did not answer usefully; another try later may work, after so many seconds if known."""

    retryable = True

    def __init__(self, code: str, detail: str = "", *, after: float | None = None) -> None:
        super().__init__(code, detail)
        self.after = after


class Gone(FederationError):
    """The other side says that the thing does not exist (404) or no longer exists (410)."""

    def __init__(self, code: str, detail: str = "", *, status: int = 410) -> None:
        super().__init__(code, detail)
        self.status = status
