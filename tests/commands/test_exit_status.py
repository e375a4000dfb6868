"""How commands exit if they cannot run as configured."""

import errno
import os
import subprocess
from pathlib import Path

import pytest
import typer

from insights_exporter.commands.errors import CommandError, exit_on_error, explain_os_error
from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.demo import DEMO_TOKEN, serve
from tests.demo.client import coder
from tests.integration.exporter import command, run
from tests.integration.processes import clean_environment


@pytest.mark.parametrize(
    "error",
    [
        CommandError("tls: is gone; name another"),
        ConfigError([ConfigIssue("", "tls", "is gone", "name another")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_is_one_message(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 2, and the message is printed once."""
    with pytest.raises(typer.Exit) as ended, exit_on_error():
        raise error

    assert 2 == ended.value.exit_code
    assert "insights-exporter: tls: is gone; name another\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(
            OSError(errno.ENOSPC, "No space left on device"),
            "standard output: no space left on device; free space there, or choose another place",
            id="failed write without a file",
        ),
        pytest.param(
            PermissionError(errno.EACCES, "Permission denied", "/out/x"),
            "/out/x: permission denied; allow the user of the exporter to access it",
            id="file with a known remedy",
        ),
        pytest.param(
            NotADirectoryError(errno.ENOTDIR, "Not a directory", "/out/x"),
            "/out/x: not a directory; check this path",
            id="file without a known remedy",
        ),
        pytest.param(
            OSError(errno.EMFILE, "Too many open files"),
            "too many open files; raise the limit of open files (ulimit -n)",
            id="limit of the process",
        ),
    ],
)
def test_error_of_the_system_has_place_and_remedy(error: OSError, message: str) -> None:
    """An error of the system names the file, or standard output, and what to do."""
    assert message == "; ".join(explain_os_error(error))


def test_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """A reader that ends early, such as `head`, is not reported."""
    reader, writer = os.pipe()
    os.close(reader)
    env = {"CODER_URL": "https://coder.example.com", "CODER_SESSION_TOKEN": DEMO_TOKEN}
    with open(writer, "wb") as pipe:  # noqa: PTH123 -- a descriptor
        ended = run(tmp_path, "config", "show", env=env, stdout=pipe)

    assert (1, "") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize(
    ("closing", "status", "message"),
    [("<&-", 0, ""), (">&-", 2, "--output: - cannot be written: bad file descriptor"), ("2>&-", 0, "")],
    ids=["input", "output", "error"],
)
def test_closed_stream(closing: str, status: int, message: str, tmp_path: Path) -> None:
    """A command with a closed standard stream ends as usual, and reports lost output."""
    with serve(coder(rate_limit=-1)) as url:
        ended = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *command(), "scrape"],
            cwd=tmp_path,
            env=clean_environment(tmp_path, {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}),
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert status == ended.returncode, ended.stderr
    assert message in ended.stderr
