"""What a process uses, and what kind of machine this is; as Linux tells."""

import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_ALONE = 0.5
_USER, _SYSTEM = 11, 12  # places in /proc/PID/stat, counted behind the command's name


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, to a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def main_thread_seconds(pid: int) -> float:
    """Return the processor time of a process' first thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9


def children(pid: int) -> list[int]:
    """Return the processes that a process' first thread started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Return the most bytes of memory that a process held since it started, or since `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Reset `peak`."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the line through the logarithms: 1 is linear."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    products = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return products / sum((x - middle_x) ** 2 for x in xs)


def machine() -> str:
    """Describe this machine in a line."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    shared = ", so it was shared with other programs" if load > _ALONE else ""
    return (
        f"Machine: {os.cpu_count()} x {models[0] if models else platform.machine()}, {memory:.0f} GB, "
        f"Linux {platform.release()}, Python {platform.python_version()}; "
        f"load {load:.1f} at the beginning{shared}."
    )


def _status(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)
