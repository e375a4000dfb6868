"""Rendered families by source: entries that expire, by deployment, and immutable snapshots of all."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

import msgspec

from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.text import RenderedFamily, is_selected

Source = tuple[str, str, str, str]
"""Where series come from: deployment, dataset, window, subject; all but the first may be empty."""

Changes = Mapping[str, Mapping[Source, RenderedFamily | None]]
"""Rendered families to expose by family name and source, None for those to remove."""

SourceFamilies = Mapping[str, Mapping[Source, RenderedFamily]]
"""One family's rendered parts by deployment and source, both in sorted order."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rendered parts of all families, which are exposed in the order of `families`."""

    families: Sequence[MetricFamily]
    parts: Mapping[str, SourceFamilies]
    """By the family's name; the same object as long as nothing in it changed."""

    @classmethod
    def create_empty(cls, families: Sequence[MetricFamily]) -> Self:
        """Return a snapshot without any series, for these families."""
        return cls(families, {family.name: {} for family in families})

    def apply(self, changes: Changes) -> Self:
        """Return a snapshot with these changes; the same object if they change nothing.

        A part that holds the same bytes as the present one changes nothing.

        Raises:
            KeyError: a family is none of this snapshot's.
        """
        for name in changes.keys() - self.parts.keys():
            message = f"{name}: no such family in this snapshot; add it to the families of its dataset"
            raise KeyError(message)
        updated = {name: _change_family(self.parts[name], new) for name, new in changes.items()}
        if all(parts is self.parts[name] for name, parts in updated.items()):
            return self
        return replace(self, parts={**self.parts, **updated})

    def filter_deployments(self, wanted: Collection[str]) -> Self:
        """Return a snapshot with these deployments alone."""
        parts = {
            name: {deployment: parts for deployment, parts in sources.items() if deployment in wanted}
            for name, sources in self.parts.items()
        }
        return replace(self, parts=parts)

    def filter_names(self, wanted: Collection[str]) -> Self:
        """Return a snapshot with the families that have, or one of whose samples has, such a name."""
        families = [family for family in self.families if is_selected(family, wanted)]
        return replace(self, families=families)


def _change_family(parts: SourceFamilies, changes: Mapping[Source, RenderedFamily | None]) -> SourceFamilies:
    """Return the parts of a family, changed; the same object if nothing changed."""
    by_deployment: dict[str, dict[Source, RenderedFamily | None]] = {}
    for source, part in changes.items():
        present = parts.get(source[0], {}).get(source)
        if present is not part and not (present and part and part.has_same_bytes(present)):
            by_deployment.setdefault(source[0], {})[source] = part
    if not by_deployment:
        return parts
    touched = {name: _merge(parts.get(name, {}), new) for name, new in by_deployment.items()}
    result = {name: parts for name, parts in {**parts, **touched}.items() if parts}
    return result if touched.keys() <= parts.keys() else dict(sorted(result.items()))


def _merge(
    present: Mapping[Source, RenderedFamily], changes: Mapping[Source, RenderedFamily | None]
) -> Mapping[Source, RenderedFamily]:
    merged = {source: part for source, part in {**present, **changes}.items() if part}
    return merged if changes.keys() <= present.keys() else dict(sorted(merged.items()))


class StoreEntry(msgspec.Struct, Generic[T], frozen=True, kw_only=True, gc=False):
    """What one source exposes, until when, and what else is known of it.

    Times are those of the event loop. At `day_ends` the families that name a
    day are removed; `day_is_over` is true from then on.
    """

    families: tuple[RenderedFamily, ...]
    expires: float
    day_ends: float = math.inf
    day_is_over: bool = False
    details: T

    @property
    def next_end(self) -> float:
        """The time of the next change: the end of the day or of the entry."""
        return self.expires if self.day_is_over else min(self.expires, self.day_ends)

    def keep_unexpired(self, now: float) -> Self | None:
        """Return what is left of the entry at a time; None if it has expired."""
        if now < self.next_end:
            return self
        if now >= self.expires:
            return None
        lasting = tuple(each for each in self.families if not each.family.expires_at_midnight)
        return msgspec.structs.replace(self, families=lasting, day_is_over=True)


class MetricStore(Generic[T]):
    """The entries of one deployment.

    Above `max_series` whole families are kept, but not exposed.
    """

    def __init__(self, max_series: int) -> None:
        self.next_end = math.inf
        """The time at which the next entry changes by itself."""
        self._max_series = max_series
        self._entries: dict[Source, StoreEntry[T]] = {}
        self._dropped: frozenset[MetricFamily] = frozenset()

    def find_entries(self, dataset: str, window: str | None = None) -> Mapping[Source, StoreEntry[T]]:
        """Return the entries of a dataset in a window, or over all its windows."""
        return {
            source: entry
            for source, entry in self._entries.items()
            if source[1] == dataset and window in (None, source[2])
        }

    def replace(
        self, entries: Mapping[Source, StoreEntry[T]], now: float, gone: Iterable[Source] = ()
    ) -> Changes:
        """Replace the entries of their sources, and remove those of the sources `gone`."""
        updates: dict[Source, StoreEntry[T] | None] = dict.fromkeys(gone)
        updates |= {source: entry.keep_unexpired(now) for source, entry in entries.items()}
        return self._apply(updates)

    def expire(self, now: float) -> Changes:
        """Remove what has ended."""
        ended = {source: entry for source, entry in self._entries.items() if entry.next_end <= now}
        return self._apply({source: entry.keep_unexpired(now) for source, entry in ended.items()})

    def clear(self) -> Changes:
        """Remove everything."""
        return self._apply(dict.fromkeys(self._entries))

    def count_series(self, dataset: str, window: str) -> tuple[int, int]:
        """Return how many series a dataset and window expose, and how many `max_series` drops."""
        series = _count_by_family(self.find_entries(dataset, window).values())
        dropped = sum(series[family] for family in self._dropped)
        return series.total() - dropped, dropped

    def _apply(self, updates: Mapping[Source, StoreEntry[T] | None]) -> Changes:
        changes: dict[str, dict[Source, RenderedFamily | None]] = {}
        for source, entry in updates.items():
            before = self._entries.pop(source, None)
            for part in before.families if before else ():
                changes.setdefault(part.family.name, {})[source] = None
            for part in entry.families if entry else ():
                changes.setdefault(part.family.name, {})[source] = part
            if entry:
                self._entries[source] = entry
        self.next_end = min((entry.next_end for entry in self._entries.values()), default=math.inf)
        return self._drop(changes)

    def _drop(self, changes: dict[str, dict[Source, RenderedFamily | None]]) -> Changes:
        """Decide again which families are above the limit, and remove all parts of those."""
        before = self._dropped
        self._dropped = select_families_to_drop(_count_by_family(self._entries.values()), self._max_series)
        for family in before & self._dropped:
            changes.pop(family.name, None)
        for family in before ^ self._dropped:
            parts = changes.get(family.name, {}) | self._list_parts(family)
            changes[family.name] = dict.fromkeys(parts) if family in self._dropped else parts
        return changes

    def _list_parts(self, family: MetricFamily) -> dict[Source, RenderedFamily | None]:
        return {
            source: part
            for source, entry in self._entries.items()
            for part in entry.families
            if part.family is family
        }


def _count_by_family(entries: Iterable[StoreEntry[T]]) -> Counter[MetricFamily]:
    series = Counter[MetricFamily]()
    for entry in entries:
        for part in entry.families:
            series[part.family] += part.series
    return series


def select_families_to_drop(series: Mapping[MetricFamily, int], max_series: int) -> frozenset[MetricFamily]:
    """Return the families of a deployment to drop so that the others are at most `max_series`.

    Whole families are dropped, in their `drop_order`, and no more of them than
    needed; if all of them are not enough, the others are exposed nevertheless.
    """
    total = sum(series.values())
    dropped: set[MetricFamily] = set()
    for order in sorted({family.drop_order for family in series if family.drop_order is not None}):
        if total <= max_series:
            break
        families = {family for family, count in series.items() if count and family.drop_order == order}
        dropped |= families
        total -= sum(series[family] for family in families)
    return frozenset(dropped)
