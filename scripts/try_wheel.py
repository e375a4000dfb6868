"""Install a wheel as users do and run it: `python -m scripts.try_wheel dist/*.whl`.

The wheel is installed into an empty environment with pip, and into another with `uv tool install`.
In both, `demo` must poll everything, and `check` and `scrape` must succeed against an embedded
Coder. Requires network access and uv.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve

SECONDS = 120.0
ADDRESS = "127.0.0.1:12199"
SMALL = ("--users=20", "--templates=3")


def install_with_pip(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a virtual environment; return the path of its command."""
    run(sys.executable, "-m", "venv", str(folder))
    run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-cache-dir", str(wheel))
    return folder / "bin/insights-exporter"


def install_with_uv(wheel: Path, folder: Path) -> Path:
    """Install the wheel as a tool of uv; return the path of its command."""
    uv = shutil.which("uv", path=f"{Path('.venv-upkeep/bin').absolute()}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise RuntimeError("uv is not installed; run `make try-wheel`, which installs it")
    environ = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run(uv, "tool", "install", "--quiet", "--no-cache", "--no-config", str(wheel), environ=environ)
    return folder / "bin/insights-exporter"


INSTALLERS = {"pip": install_with_pip, "uv": install_with_uv}


def run(*command: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the standard output of a command.

    Raises:
        RuntimeError: its exit status is not 0.
    """
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environ or {})}
    )
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}: {' '.join(command)}")
    return done.stdout


def try_commands(command: Path, url: str) -> list[str]:
    """Run the wheel's commands and return one line per command.

    Raises:
        RuntimeError: a command failed.
    """
    environ = {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}
    check = run(str(command), "check", environ=environ)
    series = count_series(run(str(command), "scrape", environ=environ))
    return [
        run(str(command), "--version").strip(),
        f"check: {check.count('allowed')} datasets allowed",
        f"scrape: {series} series",
        f"demo: {try_demo(command)} series",
    ]


def try_demo(command: Path) -> int:
    """Run the demo until all polls have succeeded; return the number of series it serves."""
    words = [str(command), "demo", *SMALL, f"--web.listen-address={ADDRESS}"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            series = count_series(wait_for_data(process))
        finally:
            process.send_signal(signal.SIGTERM)
    if process.returncode:
        raise RuntimeError(f"demo: exit status {process.returncode}")
    return series


def wait_for_data(process: subprocess.Popen[bytes]) -> str:
    """Return `/metrics` once all polls have succeeded; raises RuntimeError if that takes too long."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(URLError), urlopen(f"http://{ADDRESS}/metrics", timeout=SECONDS) as response:
            exposition: str = response.read().decode()
            if set(re.findall(r"^insights_exporter_poll_success{.*} (\S+)$", exposition, re.MULTILINE)) == {
                "1.0"
            }:
                return exposition
        time.sleep(0.2)
    raise RuntimeError(f"demo: no data after {SECONDS:.0f} s, exit status {process.poll()}")


def count_series(exposition: str) -> int:
    """Return the number of samples of Coder's data."""
    return sum(line.startswith("coder_insights_") for line in exposition.splitlines())


def main(arguments: Sequence[str]) -> None:
    """Install each wheel with each installer and print the reports of its commands."""
    coder = EmbeddedCoder(population=Population(seed=1, users=20, templates=3))
    for wheel in map(Path, arguments):
        for name, install in INSTALLERS.items():
            with TemporaryDirectory() as folder, serve(coder) as url:
                for line in try_commands(install(wheel, Path(folder)), url):
                    print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
