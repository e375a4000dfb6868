"""The rooms of the package, and the one way that imports go."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "insights_exporter"
OURS = "insights_exporter."

PARTS = ("config", "exposition", "datasets", "coder", "polling", "web", "backfill")

MAY_IMPORT = {
    "config": (),
    "exposition": (),
    "logs": (),
    "datasets": ("config", "exposition"),
    "coder": ("config", "datasets"),
    "polling": ("config", "exposition", "datasets", "coder"),
    "web": ("config", "exposition", "polling"),
    "backfill": ("config", "exposition", "datasets", "coder"),
    "demo": (),
    "commands": (*PARTS, "demo", "logs"),
    "cli": ("config", "commands", "logs"),
}
"""What a room may import beside itself and the package's version."""


def room(path: Path) -> str:
    """Give the room that a module lives in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    """Give the rooms that a module imports something of."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        source = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for name in names:
            if f"{source}{name}".startswith(OURS):
                yield f"{source}{name}".split(".")[1]


def test_imports_go_one_way() -> None:
    """A room imports itself, the version, and what the table allows."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for other in imported_rooms(path)
        if other not in (room(path), "__version__", *MAY_IMPORT.get(room(path), ()))
    ]

    assert [] == wrong


def test_every_room_is_in_the_table() -> None:
    """A new room says what it may import."""
    rooms = {room(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}

    assert set() == rooms - MAY_IMPORT.keys()
