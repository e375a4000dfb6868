"""Outputs: what is written to, what is replaced, and what is refused.

No test uses a real device.
"""

import errno
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from insights_exporter.commands.errors import CommandError, Interrupted
from insights_exporter.commands.output import check_output_folder, open_output
from insights_exporter.demo import serve
from tests.commands.config import TOKEN, config_flag
from tests.demo.client import coder
from tests.integration.exporter import RunExporter

DATA = b"# TYPE x gauge\nx 1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder only for outputs."""
    created = tmp_path / "outputs"
    created.mkdir()
    return created


def test_new_file(folder: Path) -> None:
    """A new file is readable for other users with any umask, and no temporary file remains."""
    before = os.umask(0o077)
    try:
        open_output(folder / "x.prom")(DATA)
    finally:
        os.umask(before)

    assert [folder / "x.prom"] == list(folder.iterdir())
    assert DATA == (folder / "x.prom").read_bytes()
    assert 0o644 == read_mode(folder / "x.prom")


def test_file_is_replaced(folder: Path) -> None:
    """The file gets a new inode, so that readers of the old one are undisturbed, with the old permissions."""
    output = folder / "x.prom"
    output.write_text("old\n")
    output.chmod(0o640)
    with output.open() as reader:
        open_output(output)(DATA)

        assert "old\n" == reader.read()
    assert DATA == output.read_bytes()
    assert 0o640 == read_mode(output)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_owner_stays(folder: Path) -> None:
    """A file that root replaces keeps its owner and group."""
    output = folder / "x.prom"
    output.write_text("old\n")
    os.chown(output, 12345, 12346)

    open_output(output)(DATA)

    assert (12345, 12346) == (output.stat().st_uid, output.stat().st_gid)


@pytest.mark.parametrize("exists", [True, False], ids=["file", "dangling"])
def test_symlink_is_followed(folder: Path, tmp_path: Path, exists: bool) -> None:
    """A symlink is kept, and its target is replaced or created."""
    target, link = tmp_path / "elsewhere.prom", folder / "x.prom"
    link.symlink_to(os.path.relpath(target, folder))
    if exists:
        target.write_text("old\n")

    open_output(link)(DATA)

    assert link.is_symlink()
    assert [link] == list(folder.iterdir())
    assert DATA == target.read_bytes()


@pytest.mark.parametrize("linked", [False, True], ids=["FIFO", "symlink to a FIFO"])
def test_fifo_is_written_to(folder: Path, linked: bool) -> None:
    """A FIFO is kept, and its reader gets everything."""
    fifo, link, data = folder / "fifo", folder / "link", DATA * 20_000
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append(fifo.read_bytes()), daemon=True)
    reader.start()

    open_output(link if linked else fifo)(data)
    reader.join(60)

    assert [data] == read
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert link.is_symlink()
    assert {fifo, link} == set(folder.iterdir())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_interrupted_while_nothing_reads(
    folder: Path, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal while the FIFO waits for a reader is an error; the old handler is restored."""
    os.mkfifo(folder / "fifo")
    before = signal.getsignal(signal.SIGTERM)
    write = open_output(folder / "fifo")
    monkeypatch.setattr(os, "open", lambda *_: os.kill(os.getpid(), how))

    with pytest.raises(Interrupted):
        write(DATA)
    assert before == signal.getsignal(signal.SIGTERM)


@pytest.mark.parametrize("path", [None, Path("-")], ids=["default", "-"])
def test_standard_output(
    path: Path | None,
    capfdbinary: pytest.CaptureFixture[bytes],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a path, and with `-`, the output is printed, and no file is created."""
    monkeypatch.chdir(folder)

    open_output(path)(DATA)

    assert DATA == capfdbinary.readouterr().out
    assert [] == list(folder.iterdir())


@pytest.mark.parametrize("descriptor", [1, 2], ids=["standard output", "standard error"])
def test_file_that_a_standard_stream_goes_to(folder: Path, descriptor: int) -> None:
    """A path to a standard stream, such as `/dev/stdout`, is written in place."""
    output = folder / "x.prom"
    script = (
        "import sys; from pathlib import Path; from insights_exporter.commands.output import open_output; "
        "open_output(Path(sys.argv[1]))(b'second\\n')"
    )
    with output.open("wb") as file:
        file.write(b"first\n")
        file.flush()
        before = os.fstat(file.fileno()).st_ino
        os.waitpid(
            os.posix_spawn(
                sys.executable,
                [sys.executable, "-c", script, str(output)],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), descriptor)],
            ),
            0,
        )

    assert b"first\nsecond\n" == output.read_bytes()
    assert before == output.stat().st_ino


def test_path_that_becomes_a_fifo(folder: Path) -> None:
    """A FIFO that appears between the check and the output is not replaced."""
    fifo = folder / "x.prom"
    write = open_output(fifo)
    os.mkfifo(fifo)
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(DATA)

        assert DATA == os.read(descriptor, 2 * len(DATA))
    finally:
        os.close(descriptor)
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


def test_standard_output_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write error on standard output is one plain line."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(CommandError, match="--output: - cannot be written: no space left on device; "):
        open_output(None)(DATA)


def listening_socket(path: Path) -> None:
    """Create a socket at `path`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


REFUSED = {
    "folder": (Path.mkdir, "is a folder"),
    "socket": (listening_socket, "is neither a file nor a stream"),
    "loop": (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    "missing folder": (
        lambda path: path.symlink_to(path.parent / "missing" / "x"),
        "no such file or directory",
    ),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(folder: Path, make: Callable[[Path], object], why: str) -> None:
    """Paths that cannot be outputs are refused before polling, and stay unchanged."""
    path = folder / "x"
    make(path)
    before = path.lstat()

    with pytest.raises(CommandError, match=f"--output: {path} cannot be written: {why}"):
        open_output(path)

    assert (before.st_ino, before.st_mode) == (path.lstat().st_ino, path.lstat().st_mode)


def test_data_is_written_whole(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that accepts three bytes at a time gets everything."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    open_output(None)(DATA)

    assert DATA == capfdbinary.readouterr().out


def test_scrape_into_a_fifo(folder: Path, tmp_path: Path, run_exporter: RunExporter) -> None:
    """`scrape --output` writes the exposition to a FIFO's reader."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append(fifo.read_bytes()), daemon=True)
    reader.start()
    with serve(coder(rate_limit=-1)) as url:
        ended = run_exporter("scrape", f"--output={fifo}", config_flag(tmp_path, url), env=TOKEN)
    reader.join(60)

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert read[0].startswith(b"# HELP ")
    assert [fifo] == list(folder.iterdir())


def read_mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_for_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be created or written to is an error before any request is sent."""
    (folder / "file").touch()
    new = folder / "new" / "history"

    assert new == check_output_folder(new)
    with pytest.raises(CommandError, match="file is not a folder that you may write to"):
        check_output_folder(folder / "file" / "history")
    monkeypatch.setattr(os, "access", lambda *_: False)  # the user may be root, who may write everywhere
    with pytest.raises(CommandError, match=f"{folder} is not a folder that you may write to"):
        check_output_folder(new)
