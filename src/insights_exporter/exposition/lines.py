"""Sample lines: many rows of one sample name become text."""

from collections.abc import Sequence
from dataclasses import dataclass

from insights_exporter.exposition.samples import Columns, Row
from insights_exporter.exposition.spelling import escaped, spelled_all


@dataclass(frozen=True, slots=True)
class Shape:
    """What the lines of one sample name have in common.

    A line is a gap, a label value, a gap, a label value, ..., a gap, a value.
    `order` tells which of a row's label values comes in which place.
    """

    gaps: tuple[str, ...]
    order: tuple[int, ...]


def shape(name: str, labels: Sequence[str], deployment: str) -> Shape:
    """Return the shape of a sample name's lines, labels sorted by name.

    Where the first label is `deployment`, it is the same in all lines.
    """
    fixed = {"deployment": escaped(deployment)} if labels[:1] == ("deployment",) else {}
    free = labels[len(fixed) :]
    gaps, gap = [], f"{name}{{" if labels else name
    for label in sorted(labels):
        gap += f'{label}="'
        if label not in fixed:
            gaps.append(gap)
            gap = ""
        gap += f'{fixed.get(label, "")}",'
    gaps.append(f"{gap[:-1]}}} " if labels else f"{gap} ")
    return Shape(tuple(gaps), tuple(sorted(range(len(free)), key=free.__getitem__)))


def encoded(shape: Shape, columns: Columns) -> bytes:
    """Return the lines of rows whose label values may hold anything, as UTF-8."""
    labels = (column if _is_plain(column) else [*map(escaped, column)] for column in columns.labels)
    return utf8(written(shape, Columns(tuple(labels), columns.values)))


def lines(shape: Shape, rows: Sequence[Row]) -> list[str]:
    """Return one line a row; label values are escaped already."""
    return [f"{line}\n" for line in written(shape, Columns.of(rows)).split("\n")[:-1]]


def written(shape: Shape, columns: Columns) -> str:
    """Return the lines of all rows; label values are escaped already.

    All gaps and values are laid out in a row and joined at once, which takes
    half the time of making each line.

    Raises:
        ValueError: a row has not one value a label.
    """
    if not columns:
        return ""
    if len(columns.labels) != len(shape.order):
        message = f"{len(columns.labels)} label values where there are {len(shape.order)} labels"
        raise ValueError(message)
    line = [part for gap in shape.gaps for part in (gap, "")]
    parts = [*line, "\n"] * len(columns)
    width = len(line) + 1
    for place, index in enumerate(shape.order):
        parts[2 * place + 1 :: width] = columns.labels[index]
    parts[len(line) - 1 :: width] = spelled_all(columns.values)
    return "".join(parts)


def utf8(text: str) -> bytes:
    """Return text as UTF-8; a lone surrogate, which it cannot hold, becomes `?`."""
    return text.encode("utf-8", "replace")


def _is_plain(texts: Sequence[str]) -> bool:
    """Return whether nothing in the texts has to be escaped."""
    together = "".join(texts)
    return not ("\\" in together or '"' in together or "\n" in together)
