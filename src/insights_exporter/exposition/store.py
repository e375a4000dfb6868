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
    def empty(cls, families: Sequence[MetricFamily]) -> Self:
        """Return a snapshot without any series, for these families."""
        return cls(families, {family.name: {} for family in families})

    def updated(self, changes: Changes) -> Self:
        """Return a snapshot with these changes; the same object if they change nothing.

        A part that holds the same bytes as the present one changes nothing.

        Raises:
            KeyError: a family is none of this snapshot's.
        """
        for name in changes.keys() - self.parts.keys():
            message = f"{name}: no such family in this snapshot; add it to the families of its dataset"
            raise KeyError(message)
        updated = {name: _update(self.parts[name], new) for name, new in changes.items()}
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


def _update(parts: SourceFamilies, changes: Mapping[Source, RenderedFamily | None]) -> SourceFamilies:
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

    def at(self, now: float) -> Self | None:
        """Return what is left of the entry at a time; None if it has expired."""
        if now < self.next_end:
            return self
        if now >= self.expires:
            return None
        lasting = tuple(each for each in self.families if not each.family.expires_at_midnight)
        return msgspec.structs.replace(self, families=lasting, day_is_over=True)


_Group = tuple[str, str]
"""Dataset and window."""


class MetricStore(Generic[T]):
    """The entries of one deployment.

    Above `max_series` whole families are kept, but not exposed.
    """

    def __init__(self, max_series: int) -> None:
        self.next_end = math.inf
        """The time at which the next entry changes by itself."""
        self._max_series = max_series
        self._entries: dict[_Group, dict[Source, StoreEntry[T]]] = {}
        self._series: dict[_Group, Counter[MetricFamily]] = {}
        self._ends: dict[_Group, float] = {}
        self._dropped: frozenset[MetricFamily] = frozenset()

    def entries(self, dataset: str) -> Mapping[Source, StoreEntry[T]]:
        """Return the entries of a dataset, over all its windows."""
        groups = (entries for (name, _), entries in self._entries.items() if name == dataset)
        return {source: entry for entries in groups for source, entry in entries.items()}

    def window_entries(self, dataset: str, window: str) -> Mapping[Source, StoreEntry[T]]:
        """Return the entries of a dataset and window."""
        return self._entries.get((dataset, window), {})

    def replace(
        self, entries: Mapping[Source, StoreEntry[T]], now: float, gone: Iterable[Source] = ()
    ) -> Changes:
        """Replace the entries of their sources, and remove those of the sources `gone`."""
        updates: dict[Source, StoreEntry[T] | None] = dict.fromkeys(gone)
        updates |= {source: entry.at(now) for source, entry in entries.items()}
        return self._apply(updates)

    def expire(self, now: float) -> Changes:
        """Remove what has ended."""
        ended = [group for group, end in self._ends.items() if end <= now]
        return self._apply(
            {
                source: entry.at(now)
                for group in ended
                for source, entry in self._entries[group].items()
                if entry.next_end <= now
            }
        )

    def clear(self) -> Changes:
        """Remove everything."""
        return self._apply(dict.fromkeys(source for group in self._entries.values() for source in group))

    def exposed_series(self, dataset: str, window: str) -> int:
        """Return the number of series that a dataset and window expose."""
        series = self._series.get((dataset, window), Counter[MetricFamily]())
        return sum(count for family, count in series.items() if family not in self._dropped)

    def dropped_series(self, dataset: str, window: str) -> int:
        """Return the number of series of a dataset and window that are above `max_series`."""
        series = self._series.get((dataset, window), Counter[MetricFamily]())
        return sum(count for family, count in series.items() if family in self._dropped)

    def _apply(self, updates: Mapping[Source, StoreEntry[T] | None]) -> Changes:
        changes: dict[str, dict[Source, RenderedFamily | None]] = {}
        for source, entry in updates.items():
            group = source[1], source[2]
            entries, series = self._entries.setdefault(group, {}), self._series.setdefault(group, Counter())
            before = entries.pop(source, None)
            for part in before.families if before else ():
                series[part.family] -= part.series
                changes.setdefault(part.family.name, {})[source] = None
            if entry:
                entries[source] = entry
                for part in entry.families:
                    series[part.family] += part.series
                    changes.setdefault(part.family.name, {})[source] = part
        for group in {(source[1], source[2]) for source in updates}:
            ends = (entry.next_end for entry in self._entries[group].values())
            self._ends[group] = min(ends, default=math.inf)
        self.next_end = min(self._ends.values(), default=math.inf)
        return self._drop(changes)

    def _drop(self, changes: dict[str, dict[Source, RenderedFamily | None]]) -> Changes:
        """Decide again which families are above the limit, and remove them from the changes."""
        before = self._dropped
        total: Counter[MetricFamily] = sum(self._series.values(), Counter())
        self._dropped = families_to_drop(total, self._max_series)
        for family in before - self._dropped:
            changes[family.name] = {**changes.get(family.name, {}), **self._parts(family)}
        for family in self._dropped - before:
            changes[family.name] = dict.fromkeys((*changes.get(family.name, ()), *self._parts(family)))
        for family in self._dropped & before:
            changes.pop(family.name, None)
        return changes

    def _parts(self, family: MetricFamily) -> dict[Source, RenderedFamily]:
        return {
            source: part
            for entries in self._entries.values()
            for source, entry in entries.items()
            for part in entry.families
            if part.family is family
        }


def families_to_drop(series: Mapping[MetricFamily, int], max_series: int) -> frozenset[MetricFamily]:
    """Return the families of a deployment to drop so that the others are at most `max_series`.

    Whole families are dropped, in their `drop_order`, and no more of them than
    needed; if all of them are not enough, the others are exposed nevertheless.
    """
    total = sum(series.values())
    dropped: set[MetricFamily] = set()
    used = [family for family, count in series.items() if count]
    candidates = [(family.drop_order, family) for family in used if family.drop_order is not None]
    for order in sorted({order for order, _ in candidates}):
        if total <= max_series:
            break
        families = [family for each, family in candidates if each == order]
        dropped.update(families)
        total -= sum(series[family] for family in families)
    return frozenset(dropped)
