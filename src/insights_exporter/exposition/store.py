"""Rendered families by source, the series limit, and immutable snapshots of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.text import RenderedFamily, sample_names

Source = tuple[str, str, str]
"""Where a chunk comes from: deployment, dataset, window; the last two may be empty."""

Chunks = Mapping[str, Mapping[Source, RenderedFamily]]
"""The chunks of one family by deployment and source, both in sorted order."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The chunks of all families, which are shown in the order given here."""

    families: Sequence[MetricFamily]
    chunks: Mapping[str, Chunks]
    """By the family's name; the same object as long as nothing in it changed."""

    @classmethod
    def empty(cls, families: Sequence[MetricFamily]) -> Self:
        """Return a snapshot without any chunk, for these families."""
        return cls(families, {family.name: {} for family in families})

    def replaced(self, changes: Mapping[tuple[MetricFamily, Source], RenderedFamily | None]) -> Self:
        """Return a snapshot with these chunks put in, or taken out where there is none.

        A chunk that holds the same bytes as the present one changes nothing;
        if none changes anything, it is this very snapshot that is returned.

        Raises:
            KeyError: a family is none of this snapshot's.
        """
        by_family = _by_family(changes)
        for name in by_family.keys() - self.chunks.keys():
            message = f"{name}: no such family in this snapshot; declare it in the table it is made from"
            raise KeyError(message)
        changed = {name: _changed(self.chunks[name], new) for name, new in by_family.items()}
        if all(chunks is self.chunks[name] for name, chunks in changed.items()):
            return self
        return replace(self, chunks={**self.chunks, **changed})

    def without(self, deployment: str) -> Self:
        """Return a snapshot that has nothing of this deployment."""
        gone: dict[tuple[MetricFamily, Source], None] = {
            (family, source): None
            for family in self.families
            for source in self.chunks[family.name].get(deployment, ())
        }
        return self.replaced(gone)

    def of_deployments(self, wanted: Collection[str]) -> Self:
        """Return a snapshot with these deployments alone."""
        return replace(self, chunks={name: _only(chunks, wanted) for name, chunks in self.chunks.items()})

    def named(self, wanted: Collection[str]) -> Self:
        """Return a snapshot with the families that have, or one of whose samples has, such a name."""
        return replace(
            self, families=[family for family in self.families if not sample_names(family).isdisjoint(wanted)]
        )


def _by_family(
    changes: Mapping[tuple[MetricFamily, Source], RenderedFamily | None],
) -> Mapping[str, Mapping[Source, RenderedFamily | None]]:
    grouped: dict[str, dict[Source, RenderedFamily | None]] = {}
    for (family, source), chunk in changes.items():
        grouped.setdefault(family.name, {})[source] = chunk
    return grouped


def _changed(chunks: Chunks, changes: Mapping[Source, RenderedFamily | None]) -> Chunks:
    """Return the chunks of a family, changed; the same object if all is as before."""
    touched: dict[str, Mapping[Source, RenderedFamily]] = {}
    for source, chunk in changes.items():
        deployment = source[0]
        present = touched.get(deployment, chunks.get(deployment, {}))
        if not _changes_nothing(present.get(source), chunk):
            touched[deployment] = _with(present, source, chunk)
    if not touched:
        return chunks
    result = {**chunks, **touched}
    for deployment in [name for name, inner in touched.items() if not inner]:
        del result[deployment]
    return result if touched.keys() <= chunks.keys() else dict(sorted(result.items()))


def _changes_nothing(present: RenderedFamily | None, chunk: RenderedFamily | None) -> bool:
    return present is None if chunk is None else chunk.same_as(present)


def _with(
    present: Mapping[Source, RenderedFamily], source: Source, chunk: RenderedFamily | None
) -> Mapping[Source, RenderedFamily]:
    if chunk is None:
        return {key: value for key, value in present.items() if key != source}
    changed = {**present, source: chunk}
    return changed if source in present else dict(sorted(changed.items()))


def _only(chunks: Chunks, wanted: Collection[str]) -> Chunks:
    if all(deployment in wanted for deployment in chunks):
        return chunks
    return {deployment: of_it for deployment, of_it in chunks.items() if deployment in wanted}


_FIRST_TO_GO: Sequence[tuple[str, ...]] = (
    ("coder_insights_template_parameter_workspaces",),
    ("coder_insights_user_latency_seconds",),
    ("coder_insights_user_activity_seconds",),
    ("coder_insights_parameter_workspaces",),
    ("coder_insights_template_app_usage_seconds", "coder_insights_template_app_times_used"),
)


def families_to_drop(series_by_family: Mapping[str, int], ceiling: int) -> frozenset[str]:
    """Return the families of a deployment to leave out so that the rest fits under the ceiling.

    Whole families go, in a fixed order, and no more of them than needed; if
    all of them together are not enough, the rest is shown nevertheless.
    """
    total = sum(series_by_family.values())
    gone: set[str] = set()
    for families in _FIRST_TO_GO:
        if total <= ceiling:
            break
        present = [name for name in families if series_by_family.get(name)]
        gone.update(present)
        total -= sum(series_by_family[name] for name in present)
    return frozenset(gone)


Changes = dict[tuple[MetricFamily, Source], RenderedFamily | None]
"""Chunks to show, and None for those to take away."""


class MetricStore:
    """The rendered data of one deployment, by where they come from.

    Above `ceiling` series whole families stay on the shelf but off the page.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._chunks: dict[Source, dict[MetricFamily, RenderedFamily]] = {}
        self._withheld: frozenset[str] = frozenset()

    def put(self, source: Source, chunks: Mapping[MetricFamily, RenderedFamily]) -> Changes:
        """Replace all that `source` serves."""
        gone = dict.fromkeys(self._chunks.get(source, {}))
        self._chunks[source] = dict(chunks)
        return self._changes(source, gone | dict(chunks))

    def families(self, source: Source) -> tuple[MetricFamily, ...]:
        """Name the families that `source` serves."""
        return tuple(self._chunks.get(source, ()))

    def drop(self, source: Source, families: Iterable[MetricFamily]) -> Changes:
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

    def _changes(self, source: Source, touched: Mapping[MetricFamily, RenderedFamily | None]) -> Changes:
        before, self._withheld = self._withheld, families_to_drop(self._series_by_family(), self._ceiling)
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
