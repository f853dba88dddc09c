"""Signed requests for tests: a peer with a key, a moment, requests that can be spoiled in one way."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation import keys, signatures, signatures_rfc9421
from federation.http import Reply, Request
from federation.keys import PrivateKey, PublicKeyHandle
from federation.uris import Uri

# `federation.signatures`, imported above, has loaded it without the setuptools that it asks for.
httpsig: Final = importlib.import_module("httpsig")

NOW: Final = datetime(2030, 5, 1, 12, tzinfo=UTC)
ORIGIN: Final = "https://support.example"
HOSTS: Final = frozenset({"support.example"})
INBOX: Final = Uri("https://support.example/ap/inbox")
IO: Final = Uri("https://masto.example/users/io")
ADA: Final = Uri("https://pie.example/u/ada")
GROUP: Final = Uri("https://pie.example/c/sleepless")
IO_KEY: Final = keys.key_id(IO)
PRIVATE: Final[PrivateKey] = keys.load_private(keys.make_rsa())
PUBLIC: Final[PublicKeyHandle] = keys.load_public(keys.public_pem(PRIVATE))
OTHER: Final[PublicKeyHandle] = keys.load_public(keys.public_pem(keys.load_private(keys.make_rsa())))
BODY: Final = b'{"type":"Like"}'
VECTORS: Final = Path(__file__).parents[2] / "vectors" / "signatures"
DEFAULT_COVERED: Final = "(request-target) host date digest content-type"


def vector(name: str) -> dict[str, Any]:
    """Return one file of published examples."""
    found: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return found


def request_of(given: dict[str, Any]) -> Request:
    """Return the request of a vector."""
    headers = tuple((name, value) for name, value in given["headers"])
    return Request(given["method"], given["target"], headers, given["body"].encode())


def received(method: str, uri: Uri, headers: dict[str, str], body: bytes) -> Request:
    """Return what the other side sees of a request that was sent."""
    lines = tuple((name.lower(), value) for name, value in headers.items())
    return Request(method, signatures.target_of(uri), lines, body)


def signed(
    method: str = "POST",
    uri: Uri = INBOX,
    body: bytes = BODY,
    *,
    scheme: str = "cavage",
    now: datetime = NOW,
    private: PrivateKey = PRIVATE,
    key_id: Uri = IO_KEY,
) -> Request:
    """Return an honest request, signed by Io's key."""
    sign = signatures.sign if scheme == "cavage" else signatures_rfc9421.sign
    return received(method, uri, sign(method, uri, {}, body, key_id=key_id, private=private, now=now), body)


def with_header(request: Request, name: str, *values: str) -> Request:
    """Return the request with all lines of one header replaced by these."""
    kept = tuple(line for line in request.headers if line[0] != name)
    return replace(request, headers=kept + tuple((name, value) for value in values))


def by_hand(
    *,
    covered: str | None = DEFAULT_COVERED,
    method: str = "POST",
    target: str = "/ap/inbox",
    signed_target: str | None = None,
    body: bytes = BODY,
    headers: dict[str, str] | None = None,
    algorithm: str | None = "rsa-sha256",
    hash_algorithm: Any = keys.SHA256,
    extra: Iterable[str] = (),
    special: dict[str, str] | None = None,
) -> Request:
    """Return a request with a correct RSA signature over exactly what is asked for, wise or not."""
    lines = {
        "host": "support.example",
        "date": signatures.write_date(NOW),
        "digest": signatures.digest(body),
        "content-type": "application/activity+json",
        **(headers or {}),
    }
    values = {**lines, **(special or {}), "(request-target)": f"{method.lower()} {signed_target or target}"}
    names = (covered or "date").split(" ")
    text = "\n".join(f"{name.lower()}: {values[name.lower()]}" for name in names)
    assert not isinstance(PRIVATE, Ed25519PrivateKey)
    signature = base64.b64encode(PRIVATE.sign(text.encode(), keys.PKCS1, hash_algorithm)).decode()
    parts = [f'keyId="{IO_KEY}"', *extra, f'signature="{signature}"']
    if covered is not None:
        parts.insert(1, f'headers="{covered}"')
    if algorithm is not None:
        parts.insert(1, f'algorithm="{algorithm}"')
    sent = (*lines.items(), ("signature", ",".join(parts)))
    return Request(method, target, sent, body)


class Peers:
    """A transport that answers from a table and remembers what it was asked."""

    def __init__(self, answers: dict[str, Reply | list[Reply] | Exception]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Uri, dict[str, str]]] = []

    async def send(
        self,
        method: str,
        uri: Uri,
        headers: dict[str, str],
        body: bytes = b"",
        *,
        limit: int,
        seconds: float,
    ) -> Reply:
        self.asked.append((method, uri, headers))
        answer = self.answers.get(uri, Reply(404, {}, b"", uri))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, uri=uri)


def reply(
    document: Any = None,
    status: int = 200,
    *,
    kind: str = "application/activity+json",
    **headers: str,
) -> Reply:
    """Return an answer with a JSON body; header names are given with underscores."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": kind, **lines}, body, Uri("https://unused.example/"))


def moved(location: str, status: int = 302) -> Reply:
    """Return an answer that leads elsewhere."""
    return reply(status=status, location=location)
