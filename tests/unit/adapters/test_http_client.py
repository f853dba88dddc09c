"""The HTTP client: what it sends, how much it reads, how long it waits, and that it says why not."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from federation import keys, signatures
from federation.errors import Unreachable
from federation.uris import Uri
from tests.unit.adapters.listening import LOOPBACK, ask, client, listening, plainly, refused


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the TLS settings of a server on 127.0.0.1 and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    return context, authority


# --- what is sent ---


async def test_the_path_goes_out_as_it_was_signed() -> None:
    private = keys.load_private(keys.make_rsa())
    async with listening(plainly()) as (base, got), client() as http:
        uri = Uri(f"{base}/a%2fb/%7Eio;x='y'?q=a+b%20c&d=%C3%A9")
        headers = signatures.sign(
            "POST", uri, {}, b"{}", key_id=uri, private=private, now=signatures.moment(0)
        )
        reply = await http.send("POST", uri, headers, b"{}", limit=10, seconds=5)
        assert reply.status == 200
    head, _, body = got[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"POST {signatures.target_of(uri)} HTTP/1.1"
    assert body == b"{}"
    names = [line.split(":")[0].lower() for line in lines[1:]]
    assert len(names) == len(set(names))
    assert f"Host: {base.removeprefix('http://')}" in lines
    assert "User-Agent: tests/1" in lines
    assert "cookie" not in names


async def test_cookies_and_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with listening(plainly(b"{}", "Set-Cookie: a=b")) as (base, got), client() as http:
        # Cookies are never kept for a bare address, so this has to be a name.
        base = base.replace("127.0.0.1", "localhost")
        for _ in range(2):
            await http.send("GET", Uri(f"{base}/"), {}, limit=10, seconds=5)
    assert len(got) == 2
    assert b"cookie" not in got[1].lower()


async def test_a_header_with_a_line_end_is_not_sent() -> None:
    async with listening(plainly()) as (base, got), client() as http:
        with pytest.raises(Unreachable):
            await http.send("GET", Uri(f"{base}/"), {"Accept": "x\r\nX: y"}, limit=10, seconds=5)
    assert got == []


# --- what is read ---


async def test_an_answer_is_a_plain_value() -> None:
    async with listening(
        plainly(b'{"a":1}', "Content-Type: application/activity+json", status="410 Gone")
    ) as (
        base,
        _,
    ):
        reply = await ask(f"{base}/x")
    assert (reply.status, json.loads(reply.body), reply.uri) == (410, {"a": 1}, f"{base}/x")
    assert reply.headers["content-type"] == "application/activity+json"


async def test_a_redirect_is_returned_and_not_followed() -> None:
    async with listening(plainly(b"", "Location: http://127.0.0.1:1/", status="302 Found")) as (base, got):
        reply = await ask(base)
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:1/")
    assert len(got) == 1


async def test_the_limit_is_exact() -> None:
    async with listening(plainly(b"x" * 1000)) as (base, _):
        assert len((await ask(base, limit=1000)).body) == 1000
        assert await refused(base, limit=999) == "too_large"


async def test_too_large_says_which_status_it_was() -> None:
    async with listening(plainly(b"x" * 1000, status="202 Accepted")) as (base, _):
        with pytest.raises(Unreachable) as caught:
            await ask(base, limit=10)
    assert caught.value.detail == "202"


async def test_a_body_without_end_is_cut_at_the_limit() -> None:
    async def endless(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with listening(endless) as (base, _):
        assert await refused(base, limit=100_000) == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_packed_body_counts_unpacked(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    async with listening(plainly(pack(b"x" * 5_000_000), f"Content-Encoding: {encoding}")) as (base, _):
        assert await refused(base, limit=1024 * 1024) == "too_large"
    async with listening(plainly(pack(b"hello"), f"Content-Encoding: {encoding}")) as (base, _):
        assert (await ask(base)).body == b"hello"


async def test_broken_packing_is_a_bad_answer() -> None:
    async with listening(plainly(b"no gzip at all", "Content-Encoding: gzip")) as (base, _):
        assert await refused(base) in ("bad_answer", "refused")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe\r\nContent-Length: 100\r\n\r\n",
    ],
)
async def test_a_broken_answer_raises_nothing_else(raw: bytes) -> None:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    async with listening(answer) as (base, _):
        assert await refused(base) in ("bad_answer", "refused")


# --- how long, and why not ---


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
)
async def test_a_slow_answer_is_given_up(head: bytes) -> None:
    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(drip) as (base, _):
        assert await refused(base, seconds=0.2) == "timeout"


ENDLESS = {
    "headers": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "lines": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize(("head", "piece"), ENDLESS.values(), ids=ENDLESS)
async def test_g07_an_answer_that_trickles_for_ever_is_given_up_while_others_go_on(
    head: bytes, piece: bytes
) -> None:
    done = asyncio.Event()
    begun = asyncio.Event()

    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        if b"GET /quick" in request:
            return await plainly()(request, writer)
        writer.write(head)
        while not done.is_set():
            writer.write(piece)
            await writer.drain()
            begun.set()
            await asyncio.sleep(0.01)

    async with listening(drip) as (base, _), client() as http:
        slow = asyncio.create_task(http.send("GET", Uri(f"{base}/slow"), {}, limit=1024 * 1024, seconds=1.0))
        await begun.wait()
        # Bytes that come buy no time, and nobody waits behind them.
        quick = await http.send("GET", Uri(f"{base}/quick"), {}, limit=10, seconds=5)
        assert quick.status == 200 and not slow.done()
        with pytest.raises(Unreachable) as caught:
            await slow
        done.set()
    assert caught.value.code == "timeout"


async def test_g07_lines_without_end_are_not_read_for_ever() -> None:
    async def pour(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 1_000_000)
        await writer.drain()

    async with listening(pour) as (base, _):
        assert await refused(base) == "bad_answer"


async def test_a_closed_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await refused(f"http://127.0.0.1:{taken.getsockname()[1]}/") == "refused"


async def test_a_name_that_does_not_exist_is_refused() -> None:
    assert await refused("https://nowhere.example.invalid./", allow_networks=LOOPBACK) == "refused"


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context, _ = certified(tmp_path)
    async with listening(plainly(), ssl=context) as (base, got):
        assert await refused(base.replace("http:", "https:")) == "tls"
        assert got == []


async def test_a_private_authority_can_be_trusted_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, authority = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    async with listening(plainly(), ssl=context) as (base, _):
        assert (await ask(base.replace("http:", "https:"), allow_http=False)).status == 200


async def test_a_closed_client_opens_again() -> None:
    async with listening(plainly()) as (base, got):
        http = client()
        await http.close()
        for _ in range(2):
            await http.send("GET", Uri(base), {}, limit=10, seconds=5)
            await http.close()
        assert len(got) == 2


async def test_cancelling_a_request_is_not_swallowed() -> None:
    async def never(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async with listening(never) as (base, _):
        task = asyncio.create_task(ask(base))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
