"""Memory that is no longer needed."""

import ctypes

_C_LIBRARY = ctypes.CDLL(None)
_M_ARENA_MAX = -8


def held_in_one_place() -> None:
    """Have all threads get memory from one place: glibc's `malloc_trim` gives the ends of others not back.

    Has to be called before there are other threads.
    """
    tune = getattr(_C_LIBRARY, "mallopt", None)
    if tune:
        tune(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return free memory to the system, where the C library (glibc) would keep it for the next large poll."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)
