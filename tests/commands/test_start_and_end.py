"""What commands need of their process: standard streams and signals, before and around the real work."""

import signal
import subprocess
from pathlib import Path

import pytest

from insights_exporter.commands.errors import defer_signals, deliver_signals
from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import command, run
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.waiting import eventually

NO_SERVER = {"CODER_URL": "http://127.0.0.1:9", "CODER_SESSION_TOKEN": DEMO_TOKEN}
LOST = (
    "insights-exporter: standard output: no space left on device; free space there, or choose another place\n"
)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("--config.check",),
        ("config", "init"),
        ("config", "schema"),
        ("config", "show"),
        ("check",),
        ("check", "--output=json"),
    ],
    ids=" ".join,
)
def test_full_disk(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Output that cannot be written is one line and status 2, without a traceback."""
    with Path("/dev/full").open("wb") as full:
        ended = run(tmp_path, *arguments, env=NO_SERVER, stdout=full)

    assert (2, LOST) == (ended.returncode, ended.stderr)


@pytest.mark.parametrize("arguments", [("check",), ("config", "show")], ids=" ".join)
def test_locale_without_unicode(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Characters that the encoding of standard output lacks are escaped."""
    config = tmp_path / "config.yml"
    text = f"deployments: [{{name: caf\u00e9 \u2603, url: 'http://127.0.0.1:9', token: {DEMO_TOKEN}}}]"
    config.write_text(text, encoding="utf-8")
    config.chmod(0o600)
    ended = subprocess.run(
        [*command(), *arguments, f"--config.file={config}"],
        env=clean_environment(tmp_path, {"PYTHONIOENCODING": "latin-1"}),
        check=False,
        capture_output=True,
        timeout=60,
    )

    assert b"" == ended.stderr
    assert b"caf\xe9 \\u2603" in ended.stdout


def test_signals_are_deferred_until_they_are_handled() -> None:
    """An earlier signal is delivered once, later."""
    received: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _: received.append(number))
    try:
        with defer_signals():
            signal.raise_signal(signal.SIGHUP)
            assert not received
            deliver_signals()
            assert [signal.SIGHUP] == received
    finally:
        signal.signal(signal.SIGHUP, before)


def send_during_start(started: Running, number: signal.Signals) -> None:
    """Send a signal as soon as the process defers it, which is long before its event loop runs."""
    status = Path(f"/proc/{started.process.pid}/status")

    def is_deferred() -> bool:
        started.check_alive()
        line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("SigBlk:"))
        return bool(int(line.split()[1], 16) & 1 << number - 1)

    eventually(is_deferred)
    started.process.send_signal(number)


def test_end_while_it_starts(tmp_path: Path) -> None:
    """SIGTERM during the start ends the exporter with status 0."""
    arguments = [*command(), f"--web.listen-address=127.0.0.1:{free_port()}"]
    with running(arguments, tmp_path, clean_environment(tmp_path, NO_SERVER)) as started:
        send_during_start(started, signal.SIGTERM)

        assert 0 == started.process.wait(30), started.output()


def test_reload_while_it_starts(tmp_path: Path) -> None:
    """SIGHUP during the start does not end the exporter, and reloads its config."""
    arguments = [*command(), f"--web.listen-address=127.0.0.1:{free_port()}"]
    with running(arguments, tmp_path, clean_environment(tmp_path, NO_SERVER)) as started:
        send_during_start(started, signal.SIGHUP)

        def is_reloaded() -> bool:
            started.check_alive()
            return "config reloaded" in started.output()

        eventually(is_reloaded)
        assert 0 == started.stop()
