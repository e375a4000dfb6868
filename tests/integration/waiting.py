"""Waiting for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Found = TypeVar("Found")

PAUSE = 0.02
"""Seconds between two looks at a condition."""


def eventually(
    condition: Callable[[], Found],
    seconds: float = 30.0,
    *,
    ignoring: tuple[type[Exception], ...] = (),
) -> Found:
    """Return the first truthy value of `condition`.

    Exceptions in `ignoring` count as not yet.

    Raises:
        AssertionError: it stayed falsy for `seconds`; names the last value.
    """
    deadline = time.monotonic() + seconds
    while True:
        last: object = None
        try:
            found = condition()
        except ignoring as problem:
            last = problem
        else:
            if found:
                return found
            last = found
        if time.monotonic() >= deadline:
            message = f"not within {seconds:g} s: {_name(condition)}; last seen: {last!r}"
            raise AssertionError(message)
        time.sleep(PAUSE)


@overload
async def eventually_async(condition: Callable[[], Awaitable[Found]], seconds: float = 30.0) -> Found: ...


@overload
async def eventually_async(condition: Callable[[], Found], seconds: float = 30.0) -> Found: ...


async def eventually_async(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return the first truthy value of `condition`, awaited if necessary, without blocking the event loop.

    Raises:
        AssertionError: it stayed falsy for `seconds`; names the last value.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        found = await value if inspect.isawaitable(value) else value
        if found:
            return found
        if time.monotonic() >= deadline:
            message = f"not within {seconds:g} s: {_name(condition)}; last seen: {found!r}"
            raise AssertionError(message)
        await asyncio.sleep(PAUSE)


def _name(condition: Callable[[], object]) -> str:
    """Return the name and location of a condition."""
    code = getattr(condition, "__code__", None)
    return f"{condition.__name__} at {code.co_filename}:{code.co_firstlineno}" if code else repr(condition)
