"""Free memory goes back to the system."""

import ctypes
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from insights_exporter.runtime import trim_heap

PIECES, PIECE = 400, 100_000
MOST = 0.5
"""How much of what was freed may stay."""

LARGE_ONES = (30_000_000, 20_000_000)
"""The first has glibc take the second, which is smaller, for one that is worth keeping."""
IN_A_THREAD = f"""
from concurrent.futures import ThreadPoolExecutor
from insights_exporter.runtime import limit_malloc_arenas, trim_heap
from tests.test_runtime_memory import resident

def work():
    for size in {LARGE_ONES}:
        bytes([1]) * size

limit_malloc_arenas()
with ThreadPoolExecutor(1) as threads:
    threads.submit(int).result()
    before = resident()
    threads.submit(work).result()
    trim_heap()
    print(resident() - before)
"""


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc keeps it")
def test_memory_below_what_is_still_used_is_given_back() -> None:
    """Pieces that were freed leave, though one behind them stays."""
    before = resident()
    pieces = [bytes([1]) * PIECE for _ in range(PIECES)]
    last = bytes([1]) * PIECE
    pieces.clear()
    trim_heap()

    assert len(last) == PIECE
    assert resident() - before < MOST * PIECES * PIECE


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has several places")
def test_threads_get_memory_from_one_place() -> None:
    """What a thread freed leaves too, though it stands at the end of what was free."""
    done = subprocess.run([sys.executable, "-c", IN_A_THREAD], check=True, capture_output=True, text=True)

    assert float(done.stdout) < MOST * LARGE_ONES[-1]


def test_it_may_be_asked_for_at_any_time() -> None:
    """Also where there is nothing to give."""
    trim_heap()
    trim_heap()
