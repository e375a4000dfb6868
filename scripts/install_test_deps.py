"""The programs of others that tests and bench run, and their setting up.

`python -m scripts.install_test_deps` installs what is missing (on Debian, as root; what is
written in Go beside the interpreter) and leaves the reasons for what it could
not in `build/missing-parts.txt`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MISSING = Path("build/missing-parts.txt")
POLICY = Path("/usr/sbin/policy-rc.d")
BESIDE = str(Path(sys.executable).parent)
PATH = os.pathsep.join([BESIDE, os.environ.get("PATH", os.defpath), "/usr/sbin"])


@dataclass(frozen=True, slots=True)
class Part:
    """A program that is not ours: its command, Debian's package, and the service that comes along."""

    command: str
    package: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class GoPart:
    """A program that is built from its Go module: its command, and where it is in which version."""

    command: str
    module: str


PARTS = (
    Part("prometheus", "prometheus", "prometheus"),
    Part("promtool", "prometheus"),
    Part("chromium", "chromium"),
    Part("curl", "curl"),
    Part("go", "golang-go"),
    Part("shellcheck", "shellcheck"),
    Part("gzip", "gzip"),
    Part("zcat", "gzip"),
    Part("make", "make"),
    Part("systemd-analyze", "systemd"),
    Part("nginx", "nginx-light", "nginx"),
    Part("prometheus-pushgateway", "prometheus-pushgateway", "prometheus-pushgateway"),
    Part("prometheus-node-exporter", "prometheus-node-exporter", "prometheus-node-exporter"),
)

GO_PARTS = (
    GoPart("actionlint", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"),
    GoPart("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"),
)


def find(command: str) -> str | None:
    """Return the path of a program, those that came with Python packages first; None where there is none."""
    return shutil.which(command, path=PATH)


def absent() -> tuple[Part, ...]:
    """Return the parts that are not on this machine."""
    return tuple(part for part in PARTS if not find(part.command))


def absent_of_go() -> tuple[GoPart, ...]:
    """Return the Go programs that are not on this machine."""
    return tuple(part for part in GO_PARTS if not find(part.command))


@contextmanager
def no_services() -> Iterator[None]:
    """Keep Debian's packages from starting their daemons while they are installed."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()


def install(parts: Sequence[Part]) -> str:
    """Install Debian's packages of `parts`; say why not, or nothing where it went well."""
    if not find("apt-get"):
        return "not a Debian system, install it by hand"
    if os.geteuid() != 0:
        return "installing needs root: sudo make parts"
    apt = ("apt-get", "--quiet", "--quiet", "-o", "DPkg::Lock::Timeout=300")
    packages = sorted({part.package for part in parts})
    with no_services():
        for command in (("update",), ("install", "--yes", "--no-install-recommends", *packages)):
            status = run(*apt, *command)
            if status:
                return f"apt-get {command[0]} failed with status {status}"
    services = [part.service for part in parts if part.service]
    if services and find("systemctl"):
        run("systemctl", "--quiet", "disable", *services)
    return ""


def build(part: GoPart) -> str:
    """Build a Go program beside the interpreter; say why not, or nothing where it went well."""
    go = find("go")
    if not go:
        return "building needs go"
    status = run(go, "install", part.module)
    return f"go install failed with status {status}" if status else ""


def run(*command: str) -> int:
    """Run a command that asks nothing and give its status; its output goes to standard error."""
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "GOBIN": BESIDE,
        "GOTOOLCHAIN": "auto",
    }
    done = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return done.returncode


def main() -> None:
    """Install what is missing and write down what stays so."""
    wanted = absent()
    reason = install(wanted) if wanted else ""
    reasons = {part.command: build(part) for part in absent_of_go()}
    lines = [f"{part.command}: {reason or 'not in the package'}\n" for part in absent()]
    lines += [f"{command}: {why}\n" for command, why in reasons.items() if why]
    MISSING.parent.mkdir(exist_ok=True)
    MISSING.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
