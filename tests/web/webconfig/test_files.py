"""Files are read once, bounded, and known by what they looked like."""

import os
from pathlib import Path

import pytest

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.webconfig.files import MAX_BYTES, Files, have_changed


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """What was checked is what is used, whatever happens to the file in between."""
    (tmp_path / "a").write_bytes(b"first")
    files = Files(tmp_path)
    files.read("a")
    (tmp_path / "a").write_bytes(b"second")

    assert b"first" == files.read("a")
    assert have_changed(files.stamps)


def test_an_absolute_name_is_taken_as_it_is(tmp_path: Path) -> None:
    """Only relative names begin at the directory."""
    (tmp_path / "a").write_bytes(b"text")

    assert b"text" == Files(tmp_path / "elsewhere").read(str(tmp_path / "a"))


def test_a_file_that_is_left_alone_is_unchanged(tmp_path: Path) -> None:
    """Reading is no change."""
    (tmp_path / "a").write_bytes(b"text")
    files = Files(tmp_path)
    files.read("a")

    assert not have_changed(files.stamps)


def test_a_file_that_looks_the_same_is_a_change(tmp_path: Path) -> None:
    """As long as before, and dated back by a careful copy."""
    path = tmp_path / "a"
    path.write_bytes(b"first")
    files, dated = Files(tmp_path), path.stat().st_mtime_ns
    files.read("a")
    path.write_bytes(b"other")
    os.utime(path, ns=(dated, dated))

    assert have_changed(files.stamps)


def test_a_file_that_appears_is_a_change(tmp_path: Path) -> None:
    """That it was not there is remembered too."""
    files = Files(tmp_path)
    with pytest.raises(InvalidValue, match="no such file"):
        files.read("a")
    before = have_changed(files.stamps)
    (tmp_path / "a").touch()

    assert (False, True) == (before, have_changed(files.stamps))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("pipe", "is not a regular file", id="a pipe, which would be waited for"),
        pytest.param(".", "is not a regular file", id="a directory"),
        pytest.param("large", "is larger than 2 MiB", id="a large file"),
        pytest.param("no\0name", "cannot be read: not a path", id="no path at all"),
    ],
)
def test_odd_files_are_refused(name: str, said: str, tmp_path: Path) -> None:
    """Each in words of its own."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * (MAX_BYTES + 1))

    with pytest.raises(InvalidValue, match=said):
        Files(tmp_path).read(name)
