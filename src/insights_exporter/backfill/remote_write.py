"""Sending samples by Prometheus remote write 1.0."""

import random
import re
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import cramjam
import httpx

from insights_exporter.backfill.cancellation import CancelToken, in_thread
from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.coder.http import TlsOptions, describe, is_unknown_host, may_pass, proxy_option
from insights_exporter.coder.redact import redact_secrets, secrets_in

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


BATCH = 5000
"""Samples a request."""

_ATTEMPTS = 8
_LONGEST_PAUSE = 30.0
_LONGEST_WAIT = 600.0  # that a receiver may ask for
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
    400: "set its out-of-order window to be as long as the history",
    401: "write user and password into the URL, or put a proxy with credentials before it",
    403: "write user and password into the URL, or put a proxy with credentials before it",
    407: "write user and password into the URL of the proxy",
    404: "check the path, and that it receives remote write (Prometheus: --web.enable-remote-write-receiver)",
}


_OPTIONS = TlsOptions("--remote-write-ca-file", "--remote-write-cert-file and --remote-write-key-file")


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where samples are sent, and what connections to it use; nothing more comes from the environment."""

    url: httpx.URL = field(repr=False)
    tls: ssl.SSLContext
    proxy: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def client(self) -> httpx.Client:
        """Return a client for requests to this receiver."""
        return httpx.Client(
            headers={**self.headers, **_HEADERS},
            verify=self.tls,
            proxy=proxy_option(self.proxy, self.tls),
            trust_env=False,
            timeout=_TIMEOUT,
        )

    def secrets(self) -> tuple[str, ...]:
        """Return what a receiver or proxy may repeat in its response, and what must not be shown."""
        headers = (value for name, value in self.headers.items() if _SECRET_NAME.search(name))
        return secrets_in(headers, [str(self.url), self.proxy or ""])


class RemoteWriteRejected(Exception):
    """The receiver did not take a batch; the message says what it answered, and what to do."""


class _Retryable(Exception):
    """The receiver does not take a batch now; `wait` has the seconds it asks for, if it does."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class RemoteWriteSink:
    """Brings files to a receiver of remote write."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.name = f"send {shown(receiver.url)}"

    async def bring(self, written: FileStats, key: str) -> None:  # noqa: ARG002 -- sent twice does no harm
        """Send all samples of the file.

        Raises:
            Refused: the receiver does not take them.
        """
        await in_thread(partial(self._send, written.path))

    def settle(self, key: str) -> None:
        """Have nothing to forget."""

    def _send(self, path: Path, cancel_token: CancelToken) -> None:
        try:
            with self._receiver.client() as client:
                send_file(path, self._receiver.url, client, cancel_token)
        except RemoteWriteRejected as refused:
            raise RemoteWriteRejected(redact_secrets(str(refused), self._receiver.secrets())) from None


def shown(url: httpx.URL) -> str:
    """Spell a URL without user and password."""
    return str(url.copy_with(userinfo=b""))


def send_file(path: Path, url: httpx.URL, client: httpx.Client, cancel_token: CancelToken) -> int:
    """Send all samples of a written file, and give how many requests it took.

    Raises:
        Refused: the receiver does not take them.
        Halted: it was called off.
    """
    requests = 0
    for batch in batches(path):
        body = bytes(cramjam.snappy.compress_raw(write_request(batch)))
        _post(client, url, body, cancel_token)
        requests += 1
    return requests


def batches(path: Path) -> Iterator[list[Run]]:
    """Yield the samples of a file, at most BATCH at a time; a series may go on in the next batch."""
    batch: list[Run] = []
    room = BATCH
    for head, samples in _series_of(path):
        start = 0
        while start < len(samples):
            part = samples[start : start + room]
            batch.append(Run(head, part))
            start, room = start + len(part), room - len(part)
            if not room:
                yield batch
                batch, room = [], BATCH
    if batch:
        yield batch


def _series_of(path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        lines = (line.removesuffix("\n").rsplit(" ", 2) for line in file if not line.startswith("#"))
        for head, group in groupby(lines, key=lambda parts: parts[0]):
            yield head, [(second, value) for _, value, second in group]


def _post(client: httpx.Client, url: httpx.URL, body: bytes, cancel_token: CancelToken) -> None:
    """Post one batch; try again where it may help, and never after a refusal."""
    for attempt in range(_ATTEMPTS):
        cancel_token.look()
        try:
            _try(client, url, body)
        except _Retryable as busy:
            trouble = busy
        else:
            return
        if attempt + 1 < _ATTEMPTS:
            cancel_token.pause(_pause(attempt) if trouble.wait is None else min(trouble.wait, _LONGEST_WAIT))
    raise RemoteWriteRejected(
        f"{shown(url)}: {trouble}, {_ATTEMPTS} times; run again, what is sent twice does no harm"
    )


def _pause(attempt: int) -> float:
    return min(2.0**attempt * random.uniform(0.5, 1.5), _LONGEST_PAUSE)  # noqa: S311 -- jitter


def _try(client: httpx.Client, url: httpx.URL, body: bytes) -> None:
    try:
        response = client.post(url, content=body)
    except httpx.RequestError as error:
        said = describe(error, _OPTIONS)
        if may_pass(error) and not is_unknown_host(error):
            raise _Retryable(said) from None
        raise RemoteWriteRejected(f"{shown(url)}: {said}") from None
    if response.is_success:
        return
    said = f"HTTP {response.status_code}: {' '.join(response.text.split())[:300]}".rstrip(": ")
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
        raise _Retryable(said, _asked_wait(response))
    remedy = _REMEDIES.get(response.status_code, "look at what it says, and at its own log")
    raise RemoteWriteRejected(f"{shown(url)}: {said}; {remedy}")


def _asked_wait(response: httpx.Response) -> float | None:
    """Return the seconds of `Retry-After`; a date is ignored, since our own pauses are about as long."""
    text = str(response.headers.get("Retry-After", ""))
    return float(text) if text.isascii() and text.isdigit() else None
