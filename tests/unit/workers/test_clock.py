"""A year of the clock: every chore comes round at its own times, and none twice."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from fediverse_support.workers import clock
from fediverse_support.workers.clock import CHORES, Chore

NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)
A_YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
SOME = (
    Chore("housekeeping", HOUR),
    Chore("mail", timedelta(days=1), after=timedelta(hours=8, minutes=30)),
)


def times(chore: Chore, since: datetime, until: datetime) -> list[datetime]:
    """Return when a chore comes round in a span, counted out by hand."""
    at, found = datetime(2030, 12, 31, tzinfo=UTC) + chore.after, []
    while at < until:
        if at >= since:
            found.append(at)
        at += chore.every
    return found


def stepped(step: timedelta | None, chores: tuple[Chore, ...]) -> dict[str, list[datetime]]:
    """Let a year pass, from one moment to the next or by even steps, and return what was due when."""
    now = NEW_YEAR
    done: dict[str, datetime] = {each.kind: NEW_YEAR for each in chores}
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    while True:
        now = clock.next_at(now, chores) if step is None else now + step
        if now >= NEW_YEAR + A_YEAR:
            return found
        for moment in clock.due(now, done, chores):
            done[moment.chore.kind] = moment.at
            found[moment.chore.kind].append(moment.at)


def test_in_a_year_every_chore_is_due_at_its_times_and_none_twice() -> None:
    for chores in (CHORES, SOME):
        found = stepped(None, chores)
        for chore in chores:
            assert found[chore.kind] == times(chore, NEW_YEAR + timedelta(seconds=1), NEW_YEAR + A_YEAR)


def test_looking_between_the_moments_changes_nothing() -> None:
    found = stepped(timedelta(minutes=7), SOME)
    for chore in SOME:
        due = times(chore, NEW_YEAR + timedelta(seconds=1), NEW_YEAR + A_YEAR - timedelta(minutes=7))
        assert found[chore.kind][: len(due)] == due


def test_of_what_was_missed_only_the_newest_is_made_up_for() -> None:
    now = NEW_YEAR + timedelta(days=3, minutes=5)
    [moment] = clock.due(now, {"housekeeping": NEW_YEAR}, SOME[:1])
    assert moment.at == NEW_YEAR + timedelta(days=3)
    assert clock.due(now, {"housekeeping": moment.at}, SOME[:1]) == []


def test_a_chore_that_was_never_done_is_due_at_once() -> None:
    assert [moment.chore for moment in clock.due(NEW_YEAR, {}, SOME)] == list(SOME)


def test_a_clock_that_ran_ahead_stops_no_chore() -> None:
    ahead = NEW_YEAR + timedelta(days=400)
    [moment] = clock.due(NEW_YEAR, {"housekeeping": ahead}, SOME[:1])
    assert moment.at == NEW_YEAR
    # A clock that is a little behind another's does nothing twice.
    assert clock.due(NEW_YEAR - timedelta(minutes=5), {"housekeeping": NEW_YEAR}, SOME[:1]) == []
