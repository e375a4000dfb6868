"""Python's garbage collector, kept out of work that makes no garbage of its kind."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no reference cycles meanwhile.

    Converting makes hundreds of thousands of objects and not one cycle; to
    look through them again and again takes half as long as all the rest.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()
