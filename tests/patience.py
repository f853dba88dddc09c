"""How long a test may take: when its time is over it fails, and the others of its worker go on.

What waits in the event loop is cancelled, so that it puts its things away and nothing of it runs on behind
the next test; whatever waits outside of the loop is interrupted by the signal of pytest-timeout, a little
later.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

LATER = 4 / 3
"""So much more time passes before what could not be cancelled is interrupted, its report made meanwhile."""


def bounded(test: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    """Return the same test, cancelled and failed with `TimeoutError` after so many seconds."""

    @functools.wraps(test)
    async def within(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(seconds):
            await test(*args, **kwargs)

    return within


def _seconds(item: pytest.Function) -> float:
    """What the test itself asks for, else what holds for all; 0 for no bound."""
    marker = item.get_closest_marker("timeout")
    own = (marker.args[0] if marker.args else marker.kwargs.get("timeout")) if marker is not None else None
    common = item.config.getoption("timeout", None)
    return float(next(each for each in (own, common, item.config.getini("timeout"), 0) if each is not None))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound every test that runs in the event loop."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            if (seconds := _seconds(item)) > 0:
                item.obj = bounded(item.obj, seconds)
                item.add_marker(pytest.mark.timeout(seconds * LATER), append=False)
