"""What the Dockerfile's steps make, done in clean folders."""

import importlib.metadata
import re
import subprocess
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

import insights_exporter
from tests.container.compose_file import read_compose_file
from tests.container.dockerfile import ROOT, read_dockerfile
from tests.container.dockerfile_runner import Builder, BuiltStage, NoRegistryError
from tests.integration.plain_http import NO_AUTHORITIES
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.programs import skip_or_fail
from tests.integration.waiting import eventually

EPOCH = {"SOURCE_DATE_EPOCH": "1767225600"}
LOCK = ROOT / "requirements/runtime.lock"
UNCHECKED_HASH = 1
pytestmark = pytest.mark.timeout(600)  # it installs everything from scratch


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Provide a builder that has built the stage from which the image copies."""
    builder = Builder(read_dockerfile(), tmp_path_factory.mktemp("image"), EPOCH)
    try:
        builder.build("installer")
    except NoRegistryError:
        skip_or_fail("a package registry")
    return builder


@pytest.fixture(scope="module")
def installed(builder: Builder) -> Path:
    """Provide the folder that the image gets."""
    return installer(builder).place("/opt/insights-exporter")


def installer(builder: Builder) -> BuiltStage:
    """Return the stage in which everything is installed."""
    return builder.build("installer")


def test_exactly_what_is_locked_is_installed(installed: Path) -> None:
    """The folder holds the versions of the lock, the exporter, and no pip."""
    locked = re.findall(
        r"^([a-z0-9.-]+)==([^ ]+)",
        (ROOT / "requirements/runtime.lock").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    (packages,) = installed.glob("lib/python3.*/site-packages")
    found = {
        (normalize(each.name), each.version)
        for each in importlib.metadata.distributions(path=[str(packages)])
    }

    assert ("insights-exporter", insights_exporter.__version__) in found
    assert set() == found - set(locked) - {("insights-exporter", insights_exporter.__version__)}
    assert {"httpx", "pydantic-core", "uvloop"} <= {name for name, _ in found}


def normalize(name: str) -> str:
    """Return a distribution's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_nothing_is_compiled_while_it_runs(installed: Path) -> None:
    """Each module has its bytecode, bound to no time of the build."""
    (packages,) = installed.glob("lib/python3.*/site-packages")
    sources = set(packages.rglob("*.py"))
    compiled = list(packages.rglob("*.pyc"))

    assert len(sources) == len(compiled)
    assert {UNCHECKED_HASH} == {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled}


def test_wheel_is_the_same_in_every_build(builder: Builder, tmp_path: Path) -> None:
    """Built again elsewhere, from files of another time, the wheel has the same bytes."""
    again = Builder(read_dockerfile(), tmp_path, EPOCH).build("wheel")

    assert hash_tree(builder.build("wheel")) == hash_tree(again)


def hash_tree(built: BuiltStage) -> tuple[str, str]:
    """Return name and digest of the one wheel of a stage."""
    (wheel,) = built.folder.glob("*.whl")
    return wheel.name, sha256(wheel.read_bytes()).hexdigest()


def test_wheel_holds_the_package_alone(builder: Builder) -> None:
    """The wheel has the package and its metadata, and no tests."""
    (wheel,) = builder.build("wheel").folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        tops = {name.partition("/")[0] for name in file.namelist()}

    version = insights_exporter.__version__
    assert {"insights_exporter", f"insights_exporter-{version}.dist-info"} == tops


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[str]:
    """Run the command of the image as compose does and yield its address."""
    address = f"127.0.0.1:{free_port()}"
    command = read_compose_file()["services"]["insights-exporter"]["command"]
    words = [str(installed / "bin/insights-exporter"), *command, f"--web.listen-address={address}"]
    with running(words, tmp_path, clean_environment(tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"})) as process:
        eventually(lambda: is_healthy(address), ignoring=(httpx.TransportError,))
        yield address
        assert process.stop() == 0


def is_healthy(address: str) -> bool:
    """Return whether the exporter responds."""
    return httpx.get(f"http://{address}/-/healthy", trust_env=False, verify=NO_AUTHORITIES).is_success


def test_healthcheck_sees_a_healthy_exporter(installed: Path, demo: str) -> None:
    """The check of the image's health ends with 0 while the exporter serves."""
    assert 0 == check(installed, demo)


def test_healthcheck_fails_without_a_server(installed: Path) -> None:
    """The check exits with 1 if no server responds, as Docker expects."""
    assert 1 == check(installed, f"127.0.0.1:{free_port()}")


def check(installed: Path, address: str) -> int:
    """Run the image's health check for an address and return its exit status."""
    words = [str(installed / "bin/insights-exporter"), "health", f"--web.listen-address={address}"]
    return subprocess.run(words, check=False, capture_output=True, timeout=60).returncode
