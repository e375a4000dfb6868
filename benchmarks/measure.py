"""Resource usage of a process, and a description of the machine, from Linux's /proc."""

import math
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # places in /proc/PID/stat, counted from the field after the command name


def read_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process in seconds, with a resolution of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def read_main_thread_seconds(pid: int) -> float:
    """Return the CPU time of a process's main thread in seconds, with a resolution of 1 ns."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9


def list_children(pid: int) -> list[int]:
    """Return the PIDs of the processes started by a process's main thread."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def read_resident(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    return _read_status(pid, "VmRSS")


def read_peak(pid: int) -> int:
    """Return the peak resident memory of a process since its start or `reset_peak`, in bytes."""
    return _read_status(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    """Reset the value of `read_peak` to the current memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


def compute_slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the regression line on log-log axes; 1 means linear growth."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    products = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
    return products / sum((x - middle_x) ** 2 for x in xs)


def describe_machine() -> str:
    """Return a one-line description of this machine and of the day."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    load = os.getloadavg()[0]
    processor = f"{os.cpu_count()} x {models[0] if models else platform.machine()}"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {processor}, {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}; "
        f"load average {load:.1f} in the minute before."
    )


def _read_status(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)
