"""The instance's secret: 32 random bytes in a file that only its owner may read.

It seals the private keys in the database and signs form tokens. Without it the keys cannot be opened, so it
belongs in every backup.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

NAME: Final = "secret.key"
LENGTH: Final = 32


class SecretProblem(Exception):
    """The secret can be neither read nor made; the text is one sentence."""


def load_secret(data_dir: Path) -> bytes:
    """Return the secret, made on the first call; callers at the same moment get the same one."""
    path = data_dir / NAME
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        raise SecretProblem(f"The file {path} cannot be used: {error.strerror or error}.") from error
    if len(secret) != LENGTH:
        raise SecretProblem(
            f"The file {path} must hold {LENGTH} bytes and holds {len(secret)}; bring it back from a backup."
        )
    return secret


def _make(path: Path) -> None:
    # Written aside and linked into place: the file appears whole or not at all, and the first one stays.
    draft = path.with_name(f"{NAME}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
