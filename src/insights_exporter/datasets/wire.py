"""The two kinds of objects that answers are made of.

All numbers are floats: `3.0` for an integer and integers of any size are
normal then, and a gauge holds nothing else.
"""

import msgspec


class WireRow(msgspec.Struct, frozen=True, gc=False):
    """One of many alike: where it cannot be understood, it alone is left out."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What holds the rows: every field may be absent, but its lists must be lists."""
