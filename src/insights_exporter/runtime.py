"""Process-wide tuning: garbage collector, allocator, threads."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (10_000, 20, 100_000)
"""All objects are looked through once in that many polls: with hundreds of deployments it takes 0.1 s."""
_YOUNG = 1


@contextmanager
def gc_paused() -> Iterator[None]:
    """Look for no reference cycles meanwhile, and then at once through what is new.

    Converting makes hundreds of thousands of objects and not one cycle; to
    look through them again and again takes half as long as all the rest.
    What stays of them must not pile up either. Python looks when more has
    come than gone, but data come as older ones go: by then a hundred polls'
    objects would have to be looked through while a scrape waits.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()
            gc.collect(_YOUNG)


def freeze_gc(*, collect: bool = False) -> None:
    """Take all objects that there are now for permanent: no scrape waits until all are looked through.

    `collect` collects before what has become garbage since the last call.
    """
    if collect:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


_SWITCH_INTERVAL = 0.001


def shorten_switch_interval() -> None:
    """Let the event loop run 1 ms after a converting thread took over, not after Python's 5 ms."""
    sys.setswitchinterval(_SWITCH_INTERVAL)


_C_LIBRARY = ctypes.CDLL(None)
_M_ARENA_MAX = -8


def limit_malloc_arenas() -> None:
    """Have all threads get memory from one place: glibc's `malloc_trim` gives the ends of others not back.

    Has to be called before there are other threads.
    """
    tune = getattr(_C_LIBRARY, "mallopt", None)
    if tune:
        tune(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return free memory to the system, where the C library (glibc) would keep it for the next large poll."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)
