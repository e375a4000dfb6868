"""What only the garbage collector could free."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def list_uncollected(*modules: str) -> Iterator[list[str]]:
    """Fill a list with the types, of these modules, of all that held itself when the block had ended."""
    flags, found = gc.get_debug(), list[str]()
    gc.disable()
    gc.freeze()  # what existed before need not be searched
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        types = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage)
        found += [name for name in types if name.startswith(modules)]
    finally:
        gc.garbage.clear()
        gc.set_debug(flags)
        gc.unfreeze()
        gc.enable()
