"""The HTTP client: which addresses it dials, and which it never does."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

from federation.errors import Unreachable
from federation.uris import Uri
from fediverse_support.adapters.http_client import is_allowed
from tests.unit.adapters.listening import client, listening, plainly, refused


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.168.1.1",
        "192.175.48.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2620:4f:8000::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "",
        "127.1",
        "2130706433",
        "0x7f000001",
    ],
)
def test_an_address_that_is_not_public_is_never_dialled(address: str) -> None:
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2a00:1450::1"],
)
def test_a_public_address_is_dialled(address: str) -> None:
    assert is_allowed(address)


def test_named_networks_are_dialled_although_they_are_private() -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("::1/128"))
    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("::1", networks)
    assert not is_allowed("10.2.0.1", networks)
    assert not is_allowed("127.0.0.1", networks)
    assert not is_allowed("::ffff:10.1.2.3", networks)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "0",
        "127.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "169.254.169.254",
        "metadata.internal",
        "db",
        "printer.local",
        "x.onion",
    ],
)
async def test_no_spelling_of_a_private_address_is_reached(host: str) -> None:
    assert await refused(f"https://{host}/", allow_http=False, allow_networks=()) == "forbidden_address"
    # In a test world too, only the named networks open.
    code = await refused(f"https://{host}/", allow_networks=(ip_network("10.9.0.0/16"),))
    assert code in ("forbidden_address", "refused")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_listening_server_on_loopback_sees_nothing(host: str) -> None:
    async with listening(plainly()) as (base, got):
        port = base.rpartition(":")[2]
        assert await refused(f"http://{host}:{port}/", allow_networks=()) == "forbidden_address"
        assert got == []


async def test_a_name_that_changes_its_address_is_checked_where_it_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with listening(plainly(b"1")) as (base, got):
        port = int(base.rpartition(":")[2])
        answers = iter(["127.0.0.1", "127.0.0.2"])

        async def resolve(
            self: object, host: str, port: int = 0, family: int = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                {
                    "hostname": host,
                    "host": next(answers),
                    "port": port,
                    "family": socket.AF_INET,
                    "proto": 0,
                    "flags": 0,
                }
            ]

        monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
        async with client(allow_networks=(ip_network("127.0.0.1/32"),)) as http:
            uri = Uri(f"http://rebinding.example:{port}/")
            reply = await http.send("GET", uri, {}, limit=10, seconds=5)
            assert reply.body == b"1"
            with pytest.raises(Unreachable, match="forbidden_address"):
                await http.send("GET", uri, {}, limit=10, seconds=5)
        assert len(got) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "http://1.1.1.1/",
        "https://1.1.1.1:22/",
        "https://1.1.1.1:5432/",
        "https://user@1.1.1.1/",
        "https://1.1.1.1/\r\nX: y",
        "file:///etc/passwd",
        "gopher://1.1.1.1/",
        "unix:/var/run/x",
        "data:,x",
        "",
    ],
)
async def test_other_schemes_ports_and_spellings_are_refused(uri: str) -> None:
    assert await refused(uri, allow_http=False, allow_networks=()) == "forbidden_address"
