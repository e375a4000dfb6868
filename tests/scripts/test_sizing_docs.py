"""The numbers in docs/performance.md that follow from results."""

from collections.abc import Sequence

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


def test_other_units_are_refused() -> None:
    """A size that is not in MiB is not taken for one."""
    with pytest.raises(ValueError, match="63 MB"):
        sizing_docs.render_many_deployments(read(MANY, HTTPS, build_startup("63 MB")))


def test_missing_row_is_an_error() -> None:
    """Results without a row that the page quotes are refused by its name."""
    with pytest.raises(LookupError, match="Startup: memory 60 s after the first polls"):
        sizing_docs.render_many_deployments(read(MANY, HTTPS))


def build_sizes(*rows: Sequence[str]) -> Section:
    """Return a section with rows of users, templates and series; 1,000 series are 1 MiB, or 100 KiB."""
    header = ("users", "templates", "series", "aggregate", "response", "gzip", "requests", "CPU", "peak")
    ends = ("1", "0.5 s", "61 MiB")
    return Section(
        "Deployments by size",
        [
            header,
            *((*row, "1", f"{int(row[2]) * 1.024} KiB", f"{int(row[2]) / 10} KiB", *ends) for row in rows),
        ],
    )


def test_series_of_a_template_follow_from_sizes_of_the_same_users() -> None:
    """The difference of two sizes with the same users is divided by that of their templates."""
    tables = read(
        build_sizes(("9", "5", "500"), ("1000", "10", "2900"), ("1000", "50", "4900"), ("1000", "90", "5900"))
    )

    text = sizing_docs.render_sizes(tables)

    assert "| 1,000 | 50 | 4,900 | " in text
    assert "A further template adds 25 to 50 series" in text
    assert "100,000 series are a response of 100 to 100 MiB, or 10 to 10 MiB compressed." in text


def test_plans_follow_from_the_sizes() -> None:
    """Series, shards, requests and disk are multiples of those of one deployment."""
    sizes = [(f"{plan.users}", f"{plan.templates}", "4881") for plan in sizing_docs.PLANS]

    text = sizing_docs.render_plans(read(build_sizes(*sizes)))

    assert "| 1 | 1,000 | 50 | 4,881 | 1 | 4.6/min | 4.6/min | 5 GB |\n" in text
    assert "| 50 | 1,000 | 50 | 244,000 | 3 | 4.6/min | 3.8/s | 260 GB |\n" in text
    assert "| 2,000 | 5 | 5 | 9,760,000 | 98 | 1.6/min | 53/s | 10,000 GB |\n" in text
