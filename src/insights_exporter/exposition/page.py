"""The exposition: ready-made bodies of a snapshot, for both formats, plain and compressed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from isal import isal_zlib

from insights_exporter.exposition.compression import (
    GZIP_HEADER,
    CompressedPiece,
    build_trailer,
    combine_crcs,
    compress,
)
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.negotiation import CONTENT_TYPES, Format
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.exposition.store import Snapshot, Source, SourceFamilies
from insights_exporter.exposition.text import RenderedFamily, Section, build_header_sections

_DEPLOYMENTS_IN_A_GROUP = 16
"""Number of deployments whose lines of a family are compressed together, and again if one changes."""
_SMALL = 1 << 16
"""Parts below this many bytes are joined with their neighbours."""
_COPIED = 1 << 18
"""Bytes of joined text that are sent at once, and so held for each client that reads slowly."""
_BATCH = 1 << 20
"""Bytes of text that are sent at once.

With less a response waits for the client more often, which costs CPU time. With more it takes longer until a
client is known to be slow, and one that stops reading near the end keeps more of a page that is replaced.
"""

_Pieces = tuple[CompressedPiece, ...]
"""The lines of a family and group of deployments, one piece per section."""
_Arranged = Mapping[Format, Sequence[CompressedPiece]]
_Group = Sequence[Mapping[Source, RenderedFamily]]


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """A body between its head and its tail, as it is and as a part of a gzip member."""

    packed: Sequence[bytes]
    length: int
    crc: int
    pieces: Sequence[CompressedPiece] = field(compare=False, repr=False)

    def group_parts(self) -> Iterator[Sequence[bytes]]:
        """Yield the text in groups that are joined when they are sent: it may be large, and clients slow.

        They do not refer to the compressed form, which no other response may need.
        """
        by_piece = [
            [piece.parts] if piece.length < _SMALL else zip(piece.parts, strict=True) for piece in self.pieces
        ]
        return _group_small(chain.from_iterable(by_piece))


@dataclass(frozen=True, slots=True)
class Block:
    """One family's part of a page, and what it was made of, for the next one.

    `groups` are by the identities of the mappings in `sources` that they were made of.
    """

    sources: SourceFamilies = field(default_factory=dict)
    groups: Mapping[tuple[int, ...], _Pieces] = field(default_factory=dict)
    headers: Mapping[bytes, CompressedPiece] = field(default_factory=dict)
    arranged: _Arranged = field(default_factory=lambda: dict.fromkeys(Format, ()))
    arranged_gauges: _Arranged = field(default_factory=lambda: dict.fromkeys(Format, ()))
    """The same with a gauge histogram as three gauges."""


@dataclass(frozen=True)
class Page:
    """What a snapshot looks like in each format, without its head and tail."""

    contents: Mapping[Format, EncodedBody]
    blocks: Mapping[str, Block]

    @cached_property
    def with_gauges(self) -> "Page":
        """This page with gauge histograms as gauges; built on first use, which is work for a thread."""
        return Page(_encode([block.arranged_gauges for block in self.blocks.values()]), self.blocks)

    @property
    def has_gauges(self) -> bool:
        """Whether `with_gauges` is built."""
        return "with_gauges" in self.__dict__


def build_page(snapshot: Snapshot, previous: Page | None = None) -> Page:
    """Return the page of a snapshot, made from the previous one where nothing changed.

    It compresses what is new; with many series that is work for a thread.
    """
    blocks = dict(previous.blocks) if previous else {}
    for family in snapshot.families:
        sources, block = snapshot.parts[family.name], blocks.get(family.name, Block())
        if block.sources is not sources:
            blocks[family.name] = _build_block(family, sources, block)
    shown = {family.name: blocks[family.name] for family in snapshot.families if family.name in blocks}
    return Page(_encode([block.arranged for block in shown.values()]), shown)


def _build_block(family: MetricFamily, sources: SourceFamilies, previous: Block) -> Block:
    text, gauges = build_header_sections(family), build_header_sections(family, gauges=True)
    sections = [*chain.from_iterable([*text.values(), *gauges.values()])]
    groups = {
        key: previous.groups.get(key) or _compress_group(group, 1 + max(number for _, number in sections))
        for key, group in _group(sources)
    }
    if not any(piece.length for pieces in groups.values() for piece in pieces):
        return Block(sources)
    headers = {header: previous.headers.get(header) or compress(header) for header, _ in sections}

    def arrange(listed: Mapping[Format, Sequence[Section]]) -> _Arranged:
        return {
            format_: [
                piece
                for header, number in of_format
                for piece in (headers[header], *(pieces[number] for pieces in groups.values()))
            ]
            for format_, of_format in listed.items()
        }

    return Block(sources, groups, headers, arrange(text), arrange(gauges))


def _group(sources: SourceFamilies) -> Iterator[tuple[tuple[int, ...], _Group]]:
    deployments = list(sources.values())
    for start in range(0, len(deployments), _DEPLOYMENTS_IN_A_GROUP):
        group = deployments[start : start + _DEPLOYMENTS_IN_A_GROUP]
        yield tuple(map(id, group)), group


def _compress_group(group: _Group, sections: int) -> _Pieces:
    families = [family for sources in group for family in sources.values()]
    return tuple(compress(*(family.sections[number] for family in families)) for number in range(sections))


def _encode(arranged: Sequence[_Arranged]) -> Mapping[Format, EncodedBody]:
    bodies: dict[Format, EncodedBody] = {}
    for format_ in Format:
        pieces = [piece for each in arranged for piece in each[format_]]
        packed = tuple(map(b"".join, _group_small((piece.packed,) for piece in pieces)))
        length = sum(piece.length for piece in pieces)
        bodies[format_] = EncodedBody(packed, length, combine_crcs(pieces), pieces)
    return bodies


def _group_small(items: Iterable[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
    """Yield small neighbours together, and each large one by itself: a single part is never copied."""
    small: list[bytes] = []
    size = 0
    for item in items:
        length = sum(map(len, item))
        if length < _SMALL:
            small += item
            size += length
        if size >= _SMALL or (small and length >= _SMALL):
            yield small
            small, size = [], 0
        if length >= _SMALL:
            yield item
    if size:
        yield small


def _batch(groups: Iterable[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
    """Yield batches of segments, one per group, that limit what a client that reads slowly holds."""
    batch: list[bytes] = []
    size = copied = 0
    for group in groups:
        segment = b"".join(group)
        batch.append(segment)
        size += len(segment)
        copied += len(segment) if len(group) > 1 else 0
        if size >= _BATCH or copied >= _COPIED:
            yield batch
            batch, size, copied = [], 0, 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class ResponseBody:
    """What is sent, once: batches of segments, `length` bytes in all, and the headers that describe them."""

    batches: Iterable[Sequence[bytes]]
    length: int
    headers: Sequence[tuple[str, str]]

    @property
    def segments(self) -> Iterator[bytes]:
        """Return all segments in a row."""
        return chain.from_iterable(self.batches)


def build_response(page: Page, process: ProcessMetrics, format_: Format, *, gzip: bool) -> ResponseBody:
    """Return the response to a scrape; nothing large is compressed."""
    body, (head, end) = page.contents[format_], process.encode(format_)
    length = head.length + body.length + end.length
    batches: Iterable[Sequence[bytes]]
    if gzip:
        crc = isal_zlib.crc32_combine(head.crc, body.crc, body.length)
        crc = isal_zlib.crc32_combine(crc, end.crc, end.length)
        packed = (GZIP_HEADER + head.packed, *body.packed, end.packed + build_trailer(crc, length))
        batches, length = [packed], sum(map(len, packed))
    else:
        batches = _batch(chain([head.parts], body.group_parts(), [end.parts]))
    headers = [("content-type", CONTENT_TYPES[format_]), ("vary", "accept, accept-encoding")]
    if gzip:
        headers.append(("content-encoding", "gzip"))
    return ResponseBody(batches, length, [*headers, ("content-length", str(length))])
