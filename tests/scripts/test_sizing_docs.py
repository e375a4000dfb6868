"""The numbers in docs/performance.md that follow from results."""

import pytest

from benchmarks.results import Section, Table, read_tables, update
from scripts import sizing_docs

MANY = Section(
    "Many deployments",
    [
        ("measurement", "200 deployments"),
        ("CPU cores used", "0.50"),
        ("memory", "1060 MiB"),
        ("observed for", "300 s, 12345 requests to Coder"),
    ],
)
HTTPS = Section(
    "HTTPS to Coder", [("URL of Coder", "memory"), ("http://", "60.1 MiB"), ("https://", "62.0 MiB")]
)


def build_startup(memory: str) -> Section:
    """Return a section with this memory."""
    return Section("Startup", [("measurement", "value"), ("memory 60 s after the first polls", memory)])


def read(*sections: Section) -> dict[str, Table]:
    """Return the tables of results with these sections."""
    return dict(read_tables(update("", sections)))


def test_numbers_follow_the_results() -> None:
    """The page has the rows of the results, with grouped digits, and what follows from them."""
    text = sizing_docs.render_many_deployments(read(MANY, HTTPS, build_startup("60.0 MiB")))

    assert "| observed for | 300 s, 12,345 requests to Coder |\n" in text
    assert "needs 60 MiB with one deployment" in text
    assert "5.0 MiB per further" in text
    assert "25% of a core" in text
    assert "about 2 MiB more" in text


def test_megabytes_of_older_results_are_converted() -> None:
    """Sections that were measured at different times may have different units."""
    tables = read(MANY, HTTPS, build_startup("63 MB"))

    assert "needs 60 MiB with" in sizing_docs.render_many_deployments(tables)


def test_missing_row_is_an_error() -> None:
    """Results without a row that the page quotes are refused by its name."""
    with pytest.raises(LookupError, match="Startup: memory 60 s after the first polls"):
        sizing_docs.render_many_deployments(read(MANY, HTTPS))
