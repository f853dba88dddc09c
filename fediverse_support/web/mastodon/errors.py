"""What can go wrong under `/api`, as status and JSON. Never an HTML page, never a word somebody else
wrote."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from starlette.responses import Response

from fediverse_support.domain.errors import (
    AppError,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
)
from fediverse_support.web.words import reasons

NOT_FOUND: Final = "Record not found"
BAD_TOKEN: Final = "The access token is invalid"
WRONG_SCOPE: Final = "This action is outside the authorized scopes"
CHANGED: Final = "This was changed meanwhile"
NOT_ALLOWED: Final = "This action is not allowed"

HEADERS: Final = {
    "cache-control": "private, no-store",
    "vary": "Authorization",
    "x-content-type-options": "nosniff",
}

FIELDS: Final = {"body": "text", "title": "title", "warning": "spoiler_text", "parent_id": "in_reply_to_id"}
"""Our fields in this API's words."""

SENTENCES: Final = {
    "blank": "can't be blank",
    "empty": "can't be blank",
    "missing": "can't be blank",
    "too_long": "is too long",
    "malformed": "is not in the right form",
}


class Refused(Exception):
    """A request this edge refuses by itself: status, and the sentence a client shows."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **more}
        self.headers: dict[str, str] = {}


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer that no cache keeps."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        headers={**HEADERS, **(headers or {})},
        media_type="application/json; charset=utf-8",
    )


def answer_for(error: AppError | Refused) -> Response:
    """Return status and JSON for a refusal; the sentence of a refusal is ours, never a person's words."""
    match error:
        case Refused():
            return json(error.body, error.status, error.headers)
        case NotFound():
            return json({"error": NOT_FOUND}, 404)
        case NotSignedIn():
            return json({"error": BAD_TOKEN}, 401)
        case RateLimited():
            return json(
                {"error": "Too many requests"},
                429,
                {"retry-after": str(math.ceil(error.after.total_seconds()))},
            )
        case NotAllowed():
            return json({"error": sentence_for(error)}, 403)
        case Invalid():
            return json(_invalid(error), 422)
        case Conflict():
            return json({"error": str(reasons.REASONS.get(error.code, CHANGED))}, 422)
        case _:
            return json({"error": error.code}, 422)


def unprocessable(error: NotAllowed) -> Refused:
    """Turn "you may not" into 422, which is what clients show beside a text that was not taken."""
    return Refused(422, sentence_for(error))


def sentence_for(error: NotAllowed) -> str:
    """Return what to say about "you may not": the sentence of its first known reason, or this API's own."""
    codes = (*error.reasons, error.code)
    return next((str(reasons.REASONS[code]) for code in codes if code in reasons.REASONS), NOT_ALLOWED)


def invalid(field: str, code: str, sentence: str) -> Refused:
    """Return a 422 about one field in this API's own words."""
    return Refused(
        422,
        f"Validation failed: {sentence}",
        details={field: [{"error": f"ERR_{code.upper()}", "description": sentence}]},
    )


def _invalid(error: Invalid) -> dict[str, Any]:
    details = {}
    for name, code in error.fields.items():
        said = SENTENCES.get(code, code.replace("_", " "))
        details[FIELDS.get(name, name)] = [{"error": f"ERR_{code.upper()}", "description": said}]
    listed = ", ".join(
        f"{name.replace('_', ' ').capitalize()} {said[0]['description']}" for name, said in details.items()
    )
    return {"error": f"Validation failed: {listed}", "details": details}
