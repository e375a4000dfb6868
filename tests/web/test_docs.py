"""The HTTP reference, compared with the limits of the server."""

import re
from pathlib import Path

import pytest

from insights_exporter.web.limits import DEFAULT_LIMITS as LIMITS

PAGE = (Path(__file__).parents[2] / "docs/http.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "bound"),
    [
        ("start line", f"{LIMITS.start_line_bytes // 1024} KiB"),
        ("headers of a request, together with the start line", f"{LIMITS.head_bytes // 1024} KiB"),
        ("number of headers", f"{LIMITS.headers}"),
        ("time for a whole head to arrive", f"{LIMITS.head_seconds:g} s"),
        ("body with `Content-Length`", f"{LIMITS.body_bytes // 1024} KiB"),
        ("response that the client does not read", f"{LIMITS.response_seconds:g} s"),
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


def test_each_limit_names_its_test() -> None:
    """The last column names modules of tests that there are."""
    table = PAGE.partition("## Limits")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    named = {name for row in rows[1:] for name in re.findall(r"`([\w/]+)`", row[-2])}

    assert all(row[-2].strip() for row in rows)
    assert [] == [name for name in sorted(named) if not (Path(__file__).parent / f"{name}.py").exists()]
