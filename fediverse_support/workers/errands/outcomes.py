"""What became of an errand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, or there is nothing left to do. `then` is called once that is written down."""

    then: Callable[[], None] = nothing


@dataclass(frozen=True, slots=True)
class Later:
    """It could not be done now; `error` is a code. Where `of_all`, no other of its kind could be either."""

    error: str
    of_all: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """It will not go by itself, however often it is tried; `error` is a code."""

    error: str


Outcome = Done | Later | Never
