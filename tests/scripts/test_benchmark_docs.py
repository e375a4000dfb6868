"""The numbers of the benchmarks in the documentation."""

from pathlib import Path

import pytest

from benchmarks.results import Section, read_tables, update
from scripts import benchmark_docs

SECTIONS = [
    Section(
        "Many deployments",
        [
            ("measurement", "200 deployments"),
            ("CPU cores used", "0.50"),
            ("memory", "1060 MiB"),
            ("observed for", "300 s, 12345 requests to Coder"),
        ],
    ),
    Section("Startup", [("measurement", "value"), ("memory 60 s after the first polls", "60 MiB")]),
]


def test_numbers_follow_the_results() -> None:
    """The page has the rows of the results, with grouped digits, and what follows from them."""
    text = benchmark_docs.render_sizing(read_tables(update("", SECTIONS)))

    assert "| observed for | 300 s, 12,345 requests to Coder |\n" in text
    assert "needs 60 MiB with one deployment" in text
    assert "5.0 MiB per further" in text
    assert "25% of a core" in text


def test_megabytes_of_older_results_are_converted() -> None:
    """Sections that were measured at different times may have different units."""
    older = Section("Startup", [("measurement", "value"), ("memory 60 s after the first polls", "63 MB")])

    assert "needs 60 MiB with" in benchmark_docs.render_sizing(read_tables(update("", [SECTIONS[0], older])))


def test_missing_row_is_an_error() -> None:
    """Results without a row that a page quotes are refused by its name."""
    with pytest.raises(LookupError, match="Startup: memory 60 s after the first polls"):
        benchmark_docs.render_sizing(read_tables(update("", SECTIONS[:1])))


def test_page_without_markers_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that has lost its markers is refused by its name."""
    monkeypatch.setattr(benchmark_docs, "ROOT", tmp_path)
    monkeypatch.setattr(benchmark_docs, "PAGES", {"page.md": lambda _: "numbers"})
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / benchmark_docs.RESULTS).write_text("", encoding="utf-8")
    (tmp_path / "page.md").write_text("no markers", encoding="utf-8")

    with pytest.raises(ValueError, match=r"page\.md has no block of numbers"):
        benchmark_docs.render()
