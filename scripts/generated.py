"""Write the files that are generated from the code, or check that they are up to date.

python -m scripts.generated            write the files
python -m scripts.generated --check    print the files that differ; exit status 1 if any do
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grafana import build as dashboards
from grafana.dashboards import PROVISIONED
from grafana.preview import sums
from scripts import (
    architecture_picture,
    benchmark_docs,
    chart_defaults,
    chart_readme,
    chart_schema,
    command_line_docs,
    configuration_docs,
    failure_docs,
    metrics_docs,
)

ROOT = Path(__file__).resolve().parents[1]

GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (
    metrics_docs.render,
    configuration_docs.render,
    failure_docs.render,
    command_line_docs.render,
    architecture_picture.render,
    benchmark_docs.render,
    chart_defaults.render,
    chart_schema.render,
    chart_readme.render,
    dashboards.render,
)
"""Each returns the text of its files, by their path in the repository."""


def wanted() -> dict[str, str]:
    """Return the expected text of all generated files, by path."""
    return {path: text for generate in GENERATORS for path, text in generate().items()}


def outdated(files: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Return the paths of `files` that are missing or differ."""
    return [path for path, text in files.items() if _read(root / path) != text]


def write(files: Mapping[str, str], root: Path = ROOT) -> None:
    """Write `files` under `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def warn_of_pictures(files: Mapping[str, str], root: Path = ROOT) -> None:
    """Print the dashboards that have changed since their pictures were rendered."""
    dashboards = {path: text for path, text in files.items() if Path(path).parent == Path(PROVISIONED)}
    for name in sums.find_outdated(dashboards, root / sums.PICTURES):
        print(f"{sums.PICTURES} shows an older {name}; `make dashboard-images` renders it again")


def main(arguments: Sequence[str]) -> int:
    """Write or check, and return the exit status."""
    files = wanted()
    old = outdated(files)
    if "--check" not in arguments:
        write({path: files[path] for path in old})
        warn_of_pictures(files)
        return 0
    for path in old:
        print(f"{path} is out of date; `make docs` updates it")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
