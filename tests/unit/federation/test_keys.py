"""Keys: our own load fast, a peer's are bounded, and stored ones are sealed."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from federation import keys
from federation.errors import Unauthentic
from federation.uris import Uri
from tests.unit.federation.requests import IO, PRIVATE, PUBLIC

SECRET = b"a secret of the instance"


def spki(public: PublicKeyTypes) -> str:
    pem: bytes = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def rsa_pem(modulus_bits: int, exponent: int = 65537) -> str:
    """Return the PEM of a number that looks like a modulus; nobody has to find its primes."""
    modulus = (1 << modulus_bits) - 159
    return spki(rsa.RSAPublicNumbers(exponent, modulus).public_key())


def refuse(pem: str) -> None:
    started = time.thread_time()
    with pytest.raises(Unauthentic) as caught:
        keys.load_public(pem)
    assert caught.value.code in ("bad_key", "key_too_small")
    assert time.thread_time() - started < 0.05


@pytest.mark.parametrize("make", [keys.make_rsa, keys.make_ed25519])
def test_a_made_key_signs_for_its_public_half(make: Callable[[], bytes]) -> None:
    private = keys.load_private(make())
    public = keys.load_public(keys.public_pem(private))
    message = b"text"
    if isinstance(private, Ed25519PrivateKey):
        signature = private.sign(message)
    else:
        signature = private.sign(message, keys.PKCS1, keys.SHA256)
    assert public.is_signature(signature, message)
    assert not public.is_signature(signature, b"other")
    assert not public.is_signature(b"", message)
    assert not public.is_signature(signature * 2, message)


def test_our_public_pem_is_written_as_peers_expect() -> None:
    pem = keys.public_pem(PRIVATE)
    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert pem.endswith("\n-----END PUBLIC KEY-----\n")
    assert "\r" not in pem


def test_only_rsa_and_ed25519_are_ours() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="neither"):
        keys.load_private(pem)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pem: pem,
        lambda pem: pem.strip(),
        lambda pem: f"\n  {pem}\n",
        lambda pem: pem.replace("\n", "\r\n"),
    ],
)
def test_harmless_spellings_of_a_pem_are_read(spoil: Callable[[str], str]) -> None:
    assert keys.load_public(spoil(keys.public_pem(PRIVATE))).key == PUBLIC.key


def test_a_pkcs1_pem_is_read() -> None:
    pem = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    assert pem.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    assert keys.load_public(pem.decode()).key == PUBLIC.key


@pytest.mark.parametrize("bits", [2048, 4096, 8192])
def test_usual_sizes_are_read(bits: int) -> None:
    assert keys.load_public(rsa_pem(bits)).kind == "rsa"


@pytest.mark.parametrize("bits", [1024, 2040, 8200, 16384])
def test_other_sizes_are_refused_quickly(bits: int) -> None:
    refuse(rsa_pem(bits))


def test_a_key_of_512_bits_is_refused() -> None:
    refuse(
        "-----BEGIN PUBLIC KEY-----\n"
        "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL7x0wr1Y0pqkW0wJj9mWcXWnq3QkQwy\n"
        "Y0Pq0Y4zE6iQqJqkU2bXwq1c1o4l5Cz6nO4QbD3w0rD1yS0xv1kX0W8CAwEAAQ==\n"
        "-----END PUBLIC KEY-----\n"
    )


@pytest.mark.parametrize("exponent", [3, 17, 65535, 2**64 + 1, 2**2047 + 1])
def test_odd_exponents_are_refused(exponent: int) -> None:
    refuse(rsa_pem(2048, exponent))


def test_exponent_one_is_refused() -> None:
    # The library refuses to build such a key, so the number is exchanged in a finished one.
    body = rsa.RSAPublicNumbers(65537, (1 << 2048) - 159).public_key()
    der = body.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert der.endswith(b"\x02\x03\x01\x00\x01")
    for end in (b"\x02\x03\x00\x00\x01", b"\x02\x03\x01\x00\x02"):
        text = base64.encodebytes(der[:-5] + end).decode()
        refuse(f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n")


@pytest.mark.parametrize(
    "public",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        dsa.DSAPublicNumbers(4, dsa.DSAParameterNumbers((1 << 2047) + 9, (1 << 255) + 95, 2)).public_key(),
    ],
    ids=["ec", "ed448", "dsa"],
)
def test_other_kinds_of_key_are_refused(public: PublicKeyTypes) -> None:
    refuse(spki(public))


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "ssh-rsa AAAA",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n====\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n",
        keys.public_pem(PRIVATE) * 2,
        keys.private_pem(PRIVATE).decode(),
        "é" + keys.public_pem(PRIVATE),
        keys.public_pem(PRIVATE) + "x" * 1024 * 1024,
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 16_000 + "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----" + " " * 16_000,
    ],
)
def test_what_is_no_public_key_is_refused(pem: str) -> None:
    refuse(pem)


def test_a_multikey_round_trips() -> None:
    private = keys.load_private(keys.make_ed25519())
    assert isinstance(private, Ed25519PrivateKey)
    text = keys.multibase(private)
    assert text.startswith("z6Mk")
    assert keys.load_multibase(text).key == private.public_key()


def test_a_published_multikey_is_read() -> None:
    # did:key, test vectors for Ed25519.
    raw = keys.load_multibase("z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp").key
    text = raw.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert text.hex() == "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "z6Mk",
        "u" + "A" * 47,
        "z" + "0" * 47,
        "z" + "z" * 48,
        "z" + "1" * 48,
        "z" + "2" * 10_000,
        "z6LS" + "2" * 44,
    ],
)
def test_what_is_no_ed25519_multikey_is_refused(text: str) -> None:
    with pytest.raises(Unauthentic):
        keys.load_multibase(text)


def test_a_key_id_has_a_fragment() -> None:
    assert keys.key_id(IO) == "https://masto.example/users/io#main-key"
    assert keys.key_id(Uri(f"{IO}#x")) == "https://masto.example/users/io#main-key"


def test_a_sealed_key_opens_with_its_secret_only() -> None:
    pem = keys.make_ed25519()
    sealed = keys.seal(pem, SECRET)
    assert pem not in sealed
    assert keys.seal(pem, SECRET) != sealed
    assert keys.unseal(sealed, SECRET) == pem
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:], b"", b"\x01"):
        with pytest.raises(ValueError, match="seal"):
            keys.unseal(broken, SECRET)
    with pytest.raises(ValueError, match="does not open"):
        keys.unseal(sealed, b"another secret, as long")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        keys.seal(b"x", b"short")


def test_a_signer_does_not_show_its_key() -> None:
    assert "private" not in repr(keys.Signer(keys.key_id(IO), PRIVATE))
