"""Checks of the whole repository: addresses, words, links, versions, sizes."""

import ast
import json
import os
import re
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import insights_exporter

ROOT = Path(__file__).resolve().parents[1]

NOT_OURS = re.compile(
    r"^(\.(git|venv.*|.*_cache|hypothesis|coverage.*)|build|dist|node_modules|__pycache__|.*\.egg-info)$"
)
BINARY = {".png", ".gz", ".ico", ".woff2", ".tgz"}

LONGEST_MODULE = 400

REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
        ("repo", "maven"),
        ("repo1", "maven"),
    )
)
UNWANTED_WORDS = re.compile(
    r"(?<![a-z])("
    r"anew|afresh|whoever|nobody|mend(s|ed|ing)?|takes? note|made[- ]up|left[- _]out|held[- _]back|withheld"
    r"|is told|better known|not usable as set|glances?|shel(f|ves)|errands?"
    r")(?![a-z])",
    re.IGNORECASE,
)
"""Words that make a text read as if it were translated."""
UNWANTED_START = re.compile(r"(Give|Tell|Say)\b")
"""Docstrings say what a function returns, reports or provides."""

MACHINE_PATHS = tuple(f"/{name}/" for name in ("work", "root"))


def list_files(directory: Path = ROOT) -> Iterator[Path]:
    """Yield all text files that are not built, sorted."""
    for path in sorted(directory.iterdir()):
        if NOT_OURS.match(path.name):
            continue
        if path.is_dir():
            yield from list_files(path)
        elif path.suffix not in BINARY:
            yield path


def modules() -> list[Path]:
    """Return all Python files of the repository."""
    return [path for path in list_files() if path.suffix == ".py"]


def named(path: Path) -> str:
    """Return a path relative to the repository."""
    return path.relative_to(ROOT).as_posix()


def find_mentions(words: tuple[str, ...]) -> list[str]:
    """Return each file in which one of `words` stands, and that word."""
    pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(word)}" for word in words))
    return [
        f"{named(path)}: {found.group()}"
        for path in list_files()
        if (found := pattern.search(path.read_text(encoding="utf-8")))
    ]


def test_no_file_names_a_package_registry() -> None:
    """The user who installs packages decides where they come from."""
    assert [] == find_mentions(REGISTRIES)


def test_words_are_plain_english() -> None:
    """No file uses one of the unwanted words."""
    assert [] == [
        f"{named(path)}:{number}: {found.group()}"
        for path in list_files()
        if path != Path(__file__)  # which has to name them
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := UNWANTED_WORDS.search(line))
    ]


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module and of all that it defines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def test_docstrings_begin_with_plain_verbs() -> None:
    """No docstring begins with an unwanted verb."""
    assert [] == [
        f"{named(path)}: {text}"
        for path in modules()
        for text in docstrings(path)
        if UNWANTED_START.match(text)
    ]


def test_no_file_names_a_path_of_one_machine() -> None:
    """No file contains an absolute path of a machine."""
    assert [] == find_mentions(MACHINE_PATHS)


def test_tests_run_on_the_installed_package() -> None:
    """The package under test is the wheel, unless TEST_SOURCE_TREE is set."""
    if os.environ.get("TEST_SOURCE_TREE"):
        pytest.skip("TEST_SOURCE_TREE is set")

    assert "site-packages" in Path(insights_exporter.__file__).parts


def test_package_is_typed() -> None:
    """`py.typed` is installed with the modules."""
    assert files("insights_exporter").joinpath("py.typed").is_file()


def test_changelog_begins_with_this_version() -> None:
    """The newest entry of the changelog is `[Unreleased]` or the version of the package; each has a link."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^]]+)\]", text, re.MULTILINE)

    assert headings[0] in {"Unreleased", insights_exporter.__version__}
    assert headings == re.findall(r"^\[(.+)\]: https://", text, re.MULTILINE)


def test_chart_is_of_this_version() -> None:
    """The chart has the version of the package."""
    for chart in ROOT.glob("helm/*/Chart.yaml"):
        assert (
            insights_exporter.__version__ == yaml.safe_load(chart.read_text(encoding="utf-8"))["appVersion"]
        )


def test_installed_command_is_ours() -> None:
    """The wheel installs the command `insights-exporter`, in the version of the package."""
    if os.environ.get("TEST_SOURCE_TREE"):
        pytest.skip("TEST_SOURCE_TREE is set")
    (command,) = entry_points(group="console_scripts", name="insights-exporter")

    assert callable(command.load())
    assert insights_exporter.__version__ == version("insights-exporter")


def test_modules_are_small() -> None:
    """No Python file is so long that it holds two topics."""
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}

    assert {} == {name: length for name, length in lengths.items() if length > LONGEST_MODULE}


PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("helm/**/*.md")])


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_are_valid(page: Path) -> None:
    """Each relative link of a page leads to a file, and its anchor to a heading."""
    links = re.findall(
        r"(?:\]\(|(?:src|srcset)=\")([^):#\"\s]*)(?:#([^)\"\s]+))?[)\"]", page.read_text(encoding="utf-8")
    )
    targets = [(page.parent / path if path else page, anchor) for path, anchor in links]

    assert [] == [str(target) for target, _ in targets if not target.exists()]
    assert [] == [
        f"{target.name}#{anchor}"
        for target, anchor in targets
        if anchor and target.suffix == ".md" and anchor not in list_anchors(target)
    ]


def test_files_that_the_contributing_guide_names_exist() -> None:
    """A path in backticks is a file or folder of the repository, or a module of the package."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`([a-z_]+/[\w./-]+)`", guide)
    places = {path: (ROOT / path, *(ROOT / "src/insights_exporter").glob(f"{path}*")) for path in paths}

    assert [] == [path for path, found in places.items() if not any(map(Path.exists, found))]


def test_committed_json_is_readable() -> None:
    """Each JSON file of the repository parses."""
    for path in list_files():
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
