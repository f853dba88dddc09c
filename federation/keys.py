"""RSA and Ed25519 keys: make, load, write down, seal for storage.

Our own keys are trusted and load fast; a peer's key is an input like any other and is bounded before it is
used.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from federation import uris
from federation.errors import Unauthentic
from federation.uris import Uri

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS: Final = 2048
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_EXPONENT: Final = 65537
MAX_EXPONENT: Final = 2**64
"""A larger public exponent would let a peer make us compute for long; nobody honest uses one."""
MAX_PEM: Final = 16 * 1024
PEM: Final = re.compile(
    r"\s*-----BEGIN (?P<label>(?:RSA )?PUBLIC KEY)-----[A-Za-z0-9+/=\s]{1,16384}-----END (?P=label)-----\s*\Z"
)
PKCS1: Final = padding.PKCS1v15()
SHA256: Final = hashes.SHA256()
SHA512: Final = hashes.SHA512()
ED25519_PREFIX: Final = b"\xed\x01"
"""Multicodec of an Ed25519 public key (FEP-521a)."""
BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MULTIKEY: Final = re.compile(rf"z[{BASE58}]{{46,48}}\Z")
SEAL_VERSION: Final = b"\x01"
SEAL_NONCE: Final = 12
SEAL_PURPOSE: Final = b"federation.keys: private key at rest"


@dataclass(frozen=True, slots=True)
class PublicKeyHandle:
    """A loaded public key within our bounds, ready to verify."""

    kind: Literal["rsa", "ed25519"]
    key: RSAPublicKey | Ed25519PublicKey

    def is_signature(self, signature: bytes, message: bytes, *, sha512: bool = False) -> bool:
        """Say whether `signature` over `message` was made with this key's private half.

        The key alone chooses the algorithm: RSASSA-PKCS1-v1_5 with SHA-256 (SHA-512 on request), or Ed25519.
        """
        try:
            if isinstance(self.key, RSAPublicKey):
                self.key.verify(signature, message, PKCS1, SHA512 if sha512 else SHA256)
            else:
                self.key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs an outgoing request: the id under which peers find the public key, and the loaded private
    key."""

    key_id: Uri
    private: PrivateKey

    def __repr__(self) -> str:
        """Show the id only; a key has no place in a log."""
        return f"Signer({self.key_id!r})"


def make_rsa() -> bytes:
    """Return a new RSA-2048 private key as unencrypted PKCS#8 PEM."""
    return private_pem(generate_private_key(public_exponent=MIN_EXPONENT, key_size=RSA_BITS))


def make_ed25519() -> bytes:
    """Return a new Ed25519 private key as unencrypted PKCS#8 PEM."""
    return private_pem(Ed25519PrivateKey.generate())


def private_pem(private: PrivateKey) -> bytes:
    """Return the unencrypted PKCS#8 PEM of a private key; seal it before it is stored."""
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private(pem: bytes) -> PrivateKey:
    """Load one of our own keys; raise `ValueError` for anything but RSA or Ed25519.

    The costly consistency check (57 ms for RSA) is skipped, so this must never see a key somebody else wrote.
    """
    private = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, (RSAPrivateKey, Ed25519PrivateKey)):
        raise ValueError("neither an RSA nor an Ed25519 private key")
    return private


def public_pem(private: PrivateKey) -> str:
    """Return the public half as SPKI PEM with `\\n` line ends and one at the end."""
    spki = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spki.decode("ascii")


def load_public(pem: str) -> PublicKeyHandle:
    """Load a peer's key; raise `Unauthentic("bad_key")`, `"key_too_small"` unless it is one we verify with.

    Accepted: one PEM block of at most 16 KiB, SPKI or PKCS#1; RSA of 2048 to 8192 bits with an odd exponent
    from 65537 on; Ed25519.
    """
    if len(pem) > MAX_PEM or not PEM.match(pem):
        raise Unauthentic("bad_key", "not one PEM block of a public key")
    try:
        key = serialization.load_pem_public_key(pem.strip().encode("ascii"))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Unauthentic("bad_key", "unreadable") from error
    if isinstance(key, Ed25519PublicKey):
        return PublicKeyHandle("ed25519", key)
    if not isinstance(key, RSAPublicKey):
        raise Unauthentic("bad_key", "kind")
    if key.key_size < MIN_RSA_BITS:
        raise Unauthentic("key_too_small")
    if key.key_size > MAX_RSA_BITS:
        raise Unauthentic("bad_key", "size")
    exponent = key.public_numbers().e
    if not MIN_EXPONENT <= exponent < MAX_EXPONENT or exponent % 2 == 0:
        raise Unauthentic("bad_key", "exponent")
    return PublicKeyHandle("rsa", key)


def multibase(private: Ed25519PrivateKey) -> str:
    """Return the public half as a Multikey (`z6Mk…`), as FEP-521a writes it."""
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    number = int.from_bytes(ED25519_PREFIX + raw, "big")
    text = ""
    while number:
        number, digit = divmod(number, len(BASE58))
        text = BASE58[digit] + text
    return f"z{text}"


def load_multibase(text: str) -> PublicKeyHandle:
    """Load a peer's Ed25519 Multikey; raise `Unauthentic("bad_key")` for anything else."""
    # Decoding is quadratic, so the length comes first; an Ed25519 Multikey has 48 characters.
    if not MULTIKEY.match(text):
        raise Unauthentic("bad_key", "not an Ed25519 Multikey")
    number = 0
    for character in text[1:]:
        number = number * len(BASE58) + BASE58.index(character)
    if number.bit_length() > 34 * 8:
        raise Unauthentic("bad_key", "not an Ed25519 Multikey")
    raw = number.to_bytes(34, "big")
    if not raw.startswith(ED25519_PREFIX):
        raise Unauthentic("bad_key", "not an Ed25519 Multikey")
    return PublicKeyHandle("ed25519", Ed25519PublicKey.from_public_bytes(raw[2:]))


def key_id(actor_uri: Uri) -> Uri:
    """Return the id of an actor's signing key. It has a fragment because Lemmy cuts there to find the
    actor."""
    return Uri(f"{uris.without_fragment(actor_uri)}#main-key")


def seal(private_pem: bytes, secret: bytes) -> bytes:
    """Encrypt a private key for storage under the instance's secret (at least 16 bytes; AES-256-GCM)."""
    nonce = os.urandom(SEAL_NONCE)
    return SEAL_VERSION + nonce + _cipher(secret).encrypt(nonce, private_pem, SEAL_PURPOSE)


def unseal(sealed: bytes, secret: bytes) -> bytes:
    """Return what `seal` was given; raise `ValueError` where the secret is another or the bytes were
    changed."""
    if sealed[:1] != SEAL_VERSION or len(sealed) < 1 + SEAL_NONCE + 16:
        raise ValueError("not a sealed key")
    nonce = sealed[1 : 1 + SEAL_NONCE]
    try:
        return _cipher(secret).decrypt(nonce, sealed[1 + SEAL_NONCE :], SEAL_PURPOSE)
    except InvalidTag as error:
        raise ValueError("the sealed key does not open with this secret") from error


def _cipher(secret: bytes) -> AESGCM:
    if len(secret) < 16:
        raise ValueError("a secret for sealing keys needs at least 16 bytes")
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=SEAL_PURPOSE).derive(secret)
    return AESGCM(derived)
