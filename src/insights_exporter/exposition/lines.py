"""Sample lines: many rows of one sample name become text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from insights_exporter.exposition.samples import Row
from insights_exporter.exposition.spelling import escaped, spelled_all

_Writer = Callable[..., list[str]]


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


def encoded(shape: Shape, rows: Sequence[Row]) -> bytes:
    """Return the lines of rows whose label values may hold anything, as UTF-8."""
    together = "".join(chain.from_iterable(labels for labels, _ in rows))
    if any(mark in together for mark in '\\\n"'):  # hardly ever
        rows = [(tuple(map(escaped, labels)), value) for labels, value in rows]
    return utf8(lines(shape, rows))


def lines(shape: Shape, rows: Sequence[Row]) -> list[str]:
    """Return one line a row; label values are escaped already."""
    return _writer(shape.order)(rows, spelled_all([value for _, value in rows]), *shape.gaps)


def utf8(parts: Iterable[str]) -> bytes:
    """Return text as UTF-8; a lone surrogate, which it cannot hold, becomes `?`."""
    return "".join(parts).encode("utf-8", "replace")


@cache
def _writer(order: tuple[int, ...]) -> _Writer:
    """Compile the loop that writes lines with label values in this order.

    An f-string of known shape is built twice as fast as any template is
    filled in; the code depends on nothing but the places of the labels.
    """
    gaps = [f"gap{place}" for place in range(len(order) + 1)]
    labels = "".join(f"label{index}," for index in range(len(order)))
    line = "".join(f"{{{gap}}}{{label{index}}}" for gap, index in zip(gaps, order, strict=False))
    source = (
        f"lambda rows, values, {','.join(gaps)}:"
        f" [f'{line}{{{gaps[-1]}}}{{value}}\\n' for (({labels}), _), value in zip(rows, values)]"
    )
    writer: _Writer = eval(source)  # noqa: S307 - the source is made of numbers alone
    return writer
