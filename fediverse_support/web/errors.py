"""The outermost wall: whatever goes wrong inside becomes an answer with a number, and one log line.

Each edge has its own table of refusals; what arrives here is a bug, or a database that is away.
"""

from __future__ import annotations

import json
import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fediverse_support.db.pool import DatabaseUnavailable
from fediverse_support.web.limits import Disconnected

log = logging.getLogger(__name__)

PROGRAMS = ("/api/", "/oauth/", "/ap/", "/.well-known/", "/nodeinfo/")


class OutermostHandler:
    """Turns every exception into 500 with an id, or 503 while the database is away; never shows its text."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_started = False

        async def watched(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Disconnected:
            return
        except DatabaseUnavailable as error:
            log.error("database away", extra={"reason": str(error)})
            if not has_started:
                sentence = "The database does not answer just now. Please try again in a minute."
                await answer(send, scope, 503, sentence, retry_after=60)
        except Exception:
            number = secrets.token_hex(4)
            # The path is left out: addresses of pages may say more about a person than an error log should
            # keep.
            log.error("unhandled", exc_info=True, extra={"id": number, "method": scope["method"]})
            if not has_started:
                sentence = f"Something went wrong here, and it is our fault. Its number is {number}."
                if (page := scope.get("fault_page")) is None:
                    await answer(send, scope, 500, sentence)
                else:  # left by a page's endpoint: the same sentence, and what the person typed
                    await page(sentence)(scope, receive, send)


async def answer(
    send: Send, scope: Scope, status: int, sentence: str, *, retry_after: int | None = None
) -> None:
    """Send a short refusal: JSON for programs, plain text for people."""
    if scope["path"].startswith(PROGRAMS):
        kind, body = b"application/json", json.dumps({"error": sentence}).encode()
    else:
        kind, body = b"text/plain; charset=utf-8", f"{sentence}\n".encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
