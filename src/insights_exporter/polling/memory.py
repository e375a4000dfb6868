"""Memory that is no longer needed."""

import ctypes

_C_LIBRARY = ctypes.CDLL(None)


def give_back() -> None:
    """Return free memory to the system, where the C library (glibc) would keep it for the next large poll."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)
