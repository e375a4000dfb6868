"""The body of an answer: a page and its tail, in one format, compressed or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from isal import isal_zlib

from insights_exporter.exposition.deflate import trailer
from insights_exporter.exposition.formats import CONTENT_TYPES, Format
from insights_exporter.exposition.page import Page
from insights_exporter.exposition.tail import Tail


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: segments in a row, `length` bytes in all, and the headers that describe them."""

    segments: tuple[bytes, ...]
    length: int
    headers: Sequence[tuple[str, str]]


def compose(page: Page, tail: Tail, form: Format, *, gzip: bool) -> Body:
    """Return the answer to a scrape; nothing large is copied or compressed."""
    content, end = page.contents[form], tail.pieces[form]
    if gzip:
        crc = isal_zlib.crc32_combine(content.crc, end.crc, len(end.data))
        segments = (*content.packed, end.packed + trailer(crc, content.length + len(end.data)))
    else:
        segments = (*content.segments, end.data)
    length = sum(map(len, segments))
    headers = [("content-type", CONTENT_TYPES[form]), ("vary", "accept, accept-encoding")]
    if gzip:
        headers.append(("content-encoding", "gzip"))
    return Body(segments, length, [*headers, ("content-length", str(length))])
