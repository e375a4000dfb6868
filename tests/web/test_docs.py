"""The HTTP reference, compared with the limits of the server."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from insights_exporter.commands.serve import ServeOptions
from insights_exporter.web.app import RELOAD_INTERVAL
from insights_exporter.web.concurrency import MAX_KINDS, WAITING_PAGES
from insights_exporter.web.limits import DEFAULT_LIMITS as LIMITS
from insights_exporter.web.limits import SLOW
from insights_exporter.web.request import BUFFER_BYTES
from insights_exporter.web.webconfig.auth import LoginLimits
from insights_exporter.web.webconfig.tls import LOGGED_NAMES, MAX_RECORDS_WITHOUT_DATA, MAX_SESSIONS
from tests.web.test_metrics_handler import MOST_JOINED

LOGINS = LoginLimits()
OPTIONS = {field.name: field.default for field in fields(ServeOptions)}
PAGE = (Path(__file__).parents[2] / "docs/http.md").read_text(encoding="utf-8")
NONE = "none accepted"

BOUNDS: tuple[tuple[str, str], ...] = (
    ("start line", f"{LIMITS.start_line_bytes // 1024} KiB"),
    ("headers of a request, together with the start line", f"{LIMITS.head_bytes // 1024} KiB"),
    ("number of headers", f"{LIMITS.headers}"),
    ("time for a whole head to arrive", f"{LIMITS.head_seconds:g} s"),
    ("body with `Content-Length`", f"{LIMITS.body_bytes // 1024} KiB"),
    (
        "time from a request until its response is read, however fast the client reads",
        f"{LIMITS.response_seconds:g} s",
    ),
    (
        (
            "time that the kernel keeps a response for a client that does not read (Linux), also after the "
            "connection is closed"
        ),
        f"{LIMITS.response_seconds:g} s",
    ),
    ("query parameters", f"{LIMITS.query_parameters:,}"),
    (
        "bytes after a body, or after a rejected request",
        f"{LIMITS.linger_bytes // 1024**2} MiB within {LIMITS.linger_seconds:g} s",
    ),
    ("concurrent scrapes", f"`--web.max-requests` ({OPTIONS['max_requests']})"),
    ("status pages and `/config`", f"one is rendered at a time, {WAITING_PAGES} wait"),
    ("TLS records without data, such as key updates", f"{MAX_RECORDS_WITHOUT_DATA} per"),
    (
        "logins that wait for bcrypt",
        (
            f"one is checked at a time, client addresses in turn; {LOGINS.waiting_per_client} per "
            f"address and {LOGINS.waiting} in total wait, for at most {LOGINS.wait_seconds:g} s"
        ),
    ),
    ("check of a login", f"{LOGINS.check_seconds:g} s"),
    ("TLS handshake", f"{LIMITS.head_seconds:g} s"),
    (
        "connection without a request",
        f"{LIMITS.head_seconds:g} s before the first, {LIMITS.idle_seconds:g} s",
    ),
    ("connections, handshakes included", f"{LIMITS.connections}"),
    (
        (
            "malformed head: bare LF, folded lines, NUL, unknown version or method, first byte that cannot "
            "begin a request"
        ),
        NONE,
    ),
    ("`Host`", "exactly one valid in HTTP/1.1, at most one in HTTP/1.0"),
    ("request target", "begins with `/`, or is an `http://` or `https://` URL without a user name"),
    ("`Expect`", NONE),
    ("`Upgrade`", "ignored"),
    ("`CONNECT`", NONE),
    ("body with `Transfer-Encoding`", NONE),
    ("pipelined requests", f"one is served; {BUFFER_BYTES // 1024} KiB of the following bytes are read"),
    (
        "text of a response that a client does not read",
        f"up to {MOST_JOINED // 1024} KiB of small parts",
    ),
    (
        (
            "scrapes with `deployment` or `name[]`, or the first with `gauge_histograms` after a change, "
            "that wait to be rendered"
        ),
        "half of `--web.max-requests`; one is rendered at a time",
    ),
    ("reloads", {1.0: "one per second"}[RELOAD_INTERVAL]),
    ("certificates that a client sends", "100 KiB"),
    (
        "sessions of TLS 1.2 that clients can resume without a ticket",
        f"{MAX_SESSIONS:,}, counted every second",
    ),
    ("TLS renegotiation", NONE),
    ("plain HTTP on a TLS port", NONE),
    (
        "requests, if the web config file has a [`rate_limit`](web-configuration.md#rate_limit)",
        "as configured",
    ),
    (
        "log lines about certificates without an allowed name and about errors of the exporter itself",
        (
            f"one per minute for the same certificate or error, {MAX_KINDS} per minute for all certificates "
            f"and for all errors; {LOGGED_NAMES} names per certificate"
        ),
    ),
)


@pytest.mark.parametrize(("entry", "bound"), BOUNDS)
def test_limits_are_documented(entry: str, bound: str) -> None:
    """Each row names the limit that the server applies."""
    assert f"\n| {entry} | {bound}" in PAGE


def test_each_limit_is_compared() -> None:
    """The table has exactly the rows that are compared with the limits of the server."""
    rows = PAGE.partition("## Limits")[2].partition("###")[0].split("\n| ")
    entries = [row.partition(" | ")[0] for row in rows[2:]]

    assert sorted(entry for entry, _ in BOUNDS) == sorted(entries)


def test_slow_readers_are_documented() -> None:
    """All sentences about slow readers name the same rate."""
    assert 3 == PAGE.count(f"below {SLOW // 1024} KiB/s")


def test_each_limit_names_its_test() -> None:
    """The last column names existing test modules."""
    table = PAGE.partition("## Limits")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    named = {name for row in rows[1:] for name in re.findall(r"`([\w/]+)`", row[-2])}

    assert all(row[-2].strip() for row in rows)
    assert [] == [name for name in sorted(named) if not (Path(__file__).parent / f"{name}.py").exists()]
