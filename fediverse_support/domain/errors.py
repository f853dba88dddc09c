"""What a person's request can fail with. No HTTP status and no words here: each edge has its own table."""

from __future__ import annotations

from datetime import timedelta


class AppError(Exception):
    """Base of all refusals that a person may read: a code, and the `values` that a sentence of it needs."""

    code = "error"

    def __init__(self, *, code: str | None = None, **values: object) -> None:
        if code is not None:
            self.code = code
        super().__init__(self.code)
        self.values = values


class NotFound(AppError):
    """Not there, or not theirs to see: the two look alike from outside."""

    code = "not_found"


class NotAllowed(AppError):
    """They may see it, but not do this; `reasons` are policy's codes."""

    code = "not_allowed"

    def __init__(self, *, reasons: tuple[str, ...] = (), code: str | None = None, **values: object) -> None:
        super().__init__(code=code, **values)
        self.reasons = reasons


class Conflict(AppError):
    """The state of things speaks against it, e.g. a name that is taken."""

    code = "conflict"


class Invalid(AppError):
    """Something they typed has to change: `fields` maps a field's name to a code such as `too_long`."""

    code = "invalid"

    def __init__(self, fields: dict[str, str], **values: object) -> None:
        super().__init__()
        self.fields, self.values = fields, values


class RateLimited(AppError):
    """Too many at once; possible again after `after`."""

    code = "rate_limited"

    def __init__(self, after: timedelta, *, code: str | None = None) -> None:
        super().__init__(code=code)
        self.after = after


class NotSignedIn(AppError):
    """Nobody is signed in, or the session is over."""

    code = "not_signed_in"
