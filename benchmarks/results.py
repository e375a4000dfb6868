"""Results of the benchmarks, tables and verdicts, and how they are rendered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, the value reached, and whether the target is met."""

    target: str
    reached: str
    met: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One topic: a table whose first row contains the column names, notes and verdicts."""

    title: str
    table: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    verdicts: Sequence[Verdict] = field(default_factory=tuple)


def render(machine: str, sections: Sequence[Section]) -> str:
    """Return all results as a Markdown document."""
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    rows = [("target", "reached", "met")]
    rows += [(each.target, each.reached, "yes" if each.met else "**no**") for each in verdicts]
    parts = ["# Results", _PREFACE, machine]
    parts += ["## Targets", render_table(rows)] if verdicts else []
    for section in sections:
        parts += [f"## {section.title}", render_table(section.table), *section.notes]
    return "\n\n".join(parts) + "\n"


def format_ms(seconds: float) -> str:
    """Return a duration as text, in milliseconds."""
    return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms"


def format_mb(size: float) -> str:
    """Return a number of bytes as text, in megabytes."""
    return f"{size / 1e6:.{1 if size < 1e7 else 0}f} MB"


def format_ratio(one: float, other: float) -> str:
    """Return the ratio of two numbers as text."""
    return f"{one / other:.{2 if one < 10 * other else 0}f}"


def render_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first row contains the column names."""
    first, *others = rows
    lines = [first, ["---"] * len(first), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PREFACE = """\
Written by `make bench`. All programs ran on the same machine and served the same series over the loopback
interface. Programs that are compared received requests in turn. Times are medians unless stated otherwise.
Ratios are more significant than times, because all programs are slower or faster on other machines."""
