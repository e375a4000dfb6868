"""Sending history by remote write 1.0: batches of samples, snappy in block format."""

import random
import re
import struct
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import cramjam
import httpx

_BATCH = 5000
_ATTEMPTS = 8
_LONGEST_PAUSE = 30.0
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n"}


class Refused(Exception):
    """The receiver did not take a batch; the message says what it answered, and what to do."""


class Run(NamedTuple):
    """Samples of one series, in ascending time: seconds and values as they are written."""

    head: str
    samples: Sequence[tuple[str, str]]


def send_file(path: Path, url: str, client: httpx.Client) -> int:
    """Send all samples of a written file, and give how many requests it took.

    Raises:
        Refused: the receiver does not take them.
    """
    requests = 0
    for batch in _batches(path):
        body = bytes(cramjam.snappy.compress_raw(write_request(batch)))
        _post(client, url, body)
        requests += 1
    return requests


def write_request(runs: Sequence[Run]) -> bytes:
    """Encode a `prometheus.WriteRequest`."""
    return b"".join(_field(1, _series(run)) for run in runs)


def _series(run: Run) -> bytes:
    labels = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in _labels(run.head)
    )
    samples = b"".join(
        _field(2, b"\x09" + struct.pack("<d", float(value)) + b"\x10" + _varint(int(second) * 1000))
        for second, value in run.samples
    )
    return labels + samples


def _labels(head: str) -> Sequence[tuple[str, str]]:
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


def _batches(path: Path) -> Iterator[list[Run]]:
    """Give the samples of a file in batches; a series may go on in the next one."""
    batch: list[Run] = []
    size = 0
    for head, samples in _series_of(path):
        for start in range(0, len(samples), _BATCH):
            part = samples[start : start + _BATCH]
            batch.append(Run(head, part))
            size += len(part)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _series_of(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = (line.removesuffix("\n").rsplit(" ", 2) for line in file if not line.startswith("#"))
        for head, group in groupby(lines, key=lambda parts: parts[0]):
            yield head, [(second, value) for _, value, second in group]


def _post(client: httpx.Client, url: str, body: bytes) -> None:
    """Post one batch; try again where it may help, and never after a refusal."""
    for attempt in range(_ATTEMPTS):
        trouble = _try(client, url, body)
        if trouble is None:
            return
        time.sleep(min(2.0**attempt * random.uniform(0.5, 1.5), _LONGEST_PAUSE))  # noqa: S311 -- jitter
    raise Refused(f"{url}: {trouble} after {_ATTEMPTS} tries; run again, what is sent twice does no harm")


def _try(client: httpx.Client, url: str, body: bytes) -> str | None:
    """Give what is wrong for the moment, None where the batch was taken."""
    try:
        answer = client.post(url, content=body, headers=_HEADERS)
    except httpx.TransportError as error:
        return f"{type(error).__name__}: {error}"
    if answer.is_success:
        return None
    said = f"HTTP {answer.status_code}: {answer.text[:300].strip()}"
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.status_code >= 500:
        return said
    raise Refused(f"{url}: {said}; does it have an out-of-order window as large as the history?")
