"""Bundles: neighbouring chunks that are sent, and compressed, together.

Thousands of small chunks would be slow to send and compress badly; one piece
for all would have to be made anew at every change. So neighbours are put
together up to about `_ENOUGH` bytes, and where a bundle ends depends on the
bytes in it alone: a change touches its own bundle and leaves the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from insights_exporter.exposition.render import Chunk
from insights_exporter.exposition.snapshot import Source

_ENOUGH = 1 << 17


class Bundle(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One run of neighbouring chunks; the same object as long as they are the same.

    `ends` tells that nothing may follow. That is as likely as the bundle is
    large, and decided by the CRC-32 of its last chunk.
    """

    chunks: tuple[Chunk, ...]
    run: int
    size: int
    ends: bool


Leaf = Sequence[Sequence[Bundle]]
"""What one deployment has of a family: for each run its bundles."""


def leaf(sources: Mapping[Source, Chunk], runs: int, previous: Leaf = ()) -> Leaf:
    """Bundle one deployment's chunks, with the previous bundles where nothing changed."""
    filled = [chunk for chunk in sources.values() if chunk.series]
    known = {(bundle.run, bundle.chunks): bundle for bundles in previous for bundle in bundles}
    return tuple(
        tuple(known.get((run, chunks)) or _bundle(chunks, run) for chunks in _neighbours(filled, run))
        for run in range(runs)
    )


def grouped(bundles: Iterable[Bundle]) -> Iterator[tuple[Bundle, ...]]:
    """Put neighbours together; a bundle that is large enough stays alone, and is never copied."""
    group: list[Bundle] = []
    for bundle in bundles:
        if bundle.size >= _ENOUGH and group:
            yield tuple(group)
            group = []
        group.append(bundle)
        if bundle.ends:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def joined(group: Iterable[Bundle]) -> bytes:
    """Return the bytes of all bundles; of a single chunk the very same object."""
    return b"".join([chunk.runs[bundle.run] for bundle in group for chunk in bundle.chunks])


def _neighbours(chunks: Iterable[Chunk], run: int) -> Iterator[tuple[Chunk, ...]]:
    for group in grouped(_bundle((chunk,), run) for chunk in chunks):
        yield tuple(chunk for bundle in group for chunk in bundle.chunks)


def _bundle(chunks: tuple[Chunk, ...], run: int) -> Bundle:
    size = sum(len(chunk.runs[run]) for chunk in chunks)
    return Bundle(chunks, run, size, ends=chunks[-1].crcs[run] % _ENOUGH < size)
