"""Free memory goes back to the system."""

import ctypes
import mmap
from pathlib import Path

import pytest

from insights_exporter.polling.memory import give_back

PIECES, PIECE = 400, 100_000
MOST = 0.5
"""How much of what was freed may stay."""


def resident() -> int:
    """Give the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps it")
def test_memory_below_what_is_still_used_is_given_back() -> None:
    """Pieces that were freed leave, though one behind them stays."""
    before = resident()
    pieces = [bytes([1]) * PIECE for _ in range(PIECES)]
    last = bytes([1]) * PIECE
    pieces.clear()
    give_back()

    assert len(last) == PIECE
    assert resident() - before < MOST * PIECES * PIECE


def test_it_may_be_asked_for_at_any_time() -> None:
    """Also where there is nothing to give."""
    give_back()
    give_back()
