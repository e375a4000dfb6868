"""Dependencies: declared, locked, and used."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = {"insights_exporter", "tests", "scripts", "benchmarks", "grafana"}
LINE_OF_A_LOCK = re.compile(r"[a-z0-9.-]+==[\w.!+]+( ; [^/\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")


def normalize(name: str) -> str:
    """Return a distribution's name as the packaging rules normalise it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(requirements: Sequence[object]) -> set[str]:
    """Return the names that requirements begin with; those that include a group have none."""
    return {normalize(re.split(r"[^\w.-]", text)[0]) for text in requirements if isinstance(text, str)}


RUNTIME = distributions(PROJECT["project"]["dependencies"])
DEVELOPMENT = RUNTIME | distributions(
    [*PROJECT["dependency-groups"]["dev"], *PROJECT["dependency-groups"]["build"]]
)


def imported(directory: Path) -> Iterator[str]:
    """Yield the first name of every module of others that a directory's modules import."""
    for path in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from (name.split(".")[0] for name in names)


@pytest.mark.parametrize(
    ("directory", "declared"),
    [
        pytest.param("src", RUNTIME, id="src"),
        *(pytest.param(name, DEVELOPMENT, id=name) for name in ("tests", "scripts", "benchmarks", "grafana")),
    ],
)
def test_what_is_imported_is_declared(directory: str, declared: set[str]) -> None:
    """No module leans on what only another dependency brings along."""
    known = {
        module
        for module, owners in packages_distributions().items()
        if not declared.isdisjoint(map(normalize, owners))
    }

    assert set() == set(imported(ROOT / directory)) - known - OURS - sys.stdlib_module_names


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_lock_holds_versions_and_hashes_only(lock: Path) -> None:
    """A line of a lock is a pinned name, perhaps with a marker, or a hash."""
    lines = lock.read_text(encoding="utf-8").splitlines()

    assert [] == [line for line in lines if not LINE_OF_A_LOCK.fullmatch(line)]


def pins(lock: str) -> set[str]:
    """Return what a lock pins, each as `name==version`."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9.-]+==[^ ]+)", text, re.MULTILINE))


@pytest.mark.parametrize("part", ["runtime", "build"])
def test_what_is_tested_is_what_is_run(part: str) -> None:
    """The developers' lock has every version of the others."""
    assert set() == pins(part) - pins("dev")


@pytest.mark.parametrize(
    "name", ["apscheduler", "httptools", "httpx", "msgspec", "pydantic", "starlette", "typer", "uvicorn"]
)
def test_dependencies_with_relied_on_details_are_bounded(name: str) -> None:
    """Installers that ignore the locks do not install a release that may break the exporter."""
    (requirement,) = [text for text in PROJECT["project"]["dependencies"] if re.match(rf"{name}[<>=]", text)]

    assert re.search(r",<\d", requirement)
