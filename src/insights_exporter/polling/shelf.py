"""What a deployment serves now, with its ceiling on series.

Pure bookkeeping: every change gives the chunks that differ on the page.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from insights_exporter.exposition.family import Family
from insights_exporter.exposition.limits import withheld
from insights_exporter.exposition.render import Chunk
from insights_exporter.exposition.snapshot import Source

Changes = dict[tuple[Family, Source], Chunk | None]
"""Chunks to show, and None for those to take away."""


class Shelf:
    """The rendered data of one deployment, by where they come from.

    Above `ceiling` series whole families stay on the shelf but off the page.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._chunks: dict[Source, dict[Family, Chunk]] = {}
        self._withheld: frozenset[str] = frozenset()

    def put(self, source: Source, chunks: Mapping[Family, Chunk]) -> Changes:
        """Replace all that `source` serves."""
        gone = dict.fromkeys(self._chunks.get(source, {}))
        self._chunks[source] = dict(chunks)
        return self._changes(source, gone | dict(chunks))

    def families(self, source: Source) -> tuple[Family, ...]:
        """Name the families that `source` serves."""
        return tuple(self._chunks.get(source, ()))

    def drop(self, source: Source, families: Iterable[Family]) -> Changes:
        """Take away the `families` of `source`."""
        served = self._chunks.get(source, {})
        gone = [family for family in families if family in served]
        for family in gone:
            del served[family]
        return self._changes(source, dict.fromkeys(gone))

    def clear(self) -> Changes:
        """Take everything away."""
        gone = {(family, source): None for source, chunks in self._chunks.items() for family in chunks}
        self._chunks.clear()
        return dict(gone)

    def series(self, source: Source) -> int:
        """Count the series that `source` has on the page."""
        return self._count(source, on_page=True)

    def dropped(self, source: Source) -> int:
        """Return the number of series of `source` that the ceiling drops."""
        return self._count(source, on_page=False)

    def _count(self, source: Source, *, on_page: bool) -> int:
        chunks = self._chunks.get(source, {})
        return sum(
            chunk.series for family, chunk in chunks.items() if (family.name not in self._withheld) is on_page
        )

    def _changes(self, source: Source, touched: Mapping[Family, Chunk | None]) -> Changes:
        before, self._withheld = self._withheld, withheld(self._series_by_family(), self._ceiling)
        changes: Changes = {
            (family, source): chunk if family.name not in self._withheld else None
            for family, chunk in touched.items()
        }
        turned = before ^ self._withheld
        if turned:
            for other, chunks in self._chunks.items():
                for family, chunk in chunks.items():
                    if family.name in turned:
                        changes[family, other] = None if family.name in self._withheld else chunk
        return changes

    def _series_by_family(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for chunks in self._chunks.values():
            for family, chunk in chunks.items():
                counts[family.name] += chunk.series
        return counts
