"""The snapshot: all that is served now, immutable."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from insights_exporter.exposition.family import Family
from insights_exporter.exposition.headers import names
from insights_exporter.exposition.render import Chunk

Source = tuple[str, str, str]
"""Where a chunk comes from: deployment, dataset, window; the last two may be empty."""

Chunks = Mapping[str, Mapping[Source, Chunk]]
"""The chunks of one family by deployment and source, both in sorted order."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The chunks of all families, which are shown in the order given here."""

    families: Sequence[Family]
    chunks: Mapping[str, Chunks]
    """By the family's name; the same object as long as nothing in it changed."""

    @classmethod
    def empty(cls, families: Sequence[Family]) -> Self:
        """Return a snapshot without any chunk, for these families."""
        return cls(families, {family.name: {} for family in families})

    def replaced(self, changes: Mapping[tuple[Family, Source], Chunk | None]) -> Self:
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
        gone: dict[tuple[Family, Source], None] = {
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
            self, families=[family for family in self.families if not names(family).isdisjoint(wanted)]
        )


def _by_family(
    changes: Mapping[tuple[Family, Source], Chunk | None],
) -> Mapping[str, Mapping[Source, Chunk | None]]:
    grouped: dict[str, dict[Source, Chunk | None]] = {}
    for (family, source), chunk in changes.items():
        grouped.setdefault(family.name, {})[source] = chunk
    return grouped


def _changed(chunks: Chunks, changes: Mapping[Source, Chunk | None]) -> Chunks:
    """Return the chunks of a family, changed; the same object if all is as before."""
    touched: dict[str, Mapping[Source, Chunk]] = {}
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


def _changes_nothing(present: Chunk | None, chunk: Chunk | None) -> bool:
    return present is None if chunk is None else chunk.same_as(present)


def _with(present: Mapping[Source, Chunk], source: Source, chunk: Chunk | None) -> Mapping[Source, Chunk]:
    if chunk is None:
        return {key: value for key, value in present.items() if key != source}
    changed = {**present, source: chunk}
    return changed if source in present else dict(sorted(changed.items()))


def _only(chunks: Chunks, wanted: Collection[str]) -> Chunks:
    if all(deployment in wanted for deployment in chunks):
        return chunks
    return {deployment: of_it for deployment, of_it in chunks.items() if deployment in wanted}
