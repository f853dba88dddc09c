"""Of two audiences, and of two kinds of group, what both let read."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest

from fediverse_support.domain.actors import GroupKind
from fediverse_support.domain.audiences import narrower, narrower_kind
from fediverse_support.domain.posts import Audience

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
KINDS: tuple[GroupKind, ...] = get_args(GroupKind)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("public", "unlisted", "unlisted"),
        ("public", "group", "group"),
        ("unlisted", "followers", "followers"),
        ("followers", "direct", "direct"),
        ("followers", "group", "direct"),
        ("group", "direct", "direct"),
        ("public", "public", "public"),
    ],
)
def test_of_two_audiences_the_narrower_counts(one: Audience, other: Audience, both: Audience) -> None:
    assert narrower(one, other) == narrower(other, one) == both


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("home", "open", "home"),
        ("home", "home-open", "home"),
        ("home", "circle", "home"),
        ("home-open", "circle", "home"),
        ("home-open", "open", "home-open"),
        ("circle", "open", "circle"),
        ("open", "open", "open"),
    ],
)
def test_of_two_kinds_the_narrower_counts(one: GroupKind, other: GroupKind, both: GroupKind) -> None:
    assert narrower_kind(one, other) == narrower_kind(other, one) == both


@pytest.mark.parametrize(("of", "all_of"), [(narrower, AUDIENCES), (narrower_kind, KINDS)])
def test_it_does_not_matter_in_which_order_they_are_compared(of: Any, all_of: tuple[str, ...]) -> None:
    for one, other, third in itertools.product(all_of, repeat=3):
        assert of(of(one, other), third) == of(one, of(other, third))
        assert of(one, other) == of(other, one)
        assert of(one, one) == one
