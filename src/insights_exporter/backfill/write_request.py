"""Samples as `prometheus.WriteRequest`, the message of remote write 1.0."""

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n"}


class Run(NamedTuple):
    """Samples of one series, in ascending time: seconds and values as they are written."""

    head: str
    samples: Sequence[tuple[str, str]]


def write_request(runs: Sequence[Run]) -> bytes:
    """Encode the message: series by series, labels sorted by name, times in milliseconds."""
    return b"".join(_field(1, _series(run)) for run in runs)


def _series(run: Run) -> bytes:
    labels = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels_of(run.head)
    )
    samples = b"".join(
        _field(2, b"\x09" + struct.pack("<d", float(value)) + b"\x10" + _varint(int(second) * 1000))
        for second, value in run.samples
    )
    return labels + samples


def labels_of(head: str) -> Sequence[tuple[str, str]]:
    """Read `name{label="value",...}`; give the labels, the name among them, sorted and without escapes."""
    name, _, inner = head.partition("{")
    labels = {found[1]: _ESCAPED.sub(_meant, found[2]) for found in _LABEL.finditer(inner)}
    return sorted({"__name__": name, **labels}.items())


def _meant(escape: re.Match[str]) -> str:
    return _MEANT.get(escape[1], escape[1])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
