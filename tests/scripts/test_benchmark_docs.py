"""The numbers of the benchmarks in the documentation."""

from pathlib import Path

import pytest

from benchmarks.results import RESULTS, Section, find_cell, read_tables, update
from scripts import benchmark_docs

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("collector", "gauge_histograms", "series", "same", "lost", "changed", "as increases", "added", "on")
KEPT, LOST = ("1200", "1200", "0", "0", "0", "0"), ("1200", "1100", "100", "0", "0", "30")
COLLECTORS = [
    HEADER,
    ("A", "default", *KEPT, "2026-05-01"),
    ("A", "gauges", *KEPT, "2026-05-01"),
    ("B", "default", *KEPT, "2026-05-01"),
    ("B", "gauges", *KEPT, "2026-05-01"),
    ("C", "default", *LOST, "2026-05-02"),
    ("C", "gauges", *KEPT, "2026-05-02"),
    ("D", "gauges", *KEPT, "2026-05-02"),
]


def test_collectors_that_keep_the_same_share_a_row() -> None:
    """Collectors have one row for both forms if these are the same, and share it with others."""
    text = benchmark_docs.render_collectors(read_tables(update("", [Section("Collectors", COLLECTORS)])))

    assert (
        """\
| A, B | with or without | 1,200 | 1,200 | 0 | 0 | 0 | 0 |
| C | without | 1,200 | 1,100 | 100 | 0 | 0 | 30 |
| C, D | with | 1,200 | 1,200 | 0 | 0 | 0 | 0 |

Compared on 2026-05-01 and 2026-05-02.
"""
        in text
    )


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the path of a page with two blocks."""
    monkeypatch.setattr(benchmark_docs, "ROOT", tmp_path)
    monkeypatch.setattr(benchmark_docs, "PAGES", {"page.md": (lambda _: "first", lambda _: "second")})
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / benchmark_docs.RESULTS).write_text("", encoding="utf-8")
    return tmp_path / "page.md"


def test_blocks_are_replaced_in_order(page: Path) -> None:
    """Each block gets its numbers, and the text around them is kept."""
    block = f"{benchmark_docs.BEGIN}old\n{benchmark_docs.END}"
    page.write_text(f"before\n{block}between\n{block}after\n", encoding="utf-8")

    first, second = (f"{benchmark_docs.BEGIN}\n{each}\n{benchmark_docs.END}" for each in ("first", "second"))
    assert {"page.md": f"before\n{first}between\n{second}after\n"} == benchmark_docs.render()


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_another_number_of_blocks_is_an_error(page: Path, blocks: int) -> None:
    """A page that has lost its markers is refused by its name."""
    page.write_text(f"{benchmark_docs.BEGIN}{benchmark_docs.END}" * blocks, encoding="utf-8")

    with pytest.raises(ValueError, match=rf"page\.md has {blocks} blocks of numbers instead of 2"):
        benchmark_docs.render()


def test_quoted_results_are_recorded() -> None:
    """Sentences that quote single numbers have those of the results."""
    tables = read_tables(RESULTS.read_text(encoding="utf-8"))
    samples = find_cell(tables, "Backfill", "samples, all in Prometheus' blocks")
    text, _, _ = find_cell(tables, "Backfill", "largest size of OpenMetrics text on disk").partition(" in ")

    page = " ".join((ROOT / "docs" / "history.md").read_text(encoding="utf-8").split())
    assert (
        f"One year of a deployment with 20 templates has {samples} samples, and up to {text} of text" in page
    )
