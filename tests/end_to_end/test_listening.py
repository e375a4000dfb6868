"""Where a running exporter listens: several addresses, and sockets that systemd passes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import START, RunExporter, command
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.waiting import eventually

SET = {"CODER_URL": "http://127.0.0.1:9", "CODER_SESSION_TOKEN": DEMO_TOKEN}


SYSTEMD = """
import os, socket, sys

sockets = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:3]]
copies = [os.dup(each.fileno()) for each in sockets]  # not yet at the numbers that systemd uses
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number)
os.execve(sys.argv[3], sys.argv[3:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})
"""
"""A program that listens and then becomes another one, as a service of systemd does."""


def is_healthy(port: int) -> bool:
    """Return whether an exporter responds on the port."""
    return httpx.get(f"http://127.0.0.1:{port}/-/healthy", trust_env=False).status_code == httpx.codes.OK


@contextmanager
def exporter(folder: Path, words: tuple[str, ...], env: dict[str, str]) -> Iterator[Running]:
    """Run an exporter, which must exit with status 0."""
    with running(words, folder, clean_environment(folder, {**SET, **env})) as process:
        yield process
        assert 0 == process.stop(), process.output()


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_several_addresses(tmp_path: Path, run_exporter: RunExporter, by: str) -> None:
    """All addresses are served, and `health` checks each of them."""
    ports = (free_port(), free_port())
    addresses = [f"127.0.0.1:{port}" for port in ports]
    flags = [f"--web.listen-address={each}" for each in addresses] if by == "flag" else []
    env = {} if flags else {"INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS": " ".join(addresses)}

    with exporter(tmp_path, (*command(), *flags), env) as process:
        eventually(lambda: all(is_healthy(port) for port in ports), START, ignoring=(httpx.TransportError,))
        all_healthy = run_exporter("health", *flags, env=env)
        one_dead = run_exporter(
            "health", f"--web.listen-address={addresses[0]}", f"--web.listen-address=127.0.0.1:{free_port()}"
        )
        assert ",".join(addresses) in process.output()

    assert (0, 1) == (all_healthy.returncode, one_dead.returncode)


def test_socket_of_systemd(tmp_path: Path) -> None:
    """The exporter serves the sockets that it inherits for its own process, as systemd passes them."""
    ports = (free_port(), free_port())
    words = (sys.executable, "-c", SYSTEMD, *map(str, ports), *command(), "--web.systemd-socket")
    with exporter(tmp_path, words, {}):
        eventually(lambda: all(is_healthy(port) for port in ports), START, ignoring=(httpx.TransportError,))


@pytest.mark.parametrize(
    ("flags", "env", "message"),
    [
        pytest.param((), {}, "passed no sockets", id="started by hand"),
        pytest.param(
            (),
            {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"},
            "passed no sockets",
            id="for another process",
        ),
        pytest.param(("--web.listen-address=:1",), {}, "mutually exclusive", id="addresses too"),
    ],
)
def test_no_socket_of_systemd(
    run_exporter: RunExporter, flags: tuple[str, ...], env: dict[str, str], message: str
) -> None:
    """Without sockets for this process the exporter does not start, and logs the reason in one line."""
    ended = run_exporter("--web.systemd-socket", *flags, env={**SET, **env})

    assert 2 == ended.returncode
    assert message in ended.stderr
    assert 1 == len(ended.stderr.splitlines())
