"""What errands are handed: everything that waits for the world outside, which nothing else gets."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_support.adapters.mailer import Mailer
from fediverse_support.deps import Deps


@dataclass(frozen=True, slots=True)
class Outside:
    """Made once, in `wiring`, for the process of the workers."""

    deps: Deps
    mailer: Mailer
