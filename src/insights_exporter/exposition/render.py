"""Samples become bytes: the lines of one family from one place."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import cast

import msgspec
from isal import isal_zlib

from insights_exporter.exposition.family import Family, Kind
from insights_exporter.exposition.lines import encoded, lines, shape, utf8
from insights_exporter.exposition.samples import Columns, DistributionRow, Row, Samples
from insights_exporter.exposition.spelling import escaped, spelled

# Rows at a time: their lines then stay in the processor's cache, and other
# threads get their turn between two slices.
_SLICE = 2000


class Chunk(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The sample lines of one family from one place.

    `runs` are its stretches of bytes, without HELP and TYPE: one for most
    kinds, the same in both formats; several for a gauge histogram.
    `headers.layout` tells which format shows which runs. `crcs` are their
    CRC-32; `series` is what Prometheus would count.
    """

    runs: tuple[bytes, ...]
    crcs: tuple[int, ...]
    series: int

    def same_as(self, other: "Chunk | None") -> bool:
        """Return whether both hold the same bytes."""
        return other is not None and self.crcs == other.crcs and self.runs == other.runs


def render(samples: Samples, deployment: str) -> Chunk:
    """Return the lines of all samples, as prometheus_client would print them.

    Raises:
        ValueError: a row has not one value a label, or not one count a bucket.
    """
    runs = _RUNS[samples.family.kind](samples, deployment)
    return Chunk(runs, tuple(map(isal_zlib.crc32, runs)), samples.series)


def _plain(samples: Samples, deployment: str) -> tuple[bytes, ...]:
    family, rows = samples.family, cast("Sequence[Row] | Columns", samples.rows)
    line = shape(family.name, family.labels, deployment)
    text = BytesIO()  # holds everything once, where a list of slices would have to be joined
    for at in range(0, len(rows), _SLICE):
        some = rows[at : at + _SLICE]
        text.write(encoded(line, some if isinstance(some, Columns) else Columns.of(some)))
    return (text.getvalue(),)


def _histogram(samples: Samples, deployment: str) -> tuple[bytes, ...]:
    *_, together = _distributions(samples, deployment, count="_count", total="_sum")
    return (together,)


def _gauge_histogram(samples: Samples, deployment: str) -> tuple[bytes, ...]:
    return _distributions(samples, deployment, count="_gcount", total="_gsum")


def _distributions(samples: Samples, deployment: str, *, count: str, total: str) -> tuple[bytes, ...]:
    """Return the buckets, the counts, the sums, and all three row by row."""
    family = samples.family
    rows = [
        (tuple(map(escaped, labels)), value)
        for labels, value in cast("Sequence[DistributionRow]", samples.rows)
    ]

    def written(suffix: str, flat: Sequence[Row], extra: tuple[str, ...] = ()) -> list[str]:
        return lines(shape(family.name + suffix, (*family.labels, *extra), deployment), flat)

    buckets = written("_bucket", _bucket_rows(family, rows), ("le",))
    counts = written(count, [(labels, value.counts[-1]) for labels, value in rows])
    totals = written(total, [(labels, value.total) for labels, value in rows])
    width = len(family.bounds) + 1
    together = [
        line
        for n in range(len(rows))
        for line in (*buckets[n * width : (n + 1) * width], counts[n], totals[n])
    ]
    return tuple(utf8("".join(part)) for part in (buckets, counts, totals, together))


def _bucket_rows(family: Family, rows: Sequence[DistributionRow]) -> list[Row]:
    bounds = [*map(spelled, family.bounds), "+Inf"]
    return [
        ((*labels, bound), count)
        for labels, value in rows
        for bound, count in zip(bounds, value.counts, strict=True)
    ]


_RUNS: Mapping[Kind, Callable[[Samples, str], tuple[bytes, ...]]] = {
    "gauge": _plain,
    "counter": _plain,
    "histogram": _histogram,
    "gaugehistogram": _gauge_histogram,
}
