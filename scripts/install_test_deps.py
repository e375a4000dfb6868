"""Install the external programs that tests and benchmarks run: `python -m scripts.install_test_deps`.

Installs missing Debian packages (as root), and missing Go programs into the folder of the
interpreter. Programs that cannot be installed are listed with the reason in
`build/missing-parts.txt`.
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
    """An external program: its command, its Debian package, and the service that the package starts."""

    command: str
    package: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class GoPart:
    """A Go program: its command, and its module with the version."""

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
    Part("jq", "jq"),
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
    """Return the path of a program, or None; programs in the interpreter's folder take precedence."""
    return shutil.which(command, path=PATH)


def find_missing() -> tuple[Part, ...]:
    """Return the Debian programs that are not installed."""
    return tuple(part for part in PARTS if not find(part.command))


def find_missing_go() -> tuple[GoPart, ...]:
    """Return the Go programs that are not installed."""
    return tuple(part for part in GO_PARTS if not find(part.command))


@contextmanager
def no_services() -> Iterator[None]:
    """Prevent Debian packages from starting their services while they are installed."""
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
    """Install the Debian packages of `parts`; return an error, or an empty string on success."""
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
    """Install a Go program into the interpreter's folder; return an error, or an empty string."""
    go = find("go")
    if not go:
        return "building needs go"
    status = run(go, "install", part.module)
    return f"go install failed with status {status}" if status else ""


def run(*command: str) -> int:
    """Run a command without input and return its exit status; its output goes to standard error."""
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "GOBIN": BESIDE,
        "GOTOOLCHAIN": "auto",
    }
    done = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return done.returncode


def main() -> None:
    """Install missing programs and list those that are still missing."""
    wanted = find_missing()
    reason = install(wanted) if wanted else ""
    reasons = {part.command: build(part) for part in find_missing_go()}
    lines = [f"{part.command}: {reason or 'not in the package'}\n" for part in find_missing()]
    lines += [f"{command}: {why}\n" for command, why in reasons.items() if why]
    MISSING.parent.mkdir(exist_ok=True)
    MISSING.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
