"""Process-wide tuning: what the garbage collector skips, memory that returns to the system, imports."""

import ctypes
import gc
import mmap
import subprocess
import sys
import weakref
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from insights_exporter.runtime import freeze_gc, hide_modules, trim_heap

LIBRARY = "library_with_an_optional_module"
COUNT, SIZE = 400, 100_000
MAX_SHARE = 0.5
"""How much of the freed memory may stay."""

BLOCKS = (30_000_000, 20_000_000)
"""After the first one, glibc keeps a smaller block such as the second."""
IN_A_THREAD = f"""
from concurrent.futures import ThreadPoolExecutor
from insights_exporter.runtime import tune_malloc, trim_heap
from tests.test_runtime import resident

def work():
    for size in {BLOCKS}:
        bytes([1]) * size

tune_malloc()
with ThreadPoolExecutor(1) as threads:
    threads.submit(int).result()
    before = resident()
    threads.submit(work).result()
    trim_heap()
    print(resident() - before)
"""
BELOW_ANOTHER = f"""
from insights_exporter.runtime import tune_malloc
from tests.test_runtime import resident

tune_malloc()
bytes([1]) * {BLOCKS[0]}
before = resident()
block = bytes([1]) * {BLOCKS[1]}
above = bytes([1]) * {SIZE}
del block
print(resident() - before)
"""

needs_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc trims")


@pytest.fixture
def collector() -> Iterator[None]:
    """Restore the garbage collector after the test."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * mmap.PAGESIZE


@pytest.mark.usefixtures("collector")
def test_present_objects_are_excluded_from_collection() -> None:
    """All present objects become permanent."""
    freeze_gc()

    assert gc.get_freeze_count() > len(gc.get_objects())


@pytest.mark.usefixtures("collector")
def test_frozen_garbage_is_collected_on_request() -> None:
    """Only with `collect` is a cycle freed that became garbage after it was frozen."""
    node = Node()
    freed = weakref.ref(node)
    freeze_gc()
    del node
    gc.collect()
    assert freed() is not None

    freeze_gc(collect=True)

    assert freed() is None


@needs_glibc
def test_memory_below_a_used_block_is_returned() -> None:
    """Freed blocks return to the system although the one above them is in use."""
    before = resident()
    blocks = [bytes([1]) * SIZE for _ in range(COUNT)]
    last = bytes([1]) * SIZE
    blocks.clear()
    trim_heap()

    assert SIZE == len(last)
    assert resident() - before < MAX_SHARE * COUNT * SIZE


@needs_glibc
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(IN_A_THREAD, id="freed-by-another-thread-and-trimmed"),
        pytest.param(BELOW_ANOTHER, id="large-and-below-a-used-one"),
    ],
)
def test_freed_blocks_are_returned(program: str) -> None:
    """With malloc's options, freed memory returns to the system wherever it was."""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert float(done.stdout) < MAX_SHARE * BLOCKS[-1]


def test_hidden_modules_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hidden module is missing in the block only; one that is already loaded stays."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{LIBRARY}.py").touch()

    with hide_modules(LIBRARY, "gc"):
        assert gc is import_module("gc")
        with pytest.raises(ModuleNotFoundError):
            import_module(LIBRARY)

    assert LIBRARY == import_module(LIBRARY).__name__
