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
_SWITCH_INTERVAL = 0.0002  # seconds
_C_LIBRARY = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC_OPTIONS = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: 1 << 20, _M_TRIM_THRESHOLD: 16 << 20}


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
    """Let the event loop interrupt a converting thread after 0.2 ms, not 5 ms.

    A scrape may wait this long several times ("Scrapes during a poll every second").
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)


def tune_malloc() -> None:
    """Set the options of glibc's malloc ("Memory over many polls", "Growth").

    All threads share one arena, since `malloc_trim` trims only that. Blocks of 1 MiB or more return to the
    system when they are freed: glibc would raise that limit to the size of the largest one and fragment the
    heap with them. To keep some free memory below the limit costs less than to request it for each poll.

    Call it before other threads exist. It does nothing without glibc.
    """
    tune = getattr(_C_LIBRARY, "mallopt", None)
    if tune:
        for option, value in _MALLOC_OPTIONS.items():
            tune(option, value)


def trim_heap() -> None:
    """Return free memory, which glibc would keep, to the system ("Memory over many polls")."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)


@contextmanager
def hide_modules(*names: str) -> Iterator[None]:
    """Let imports in the block proceed as if `names` were not installed ("Startup").

    Libraries load optional modules whether they are needed or not: httpx
    those of its command line, structlog those of colored tracebacks.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
