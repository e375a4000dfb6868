"""Delivery of samples by Prometheus remote write 1.0."""

import asyncio
import random
import re
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from threading import Thread

import cramjam
import httpx

from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.coder.http import TlsOptions, create_proxy, describe
from insights_exporter.coder.redact import find_secrets, redact_secrets

MAX_SAMPLES = 5000
"""Samples per request."""

_ATTEMPTS = 8
_MAX_BACKOFF = 30.0
_MAX_RETRY_AFTER = 600.0
_TIMEOUT = 60.0
_SECRET_NAME = re.compile("auth|key|token|secret|password", re.IGNORECASE)
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_REMEDIES = {
    **dict.fromkeys(
        (301, 302, 303, 307, 308), "write the URL that it redirects to; redirects are not followed"
    ),
    400: "set its out-of-order time window to the length of the history or more",
    401: "write user and password into the URL, or set --remote-write-header Authorization=@FILE",
    403: "write user and password into the URL, or set --remote-write-header Authorization=@FILE",
    407: "write user and password into the URL of the proxy",
    404: "check the path, and that it receives remote write (Prometheus: --web.enable-remote-write-receiver)",
}
_TLS_FLAGS = TlsOptions("--remote-write-ca-file", "--remote-write-cert-file and --remote-write-key-file")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class RemoteWriteRejected(Exception):
    """The receiver did not accept a batch; the message has its response and the remedy."""


class _Retryable(Exception):
    """The receiver does not accept a batch now; `wait` is its Retry-After in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Receiver:
    """A remote-write receiver, and how to connect to it; nothing else comes from the environment."""

    url: httpx.URL = field(repr=False)
    tls: ssl.SSLContext
    proxy: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name as a sink of files."""
        return f"send {format_url(self.url)}"

    def create_client(self) -> httpx.Client:
        """Return a client for requests to this receiver."""
        return httpx.Client(
            headers={**self.headers, **_HEADERS},
            verify=self.tls,
            proxy=create_proxy(self.proxy, self.tls),
            trust_env=False,
            timeout=_TIMEOUT,
        )

    async def deliver(self, stats: FileStats) -> None:
        """Send all samples of the file; raises RemoteWriteRejected, without secrets that are repeated."""
        try:
            with self.create_client() as client:
                await send_file(stats.path, self.url, client)
        except RemoteWriteRejected as error:
            headers = (value for name, value in self.headers.items() if _SECRET_NAME.search(name))
            secrets = find_secrets(headers, [str(self.url), self.proxy or ""])
            raise RemoteWriteRejected(redact_secrets(str(error), secrets)) from None

    def forget(self, stats: FileStats) -> None:
        """Do nothing: samples that are sent twice do no harm."""


def format_url(url: httpx.URL) -> str:
    """Return a URL without user and password."""
    return str(url.copy_with(userinfo=b""))


async def send_file(
    path: Path,
    url: httpx.URL,
    client: httpx.Client,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Send all samples of a file; raises RemoteWriteRejected."""
    for batch in read_batches(path):
        await _post(client, url, bytes(cramjam.snappy.compress_raw(encode_request(batch))), sleep)


async def _post(
    client: httpx.Client, url: httpx.URL, body: bytes, sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Post one batch; retry errors that may be transient."""
    for attempt in range(_ATTEMPTS):
        try:
            return await _post_once(client, url, body)
        except _Retryable as error:
            last = error
        if attempt + 1 < _ATTEMPTS:
            backoff = min(2.0**attempt * random.uniform(0.5, 1.5), _MAX_BACKOFF)  # noqa: S311 -- jitter
            await sleep(backoff if last.wait is None else min(last.wait, _MAX_RETRY_AFTER))
    raise RemoteWriteRejected(
        f"{format_url(url)}: {last}, {_ATTEMPTS} times; run it again; samples sent twice are harmless"
    )


async def _post_once(client: httpx.Client, url: httpx.URL, body: bytes) -> None:
    try:
        response = await _run_in_thread(partial(client.post, url, content=body))
    except httpx.RequestError as error:
        failure = describe(error, _TLS_FLAGS)
        if failure.is_transient and not failure.is_unknown_host:
            raise _Retryable(failure.text) from None
        raise RemoteWriteRejected(f"{format_url(url)}: {failure.text}") from None
    if response.is_success:
        return
    what = f"HTTP {response.status_code}: {' '.join(response.text.split())[:300]}".rstrip(": ")
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
        wait = str(response.headers.get("Retry-After", ""))  # a date is ignored: the backoff is about as long
        raise _Retryable(what, float(wait) if wait.isascii() and wait.isdigit() else None)
    remedy = _REMEDIES.get(response.status_code, "check its response and its log")
    raise RemoteWriteRejected(f"{format_url(url)}: {what}; {remedy}")


async def _run_in_thread(work: Callable[[], httpx.Response]) -> httpx.Response:
    """Run blocking work in a daemon thread, for which a cancelled command does not wait.

    An async client would lose the TLS error of a receiver that requires a client certificate.
    """
    future = Future[httpx.Response]()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 -- raised where it is awaited
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


def read_batches(path: Path) -> Iterator[list[str]]:
    """Yield the sample lines of a file, at most MAX_SAMPLES at a time."""
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = (line for line in file if not line.startswith("#"))
        while batch := list(islice(lines, MAX_SAMPLES)):
            yield batch


def encode_request(lines: Iterable[str]) -> bytes:
    """Return the protobuf message of sample lines: labels sorted by name, times in milliseconds.

    Lines that follow each other and are of one series share its labels.
    """
    samples = (line.rsplit(" ", 2) for line in lines)
    series = groupby(samples, key=itemgetter(0))
    return b"".join(_encode_field(1, _encode_series(head, group)) for head, group in series)


def _encode_series(head: str, samples: Iterable[Sequence[str]]) -> bytes:
    name, _, inner = head.partition("{")
    labels = {"__name__": name}
    for found in _LABEL.finditer(inner):
        labels[found[1]] = _ESCAPED.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], found[2])
    content = bytearray()
    for label, value in sorted(labels.items()):
        content += _encode_field(1, _encode_field(1, label.encode()) + _encode_field(2, value.encode()))
    for _, value, second in samples:
        point = b"\x09" + struct.pack("<d", float(value)) + b"\x10" + _encode_varint(int(second) * 1000)
        content += _encode_field(2, point)
    return bytes(content)


def _encode_field(number: int, content: bytes) -> bytes:
    return _encode_varint(number << 3 | 2) + _encode_varint(len(content)) + content


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
