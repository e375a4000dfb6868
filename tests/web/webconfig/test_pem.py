"""PEM text is passed to OpenSSL by a path in memory."""

import os
import sys
from pathlib import Path

import pytest

from insights_exporter.web.webconfig.files import as_file


@pytest.mark.parametrize(
    "platform",
    [
        pytest.param("linux", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has it")),
        "other",
    ],
)
def test_text_can_be_read_until_the_block_ends(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text can be read at its path within the block only."""
    monkeypatch.setattr(sys, "platform", platform)
    with as_file(b"secret") as path:
        content = Path(path).read_bytes()

    assert b"secret" == content
    assert not os.path.exists(path)  # noqa: PTH110 - a closed descriptor's path is no usual one


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has files in memory")
def test_text_needs_no_place_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """No writable directory is needed."""
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", None)
    with as_file(b"secret") as path:
        assert path.startswith("/proc/self/fd/")
