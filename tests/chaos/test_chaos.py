"""Parts are killed, stopped and hidden at random under load; afterwards every promise is kept, by itself.

`make chaos` plays it for ten minutes on each kind of database. `CHAOS_SEED` plays a printed seed again,
`CHAOS_SECONDS` says how long.
"""

from __future__ import annotations

import asyncio
import os
import secrets

import pytest

from tests.chaos import checks, plans
from tests.chaos.load import Listening, Load
from tests.chaos.site import Site

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1800)]

KINDS = pytest.mark.parametrize("given", [False, True], ids=["embedded", "given"])
SHORT_SEED = 7
SHORT_SECONDS = 6.0


async def play(given: bool, seed: int, seconds: float, longest: float) -> None:
    """Play one seed on one kind of database, and check."""
    plan = plans.draw(seed, seconds, inner_wires=given, longest=longest)
    print(f"\nCHAOS_SEED={seed} CHAOS_SECONDS={seconds:g}", *plan, sep="\n  ", flush=True)
    world = Listening()
    await world.open()
    site = Site(given, world.port)
    load = Load(site, world)
    try:
        await site.open()
        await load.settle_in()
        caring = asyncio.create_task(site.look_after_given())
        loading = asyncio.create_task(load.goes_on())
        await _let_happen(load, plan, seconds)
        load.is_over = True
        await asyncio.gather(loading)
        assert len(load.came_in) > seconds / 4 and load.written, "there was no load"
        print(f"{len(load.came_in)} came in, {len(load.written)} were written", flush=True)
        await _is_well(load, seed)
        for which in ("first", "second"):  # what waited under a rule goes on without it
            await load.decide(plans.Fault(seconds, "rule", ("clear", which)))
        await _is_well(load, seed)
        assert (await checks.told(load), seed) == ("", seed)
        assert all(process.poll() is None for process in site.processes), "a server ended"
    finally:
        said = await site.close()
        await world.close()
    await caring
    assert "Traceback" not in said, said[-6000:]


async def _is_well(load: Load, seed: int) -> None:
    if wrong := await checks.settled(load):
        print(await checks.lanes(load), load.site.logs()[-4000:], sep="\n", flush=True)
    assert (wrong, seed) == ("", seed)


async def _let_happen(load: Load, plan: list[plans.Fault], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for fault in plan:
        await asyncio.sleep(max(0.0, began + fault.at - loop.time()))
        if fault.what == "rule":
            await load.decide(fault)
        else:
            load.site.happens(fault)
    await asyncio.sleep(max(0.0, began + seconds - loop.time()))
    await load.site.settle()


@KINDS
async def test_a_few_faults_break_no_promise(given: bool) -> None:
    await play(given, SHORT_SEED, SHORT_SECONDS, longest=1.5)


@pytest.mark.chaos
@KINDS
async def test_ten_minutes_of_faults_break_no_promise(given: bool) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or secrets.randbelow(1_000_000) + 1
    await play(given, seed, float(os.environ.get("CHAOS_SECONDS", "600")), longest=8.0)


def test_a_seed_draws_the_same_plan_again() -> None:
    one, again = (plans.draw(3, 600, inner_wires=True) for _ in range(2))
    assert one == again != plans.draw(4, 600, inner_wires=True)
    assert {fault.what for fault in one} == {"kill", "stop", "hang", "drop", "rule"}
    names = {name for fault in one for name in fault.whom}
    assert names >= {*plans.PARTS, *plans.INNER_WIRES, *plans.OUTER_WIRES}
    assert any(len(fault.whom) == 2 for fault in one if fault.what == "kill")
