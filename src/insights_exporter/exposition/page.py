"""The exposition: ready-made bodies of a snapshot, for both formats, plain and compressed."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import msgspec
from isal import isal_zlib

from insights_exporter.exposition.compression import (
    GZIP_HEADER,
    CompressedPiece,
    combine_crcs,
    compress,
    trailer,
)
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.negotiation import CONTENT_TYPES, Format
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.exposition.store import Snapshot, Source, SourceFamilies
from insights_exporter.exposition.text import (
    RenderedFamily,
    Section,
    header_sections,
    header_sections_with_gauges,
)

_ENOUGH = 1 << 17


class Bundle(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One run of neighbouring chunks; the same object as long as they are the same.

    `ends` tells that nothing may follow. That is as likely as the bundle is
    large, and decided by the CRC-32 of its last chunk.
    """

    chunks: tuple[RenderedFamily, ...]
    run: int
    size: int
    ends: bool


Leaf = Sequence[Sequence[Bundle]]
"""What one deployment has of a family: for each run its bundles."""


def leaf(sources: Mapping[Source, RenderedFamily], runs: int, previous: Leaf = ()) -> Leaf:
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


def _neighbours(chunks: Iterable[RenderedFamily], run: int) -> Iterator[tuple[RenderedFamily, ...]]:
    for group in grouped(_bundle((chunk,), run) for chunk in chunks):
        yield tuple(chunk for bundle in group for chunk in bundle.chunks)


def _bundle(chunks: tuple[RenderedFamily, ...], run: int) -> Bundle:
    size = sum(len(chunk.runs[run]) for chunk in chunks)
    return Bundle(chunks, run, size, ends=chunks[-1].crcs[run] % _ENOUGH < size)


_SMALL = 1 << 16
"""Segments below this many bytes are joined with their neighbours."""


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A body between its head and its tail, as it is and as a part of a gzip member."""

    segments: tuple[bytes, ...]
    packed: tuple[bytes, ...]
    length: int
    crc: int


@dataclass(frozen=True, slots=True)
class Block:
    """One family's part of a page, and what it was made of, for the next one.

    `leaves` are by deployment; `pieces` by a header or the bundles in them.
    """

    chunks: SourceFamilies | None = None
    leaves: Mapping[str, Leaf] = field(default_factory=dict)
    pieces: Mapping[Hashable, CompressedPiece] = field(default_factory=dict)
    shown: Mapping[Format, Sequence[CompressedPiece]] = field(
        default_factory=lambda: dict.fromkeys(Format, ())
    )
    gauges: Mapping[Format, Sequence[CompressedPiece]] = field(
        default_factory=lambda: dict.fromkeys(Format, ())
    )
    """The same with a gauge histogram as three gauges."""


@dataclass(frozen=True)
class Page:
    """What a snapshot looks like in each format, without its head and tail."""

    contents: Mapping[Format, EncodedBody]
    blocks: Mapping[str, Block]

    @cached_property
    def with_gauges(self) -> "Page":
        """This page with gauge histograms as gauges; built on first use, which is work for a thread."""
        return Page(_contents([block.gauges for block in self.blocks.values()]), self.blocks)

    @property
    def has_gauges(self) -> bool:
        """Whether `with_gauges` is built."""
        return "with_gauges" in self.__dict__


def build_page(snapshot: Snapshot, previous: Page | None = None) -> Page:
    """Return the page of a snapshot, made from the previous one where nothing changed.

    It compresses what is new; with large chunks that is work for a thread.
    """
    old = previous.blocks if previous else {}
    blocks = {
        family.name: _block(family, snapshot.chunks[family.name], old.get(family.name, Block()))
        for family in snapshot.families
    }
    return Page(_contents([block.shown for block in blocks.values()]), blocks)


def _block(family: MetricFamily, chunks: SourceFamilies, previous: Block) -> Block:
    if previous.chunks is chunks:
        return previous
    sections, gauges, known = header_sections(family), header_sections_with_gauges(family), previous.pieces
    every = [*sections.values(), *gauges.values()]
    runs = 1 + max(run for listed in every for _, run in listed)
    leaves = _leaves(chunks, runs, previous)
    groups = [
        list(grouped(bundle for leaf in leaves.values() for bundle in leaf[run])) for run in range(runs)
    ]
    lines: Mapping[Hashable, CompressedPiece] = {
        group: known.get(group) or compress(joined(group)) for group in chain.from_iterable(groups)
    }
    if not lines:
        return Block(chunks, leaves)
    headers: Mapping[Hashable, CompressedPiece] = {
        header: known.get(header) or compress(header) for listed in every for header, _ in listed
    }
    pieces = {**headers, **lines}

    def arrange(sections: Mapping[Format, Sequence[Section]]) -> Mapping[Format, Sequence[CompressedPiece]]:
        return {
            format_: [pieces[key] for header, run in listed for key in (header, *groups[run])]
            for format_, listed in sections.items()
        }

    shown = arrange(sections)
    return Block(chunks, leaves, pieces, shown, arrange(gauges) if family.kind == "gaugehistogram" else shown)


def _leaves(chunks: SourceFamilies, runs: int, previous: Block) -> Mapping[str, Leaf]:
    old, before = previous.leaves, previous.chunks or {}
    return {
        deployment: old[deployment]
        if sources is before.get(deployment)
        else leaf(sources, runs, old.get(deployment, ()))
        for deployment, sources in chunks.items()
    }


def _contents(shown: Sequence[Mapping[Format, Sequence[CompressedPiece]]]) -> Mapping[Format, EncodedBody]:
    return {format_: _content([part for each in shown for part in each[format_]]) for format_ in Format}


def _content(pieces: Sequence[CompressedPiece]) -> EncodedBody:
    return EncodedBody(
        segments=tuple(_joined(part.data for part in pieces)),
        packed=tuple(_joined(part.packed for part in pieces)),
        length=sum(len(part.data) for part in pieces),
        crc=combine_crcs(pieces),
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


@dataclass(frozen=True, slots=True)
class ResponseBody:
    """What is sent: segments in a row, `length` bytes in all, and the headers that describe them."""

    segments: tuple[bytes, ...]
    length: int
    headers: Sequence[tuple[str, str]]


def build_response(page: Page, tail: ProcessMetrics, format_: Format, *, gzip: bool) -> ResponseBody:
    """Return the answer to a scrape; nothing large is copied or compressed."""
    content, head, end = page.contents[format_], tail.heads[format_], tail.pieces[format_]
    if gzip:
        whole = len(head.data) + content.length + len(end.data)
        crc = isal_zlib.crc32_combine(head.crc, content.crc, content.length)
        crc = isal_zlib.crc32_combine(crc, end.crc, len(end.data))
        segments = (GZIP_HEADER + head.packed, *content.packed, end.packed + trailer(crc, whole))
    else:
        segments = tuple(filter(None, (head.data, *content.segments, end.data)))
    length = sum(map(len, segments))
    headers = [("content-type", CONTENT_TYPES[format_]), ("vary", "accept, accept-encoding")]
    if gzip:
        headers.append(("content-encoding", "gzip"))
    return ResponseBody(segments, length, [*headers, ("content-length", str(length))])
