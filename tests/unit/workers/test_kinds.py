"""The table of errands: every kind that can be written down can be done, and none is tried for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from fediverse_support.domain.jobs import JobKind
from fediverse_support.workers.clock import CHORES
from fediverse_support.workers.errands.kinds import KINDS


def test_every_kind_that_can_be_written_down_stands_in_the_table_once() -> None:
    assert sorted(kind.name for kind in KINDS) == sorted(get_args(JobKind))
    assert {chore.kind for chore in CHORES} <= {kind.name for kind in KINDS}


def test_a_chore_is_given_up_before_it_comes_round_again() -> None:
    waits = {kind.name: sum(kind.waits, timedelta()) for kind in KINDS}
    for chore in CHORES:
        assert waits[chore.kind] < chore.every


def test_a_mail_is_tried_for_a_week_and_never_left_for_long() -> None:
    [mail] = [kind for kind in KINDS if kind.name == "mail"]
    assert timedelta(days=6, hours=20) < sum(mail.waits, timedelta()) < timedelta(days=7)
    assert max(mail.waits) <= timedelta(hours=3) and mail.waits == tuple(sorted(mail.waits))


def test_a_try_ends_by_itself() -> None:
    assert all(0 < kind.seconds <= 1800 and kind.at_once > 0 for kind in KINDS)
