"""The HTTP reference, compared with the limits of the server."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from insights_exporter.commands.serve import ServeOptions
from insights_exporter.web.concurrency import WAITING_PAGES
from insights_exporter.web.limits import DEFAULT_LIMITS as LIMITS
from insights_exporter.web.limits import SLOW
from insights_exporter.web.webconfig.auth import LoginLimits
from insights_exporter.web.webconfig.tls import MAX_RECORDS_WITHOUT_DATA

LOGINS = LoginLimits()
OPTIONS = {field.name: field.default for field in fields(ServeOptions)}
PAGE = (Path(__file__).parents[2] / "docs/http.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "bound"),
    [
        ("start line", f"{LIMITS.start_line_bytes // 1024} KiB"),
        ("headers of a request, together with the start line", f"{LIMITS.head_bytes // 1024} KiB"),
        ("number of headers", f"{LIMITS.headers}"),
        ("time for a whole head to arrive", f"{LIMITS.head_seconds:g} s"),
        ("body with `Content-Length`", f"{LIMITS.body_bytes // 1024} KiB"),
        (
            "time from a request until its response is read, however fast the client reads",
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
    ],
)
def test_limits_are_documented(entry: str, bound: str) -> None:
    """Each row names the limit that the server applies."""
    assert f"\n| {entry} | {bound}" in PAGE


def test_slow_readers_are_documented() -> None:
    """Both rows about slow readers name the same rate."""
    assert 2 == PAGE.count(f"below {SLOW // 1024} KiB/s")


def test_each_limit_names_its_test() -> None:
    """The last column names existing test modules."""
    table = PAGE.partition("## Limits")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    named = {name for row in rows[1:] for name in re.findall(r"`([\w/]+)`", row[-2])}

    assert all(row[-2].strip() for row in rows)
    assert [] == [name for name in sorted(named) if not (Path(__file__).parent / f"{name}.py").exists()]
