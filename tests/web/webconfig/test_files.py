"""Files are read once, up to a limit, and changes are detected."""

import os
import sys
from pathlib import Path

import pytest

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.webconfig.files import MAX_BYTES, Files, as_file, have_changed


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """The content that was checked is used even if the file changes."""
    (tmp_path / "a").write_bytes(b"first")
    files = Files(tmp_path)
    files.read("a")
    (tmp_path / "a").write_bytes(b"second")

    assert b"first" == files.read("a")
    assert have_changed(files.stamps)


def test_an_absolute_name_is_used_unchanged(tmp_path: Path) -> None:
    """Only relative names are relative to the directory."""
    (tmp_path / "a").write_bytes(b"text")

    assert b"text" == Files(tmp_path / "elsewhere").read(str(tmp_path / "a"))


def test_a_file_that_was_only_read_is_unchanged(tmp_path: Path) -> None:
    """A file that was only read has not changed."""
    (tmp_path / "a").write_bytes(b"text")
    files = Files(tmp_path)
    files.read("a")

    assert not have_changed(files.stamps)


def test_a_file_of_the_same_size_and_time_is_a_change(tmp_path: Path) -> None:
    """A file with the same length and modification time has changed."""
    path = tmp_path / "a"
    path.write_bytes(b"first")
    files, dated = Files(tmp_path), path.stat().st_mtime_ns
    files.read("a")
    path.write_bytes(b"other")
    os.utime(path, ns=(dated, dated))

    assert have_changed(files.stamps)


def test_a_file_that_appears_is_a_change(tmp_path: Path) -> None:
    """A file that was missing before has changed."""
    files = Files(tmp_path)
    with pytest.raises(InvalidValue, match="no such file"):
        files.read("a")
    before = have_changed(files.stamps)
    (tmp_path / "a").touch()

    assert (False, True) == (before, have_changed(files.stamps))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("pipe", "is not a regular file", id="a pipe, which would be waited for"),
        pytest.param(".", "is not a regular file", id="a directory"),
        pytest.param("large", "is larger than 2 MiB", id="a large file"),
        pytest.param("no\0name", "cannot be read: not a path", id="no path at all"),
    ],
)
def test_unreadable_files_are_rejected(name: str, expected: str, tmp_path: Path) -> None:
    """Files that cannot be read are refused with the reason."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * (MAX_BYTES + 1))

    with pytest.raises(InvalidValue, match=expected):
        Files(tmp_path).read(name)


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
