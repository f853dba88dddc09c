"""Which release this is; the package's metadata are made from it."""

from __future__ import annotations

from typing import Final

PACKAGE: Final = "fediverse-support"
VERSION: Final = "0.1.0"
