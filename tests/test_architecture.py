"""The packages of the exporter, and the one way that imports go."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "insights_exporter"
OURS = "insights_exporter."

PARTS = ("config", "exposition", "coder", "datasets", "polling", "web", "backfill")

MAY_IMPORT = {
    "runtime": (),
    "log": (),
    "config": (),
    "exposition": (),
    "coder": ("config",),
    "datasets": ("config", "exposition", "coder"),
    "polling": ("config", "exposition", "coder", "datasets", "runtime"),
    "web": ("config", "exposition", "polling", "runtime"),
    "backfill": ("config", "exposition", "coder", "datasets"),
    "demo": (),
    "commands": (*PARTS, "demo", "log", "runtime"),
    "cli": ("config", "datasets", "commands", "log"),
    "__main__": ("cli",),
}
"""What a package may import besides itself and the package's version."""


def package(path: Path) -> str:
    """Return the package that a module is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_packages(path: Path) -> Iterator[str]:
    """Yield the packages that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        source = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for name in names:
            if f"{source}{name}".startswith(OURS):
                yield f"{source}{name}".split(".")[1]


def test_imports_go_one_way() -> None:
    """A package imports itself, the version, and what the table allows."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for other in imported_packages(path)
        if other not in (package(path), "__version__", *MAY_IMPORT.get(package(path), ()))
    ]

    assert [] == wrong


def test_every_package_is_in_the_table() -> None:
    """The table names every package."""
    packages = {package(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}

    assert set() == packages - MAY_IMPORT.keys()
