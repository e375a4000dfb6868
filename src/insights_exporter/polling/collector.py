"""Python's garbage collector, kept from looking through what is no garbage of its kind."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (10_000, 20, 20)
"""Some ten times the usual ones: objects of a request are gone before they are looked at."""


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


def collector_calmed(*, afresh: bool = False) -> None:
    """Take all objects that there are now for permanent: no scrape waits until all are looked through.

    `afresh` collects before what has become garbage since the last call.
    """
    if afresh:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
