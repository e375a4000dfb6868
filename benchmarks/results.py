"""Results of the benchmarks, tables and verdicts, and how they are rendered."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
MEBIBYTE = 1 << 20
_HEAD = """\
# Results

Written by `make bench` and `make collectors`. All programs ran on the same machine and served the same series
over the loopback interface. Programs that are compared received requests in turn. Times are medians unless
stated otherwise. Ratios are more significant than times, because all programs are slower or faster on other
machines."""
_TARGETS = "Targets"
_TARGET_COLUMNS = ("section", "target", "reached", "met")


Table = Sequence[Sequence[str]]


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
    table: Table
    notes: Sequence[str] = ()
    verdicts: Sequence[Verdict] = field(default_factory=tuple)


def record(output: Path, section: Section) -> None:
    """Add or replace a section in a file of results, which need not exist."""
    earlier = output.read_text(encoding="utf-8") if output.exists() else ""
    output.write_text(update(earlier, [section]), encoding="utf-8")


def update(text: str, sections: Sequence[Section]) -> str:
    """Return the Markdown document of earlier results, with these sections added or replaced."""
    earlier = _split(text)
    targets = parse_table(earlier.pop(_TARGETS, ""))[1:]
    new = {each.title: each for each in sections}
    bodies = earlier | {title: _render_body(each) for title, each in new.items()}
    rows: list[Sequence[str]] = [_TARGET_COLUMNS]
    for title in bodies:
        rows += _render_verdicts(new[title]) if title in new else [row for row in targets if row[0] == title]
    parts = {_TARGETS: render_table(rows), **bodies}
    return f"{_HEAD}\n" + "".join(f"\n## {title}\n\n{body}\n" for title, body in parts.items())


def read_tables(text: str) -> Mapping[str, Table]:
    """Return the table of each section of such a document, by title; the first row has the column names."""
    return {title: parse_table(body) for title, body in _split(text).items()}


def parse_table(text: str) -> Table:
    """Return the cells of a Markdown table; all other lines are ignored."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in row) for row in rows]
    return [row for row in cells if set(row) != {"---"}]


def find_cell(tables: Mapping[str, Table], section: str, row: str, column: int = 1) -> str:
    """Return a cell of the row that begins with this text.

    Raises:
        LookupError: There is no such row.
    """
    for cells in tables.get(section, ()):
        if cells[0] == row:
            return cells[column]
    raise LookupError(f"{RESULTS.name} has no row {section}: {row}")


def _split(text: str) -> dict[str, str]:
    """Return the text of each section by its title."""
    sections = (part.partition("\n\n") for part in text.split("\n## ")[1:])
    return {title: body.strip() for title, _, body in sections}


def _render_body(section: Section) -> str:
    return "\n\n".join((render_table(section.table), *section.notes))


def _render_verdicts(section: Section) -> Table:
    return [
        (section.title, each.target, each.reached, "yes" if each.met else "**no**")
        for each in section.verdicts
    ]


def format_ms(seconds: float) -> str:
    """Return a duration as text, in milliseconds."""
    return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms"


def format_mib(size: float) -> str:
    """Return a number of bytes as text, in mebibytes, as the kernel and Kubernetes count memory."""
    return f"{size / MEBIBYTE:.{1 if size < 100 * MEBIBYTE else 0}f} MiB"


def format_ratio(one: float, other: float) -> str:
    """Return the ratio of two numbers as text."""
    return f"{one / other:.{2 if one < 10 * other else 0}f}"


def group_digits(text: str) -> str:
    """Return the text with commas in numbers of four or more digits."""
    return re.sub(r"\d{4,}", lambda number: f"{int(number[0]):,}", text)


def render_table(rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first row contains the column names."""
    first, *others = rows
    lines = [first, ["---"] * len(first), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
