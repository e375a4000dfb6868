"""Well-behaved clients that measure a server while it is attacked."""

import base64
import ssl
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

_TIMEOUT = 30.0
_PAUSE = 0.05
_NO_RESPONSE = 0
_EXPECTED = (200, 429)
"""The status of a response, and that of the rate limit."""


class ProbeResult(NamedTuple):
    """One request: its duration in seconds, and the status of its response."""

    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and what it requires of its clients."""

    url: str
    login: str = ""
    """A user and a password, as `user:password`."""
    certificate: str = ""
    """The path of an accepted certificate with its key."""
    attackers_certificate: str = ""
    """The path of a certificate of the same authority that is not accepted."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port or 0

    @property
    def scheme(self) -> str:
        """Either http or https."""
        return urlsplit(self.url).scheme

    def connect(self) -> HTTPConnection:
        """Return a connection that connects on its first request."""
        host = urlsplit(self.url).netloc
        if self.scheme == "http":
            return HTTPConnection(host, timeout=_TIMEOUT)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.certificate:
            context.load_cert_chain(self.certificate)
        return HTTPSConnection(host, timeout=_TIMEOUT, context=context)

    def get(self, connection: HTTPConnection, path: str) -> int:
        """Send a request and read the whole response; return its status."""
        headers = {"Accept-Encoding": "gzip"}
        if self.login:
            headers["Authorization"] = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests for a path over one connection, opened before the attack, or over a new one each."""

    path: str
    reused: bool


SCRAPE_OPEN, SCRAPE_NEW = "/metrics, open connection", "/metrics, new connection"
HEALTH_OPEN, HEALTH_NEW = "/-/healthy, open connection", "/-/healthy, new connection"
PROBES: Mapping[str, Probe] = {
    SCRAPE_OPEN: Probe("/metrics", reused=True),
    SCRAPE_NEW: Probe("/metrics", reused=False),
    HEALTH_OPEN: Probe("/-/healthy", reused=True),
    HEALTH_NEW: Probe("/-/healthy", reused=False),
}


@contextmanager
def run_probes(target: Target) -> Iterator[dict[str, list[ProbeResult]]]:
    """Send requests of each kind until the block ends, then fill the dictionary with the results."""
    over, found = threading.Event(), dict[str, list[ProbeResult]]()
    with ThreadPoolExecutor(len(PROBES)) as pool, ExitStack() as stack:
        running = {}
        try:
            for kind, probe in PROBES.items():
                reused = stack.enter_context(_connect(target, probe)) if probe.reused else None
                running[kind] = pool.submit(_repeat_requests, target, probe.path, reused, over)
            yield found
        finally:
            over.set()
        found.update({kind: each.result() for kind, each in running.items()})


@contextmanager
def _connect(target: Target, probe: Probe) -> Iterator[HTTPConnection]:
    with closing(target.connect()) as connection:
        target.get(connection, probe.path)
        yield connection


def _repeat_requests(
    target: Target, path: str, reused: HTTPConnection | None, over: threading.Event
) -> list[ProbeResult]:
    seen: list[ProbeResult] = []
    while not seen or not over.wait(_PAUSE):
        seen.append(_request(target, path, reused))
    return seen


def _request(target: Target, path: str, reused: HTTPConnection | None) -> ProbeResult:
    """Send one request; replace a connection that the server has closed, as Prometheus does."""
    started = time.monotonic()
    status = _NO_RESPONSE
    for connection in (reused, target.connect()) if reused else (target.connect(),):
        try:
            status = target.get(connection, path)
        except (OSError, HTTPException):
            connection.close()
        else:
            break
    if connection is not reused:
        connection.close()
    return ProbeResult(time.monotonic() - started, status)


def compute_median(seen: Sequence[ProbeResult]) -> float:
    """Return the median of the times."""
    return statistics.median(each.seconds for each in seen)


def count_status(seen: Mapping[str, Sequence[ProbeResult]], status: int) -> int:
    """Return the number of requests with this status."""
    return sum(each.status == status for kind in seen.values() for each in kind)


def count_failures(seen: Mapping[str, Sequence[ProbeResult]]) -> int:
    """Return the number of requests without a response, or with a status other than 200 and 429."""
    return sum(each.status not in _EXPECTED for kind in seen.values() for each in kind)
