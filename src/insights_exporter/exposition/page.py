"""The page: ready-made bodies of a snapshot, for both formats and gzip.

Two neighbouring snapshots share nearly all their bytes, so each family's block
is made from the previous page's wherever its chunks are the same.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from insights_exporter.exposition.deflate import GZIP_HEADER, Piece, joined_crc, piece
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.formats import Format
from insights_exporter.exposition.headers import layout
from insights_exporter.exposition.render import Chunk
from insights_exporter.exposition.snapshot import Chunks, Snapshot

_SMALL = 1 << 16
"""Segments below this many bytes are joined with their neighbours."""

_GROUP = 1 << 18
"""Chunks from this many bytes on are pieces of their own; smaller ones share pieces of about this size."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body up to its tail, as it is and as the beginning of a gzip member."""

    segments: tuple[bytes, ...]
    packed: tuple[bytes, ...]
    length: int
    crc: int


@dataclass(frozen=True, slots=True)
class Block:
    """One family's part of a page.

    `pieces` are kept by what they were made of: a header, or a run's number
    and chunks.
    """

    chunks: Chunks
    pieces: Mapping[Hashable, Piece]
    shown: Mapping[Format, Sequence[Piece]]


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
        family.name: _block(family, snapshot.chunks[family.name], old.get(family.name))
        for family in snapshot.families
    }
    contents = {
        shown: _content([part for block in blocks.values() for part in block.shown[shown]])
        for shown in Format
    }
    return Page(contents, blocks)


def _block(family: Family, chunks: Chunks, previous: Block | None) -> Block:
    if previous and previous.chunks is chunks:
        return previous
    ordered = [chunk for inner in chunks.values() for chunk in inner.values() if chunk.series]
    made: dict[Hashable, Piece] = {}
    known = previous.pieces if previous else {}

    def kept(key: Hashable, data: Iterable[bytes]) -> Piece:
        if key not in made:
            made[key] = known.get(key) or piece(b"".join(data))
        return made[key]

    def section(header: bytes, run: int) -> Iterator[Piece]:
        yield kept(header, [header])
        for group in _groups(ordered, run):
            yield kept((run, group), (chunk.runs[run] for chunk in group))

    shown = {
        form: [part for header, run in sections for part in section(header, run)] if ordered else []
        for form, sections in layout(family).items()
    }
    return Block(chunks, made, shown)


def _groups(chunks: Iterable[Chunk], run: int) -> Iterator[tuple[Chunk, ...]]:
    """Split chunks into groups of about `_GROUP` bytes; a large chunk is a group alone.

    Whether a group ends behind a chunk depends on that chunk alone, so that
    a change touches its own group and no other.
    """
    group: list[Chunk] = []
    for chunk in chunks:
        size = len(chunk.runs[run])
        if size >= _GROUP and group:
            yield tuple(group)
            group = []
        group.append(chunk)
        if chunk.crcs[run] % _GROUP < size:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


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
    for part in parts:
        if len(part) < _SMALL:
            small.append(part)
        if small and (len(part) >= _SMALL or sum(map(len, small)) >= _SMALL):
            yield b"".join(small)
            small = []
        if len(part) >= _SMALL:
            yield part
    if small:
        yield b"".join(small)
