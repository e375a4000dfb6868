"""The layout of the exporter's code: packages, the direction of imports, sizes and names."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
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
    "polling": ("config", "exposition", "coder", "datasets", "log", "runtime"),
    "web": ("config", "exposition", "datasets", "polling", "runtime"),
    "backfill": ("config", "exposition", "coder", "datasets"),
    "demo": (),
    "commands": (*PARTS, "demo", "log", "runtime"),
    "cli": ("config", "datasets", "commands", "log", "runtime"),
    "__main__": ("cli",),
}
"""What a package may import besides itself and the package's version."""

MOST_MODULES = 120
"""Without those of the registered datasets, of which each new one adds a module."""
MOST_LINES = 17_600
"""Of the same modules: a feature that raises it has to be worth its lines."""
LONGEST_MODULE = 400
SHORTEST_MODULE = 40
SHORT_MODULES = {
    "__main__.py": "runs the command line",
}
"""Modules below SHORTEST_MODULE, with the reason."""

NOT_VERBS = re.compile(
    "_*("
    "active|activity|address|all|amounts|answered|apps|asked|body|bucket|by|checked|cli|context|converted"
    "|current|daily|data|day|days|default|deployment|details|elements|enabled|entries|entry|error|example"
    "|exact|existing|expiry|exposed|families|first|folded|folder|formatted|found|groups|header|headers"
    "|historic|info|interval|joined|json|kept|known|labels|latencies|latency|latest|line|listed|masked|max"
    "|metrics|midnight|min|mine|minimum|missing|models|named|newest|next|number|of|offset|one|opened"
    "|options|owned|owner|parameter|parameters|parsed|parts|passed|periods|plain|poller|polls|position"
    "|problems|progress|proxy|rating|rendered|repeated|results|rows|safe|sample|samples|said|seconds"
    "|sections|series|shard|shown|size|slowest|source|state|status|summary|syntax|table|taken|template"
    "|templates|text|there|time|times|tls|token|told|trailer|understood|unique|unknown|unreadable|unusable"
    "|updated|usage|user|users|visible|whole|window|windows|world|written|zone"
    ")(_.*)?"
)
"""Names that begin with what a value is; functions begin with an imperative verb."""

CAMEL_CASE = re.compile("[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
"""How classes and type aliases are spelled, other than constants and what is private."""

DOCUMENTED_UNDERSCORES = {"_asdict", "_replace", "_fields", "_make"}
"""Public methods of named tuples."""


@cache
def parse(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def modules() -> list[Path]:
    """Return all modules of the package but the `__init__.py` files, sorted."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def package(path: Path) -> str:
    """Return the package that a module is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_packages(path: Path) -> Iterator[str]:
    """Yield the packages that a module imports."""
    for node in ast.walk(parse(path)):
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


def length(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def declares_dataset(path: Path) -> bool:
    """Return whether a module declares a dataset for the registry."""
    assigned = (node.targets for node in parse(path).body if isinstance(node, ast.Assign))
    return any(
        isinstance(each, ast.Name) and each.id == "DATASET" for targets in assigned for each in targets
    )


def test_size_is_bounded() -> None:
    """The package has at most MOST_MODULES modules and MOST_LINES lines that are not about one dataset."""
    others = [path for path in modules() if not declares_dataset(path)]

    assert len(others) <= MOST_MODULES, "merge modules that are about one topic"
    assert sum(map(length, others)) <= MOST_LINES, "remove what no user would miss"


def test_a_module_is_a_topic() -> None:
    """A module is neither too long for one topic nor too short for a file of its own."""
    lengths = {path.relative_to(PACKAGE).as_posix(): length(path) for path in modules()}

    assert [] == [name for name, lines in lengths.items() if lines > LONGEST_MODULE]
    assert SHORT_MODULES.keys() == {name for name, lines in lengths.items() if lines < SHORTEST_MODULE}


def declared_types(path: Path) -> Iterator[str]:
    """Yield the names of a module's public classes and type aliases, such as `Level = Literal[...]`."""
    for node in parse(path).body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            alias = getattr(node, "name", None)  # of `type X = ...`, from Python 3.12
            names = [alias.id] if isinstance(alias, ast.Name) else []
        yield from filter(CAMEL_CASE.fullmatch, names)


def test_public_type_names_are_unique() -> None:
    """One public name is one thing, in the whole package: a class, a type alias or a NewType."""
    places = defaultdict(list)
    for path in modules():
        for name in declared_types(path):
            places[name].append(path.relative_to(PACKAGE).as_posix())

    repeated = {name: paths for name, paths in places.items() if len(paths) > 1}

    assert {} == repeated, "rename one of each, such as Entry to DayCount"


def functions(path: Path) -> Iterator[str]:
    """Yield the names of a module's functions and methods, without properties."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            if decorators.isdisjoint({"property", "cached_property"}):
                yield node.name


def test_functions_are_named_by_verbs() -> None:
    """A function is named by what it does, not by what it returns."""
    assert {} == {
        path.relative_to(PACKAGE).as_posix(): names
        for path in modules()
        if (names := list(filter(NOT_VERBS.fullmatch, functions(path))))
    }


def is_private(name: str) -> bool:
    """Return whether a name is private: one underscore at its start, and no documented exception."""
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED_UNDERSCORES


def private_uses(path: Path) -> Iterator[str]:
    """Yield the private modules, names and attributes of others that a module uses."""
    own = {node.attr for node in ast.walk(parse(path)) if isinstance(node, ast.Attribute) and _of_self(node)}
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            dotted = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            if any(is_private(part) for name in dotted for part in name.split(".")):
                yield ast.unparse(node)
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            yield ast.unparse(node)


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def test_nothing_private_of_others_is_used() -> None:
    """No module uses a private module, name or attribute of a dependency or of another module."""
    assert {} == {path.name: uses for path in modules() if (uses := list(private_uses(path)))}


def test_metrics_are_named_by_datasets_only() -> None:
    """Rendering, limits and commands are the same for all families; they get names from the registry."""
    assert [] == [
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if package(path) != "datasets" and "coder_insights_" in path.read_text(encoding="utf-8")
    ]
