"""Process-wide tuning: garbage collector, allocator, threads, imports.

Each function names the section of benchmarks/RESULTS.md that it serves.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (10_000, 20, 100_000)
"""The last one keeps collections of all objects rare; with hundreds of deployments each takes 0.1 s."""
_SWITCH_INTERVAL = 0.001
_C_LIBRARY = ctypes.CDLL(None)
_M_ARENA_MAX = -8


def freeze_gc(*, collect: bool = False) -> None:
    """Exclude all present objects from garbage collection ("Scrapes during a poll every second").

    With `collect`, objects that became garbage since the last call are collected before.
    """
    if collect:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def shorten_switch_interval() -> None:
    """Let the event loop interrupt a converting thread after 1 ms, not 5 ms.

    It serves "Scrapes during a poll every second".
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)


def limit_malloc_arenas() -> None:
    """Let all threads share one malloc arena, since `malloc_trim` trims only that ("Memory over many polls").

    Call it before other threads exist. It does nothing without glibc.
    """
    tune = getattr(_C_LIBRARY, "mallopt", None)
    if tune:
        tune(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return free memory, which glibc would keep, to the system ("Memory over many polls")."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)


@contextmanager
def hide_modules(*names: str) -> Iterator[None]:
    """Let imports in the block proceed as if `names` were not installed ("Startup").

    Libraries load optional modules whether they are needed or not: httpx
    those of its command line, structlog those of coloured tracebacks.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
