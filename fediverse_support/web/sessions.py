"""Session cookies, and proof that a form came from our own pages.

A form is ours when the browser does not say otherwise (`Sec-Fetch-Site`, `Origin`) and it carries a token
made for this very session; visitors get a short-lived random cookie for the forms they may send. Decision:
three walls (SameSite cookie, fetch metadata, token), because each is missing somewhere.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from itsdangerous import Signer
from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "session"
VISITOR: Final = "visit"
DEVICE: Final = "device"
LASTS: Final = 14 * 86_400
DEVICE_LASTS: Final = 400 * 86_400
"""Seconds; browsers keep no cookie longer."""
MAX_TOKEN: Final = 200


@dataclass(frozen=True, slots=True)
class Sessions:
    """Cookies and form tokens of one installation; `secure` where it is reached by https."""

    secret: bytes
    secure: bool

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name

    def session_token(self, request: Request) -> str | None:
        """Return the session token this browser sent, unchecked."""
        return self._cookie(request, SESSION)

    def visitor_token(self, request: Request) -> str | None:
        """Return the random value given to this browser with a form for visitors."""
        return self._cookie(request, VISITOR)

    def _cookie(self, request: Request, name: str) -> str | None:
        value = request.cookies.get(self._name(name))
        return value if value and len(value) <= MAX_TOKEN and value.isascii() else None

    def open(self, response: Response, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self._name(SESSION),
            token,
            max_age=LASTS,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
        self._drop(response, VISITOR)

    def close(self, response: Response) -> None:
        """Take the session away from the browser."""
        self._drop(response, SESSION)
        self._drop(response, VISITOR)

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(self._name(name), path="/", secure=self.secure, httponly=True, samesite="lax")

    def give_visitor_token(self, response: Response, token: str) -> None:
        """Give the browser a random value to tie a visitor's form to it; gone when the browser closes."""
        response.set_cookie(
            self._name(VISITOR), token, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def forget(self, response: Response) -> None:
        """Leave nothing in the browser, as after a quick exit."""
        self.close(response)
        self._drop(response, DEVICE)

    def know_device(self, request: Request, response: Response, name: str) -> None:
        """Let this browser be known again by whoever signs in here with this name.

        The cookie is a random number with a signature over both: it does not tell the name, and is good for
        nothing but to be counted apart from strangers when somebody guesses passwords.
        """
        number = self.device(request, name) or secrets.token_urlsafe(12)
        response.set_cookie(
            self._name(DEVICE),
            f"{number}.{self._device_signature(number, name)}",
            max_age=DEVICE_LASTS,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )

    def device(self, request: Request, name: str) -> str | None:
        """Return the number of a browser that signed in with this name before; None for every other."""
        number, _, signature = (self._cookie(request, DEVICE) or "").partition(".")
        known = self._device_signature(number, name)
        return number if number and secrets.compare_digest(signature, known) else None

    def _device_signature(self, number: str, name: str) -> str:
        signer = Signer(self.secret, salt="device", key_derivation="hmac", digest_method=hashlib.sha256)
        owner = hashlib.sha256(name.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
        return signer.get_signature(f"{number}.{owner}").decode()

    def form_token(self, bound_to: str) -> str:
        """Return the token for forms sent from this session or visitor."""
        binding = hashlib.sha256(bound_to.encode()).hexdigest()
        signer = Signer(self.secret, salt="form", key_derivation="hmac", digest_method=hashlib.sha256)
        return signer.get_signature(binding).decode()

    def is_from_elsewhere(self, request: Request) -> bool:
        """Say whether the browser tells that another site made it send this."""
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return True
        # Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms.
        origin = request.headers.get("origin")
        return (
            origin is not None
            and origin != "null"
            and origin.partition("://")[2] != request.headers.get("host")
        )

    def is_our_form(self, given: str, bound_to: str | None) -> bool:
        """Say whether a form carries the token made for this session or visitor."""
        return bound_to is not None and secrets.compare_digest(
            given.encode("utf-8", "replace"), self.form_token(bound_to).encode()
        )


def fresh_visitor_token() -> str:
    """Return a random value for a visitor's cookie."""
    return secrets.token_urlsafe(16)
