"""What every stage of the pipeline is handed, and what a handler gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from federation.uris import Host, Uri
from fediverse_support.domain.effects import Effect
from fediverse_support.domain.facts import Facts
from fediverse_support.domain.ids import PostId
from fediverse_support.domain.instance import Instance
from fediverse_support.domain.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One activity on its way: where, when, what is known and what was decided.

    `post_id` is the row id chosen beforehand for a post of ours. `stored` are the new posts, by URI, that
    were stored together before its turn, its own among them unless it was known; None where none were.
    """

    instance: Instance
    now: datetime
    facts: Facts
    verdict: Verdict
    post_id: PostId | None = None
    stored: Mapping[Uri, PostId] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a handler did: the effects it wants, and the post it is about."""

    effects: tuple[Effect, ...] = ()
    post_id: PostId | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an activity, and what was known of it. `hosts` are the lanes that have work now."""

    facts: Facts
    verdict: Verdict
    change: Change = Change()
    hosts: frozenset[Host] = frozenset()
