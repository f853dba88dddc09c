"""Errands: work that is written down beside its cause and done later, each kind by a step of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

JobKind = Literal["mail", "housekeeping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """An errand to be written down, due at a time.

    Of a `lane` one errand is done at a time, first what was due first. Of a `cause` no second errand of the
    kind is written while the first waits. `payload` holds ids and codes, never what a person wrote.
    """

    kind: JobKind
    lane: str
    cause: str
    due_at: datetime
    payload: Mapping[str, str | int]
