"""The page: ready-made bodies of a snapshot, for both formats and gzip.

Two neighbouring snapshots share nearly all their bytes, so each family's block
is made from the previous page's wherever its chunks are the same.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from insights_exporter.exposition.bundles import Leaf, grouped, joined, leaf
from insights_exporter.exposition.deflate import GZIP_HEADER, Piece, joined_crc, piece
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.formats import Format
from insights_exporter.exposition.headers import layout
from insights_exporter.exposition.snapshot import Chunks, Snapshot

_SMALL = 1 << 16
"""Segments below this many bytes are joined with their neighbours."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body up to its tail, as it is and as the beginning of a gzip member."""

    segments: tuple[bytes, ...]
    packed: tuple[bytes, ...]
    length: int
    crc: int


@dataclass(frozen=True, slots=True)
class Block:
    """One family's part of a page, and what it was made of, for the next one.

    `leaves` are by deployment; `pieces` by a header or the bundles in them.
    """

    chunks: Chunks | None = None
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    pieces: Mapping[Hashable, Piece] = field(default_factory=dict)
    shown: Mapping[Format, Sequence[Piece]] = field(default_factory=lambda: dict.fromkeys(Format, ()))


@dataclass(frozen=True, slots=True)
class Page:
    """What a snapshot looks like in each format; the tail is still to follow."""

    contents: Mapping[Format, Content]
    blocks: Mapping[str, Block]


def assemble(snapshot: Snapshot, previous: Page | None = None) -> Page:
    """Return the page of a snapshot, made from the previous one where nothing changed.

    It compresses what is new; with large chunks that is work for a thread.
    """
    old = previous.blocks if previous else {}
    blocks = {
        family.name: _block(family, snapshot.chunks[family.name], old.get(family.name, Block()))
        for family in snapshot.families
    }
    contents = {
        shown: _content([part for block in blocks.values() for part in block.shown[shown]])
        for shown in Format
    }
    return Page(contents, blocks)


def _block(family: Family, chunks: Chunks, previous: Block) -> Block:
    if previous.chunks is chunks:
        return previous
    sections, known = layout(family), previous.pieces
    runs = 1 + max(run for listed in sections.values() for _, run in listed)
    leaves = _leaves(chunks, runs, previous)
    groups = [
        list(grouped(bundle for leaf in leaves.values() for bundle in leaf[run])) for run in range(runs)
    ]
    lines: Mapping[Hashable, Piece] = {
        group: known.get(group) or piece(joined(group)) for group in chain.from_iterable(groups)
    }
    if not lines:
        return Block(chunks, leaves)
    headers: Mapping[Hashable, Piece] = {
        header: known.get(header) or piece(header) for listed in sections.values() for header, _ in listed
    }
    pieces = {**headers, **lines}
    shown = {
        form: [pieces[key] for header, run in listed for key in (header, *groups[run])]
        for form, listed in sections.items()
    }
    return Block(chunks, leaves, pieces, shown)


def _leaves(chunks: Chunks, runs: int, previous: Block) -> Mapping[str, Leaf]:
    old, before = previous.leaves, previous.chunks or {}
    return {
        deployment: old[deployment]
        if sources is before.get(deployment)
        else leaf(sources, runs, old.get(deployment, ()))
        for deployment, sources in chunks.items()
    }


def _content(pieces: Sequence[Piece]) -> Content:
    return Content(
        segments=tuple(_joined(part.data for part in pieces)),
        packed=tuple(_joined(chain([GZIP_HEADER], (part.packed for part in pieces)))),
        length=sum(len(part.data) for part in pieces),
        crc=joined_crc(pieces),
    )


def _joined(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join small neighbours; large parts are handed on, not copied."""
    small: list[bytes] = []
    size = 0
    for part in parts:
        large = len(part) >= _SMALL
        if not large:
            small.append(part)
            size += len(part)
        if small and (large or size >= _SMALL):
            yield b"".join(small)
            small, size = [], 0
        if large:
            yield part
    if small:
        yield b"".join(small)
