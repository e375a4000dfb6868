"""Interval reports: rows of days."""

from itertools import pairwise

from tests.demo.client import TEMPLATES, WEEK, coder, fetch_report, load_document


def test_intervals_cover_the_window() -> None:
    """Sorted rows have no gaps, and rows are in no particular order."""
    query = {"start_time": "2026-05-04T00:00:00+02:00", "end_time": "2026-05-18T00:00:00+02:00"}
    rows = load_document(coder(), TEMPLATES, query | {"interval": "day"})["interval_reports"]
    ordered = sorted(rows, key=lambda row: str(row["start_time"]))

    assert 14 == len(rows)
    assert query == {"start_time": ordered[0]["start_time"], "end_time": ordered[-1]["end_time"]}
    assert all(before["end_time"] == after["start_time"] for before, after in pairwise(ordered))
    assert ordered != rows


def test_last_interval_may_be_short() -> None:
    """The running day ends with the window."""
    rows = load_document(coder(), TEMPLATES, WEEK | {"interval": "day"})["interval_reports"]

    assert WEEK["end_time"] == max(row["end_time"] for row in rows)
    assert len(rows) == 7


def test_interval_row_is_the_report_of_its_own_window() -> None:
    """A row equals the report of its own window."""
    server = coder()
    for row in load_document(server, TEMPLATES, WEEK | {"interval": "day"})["interval_reports"]:
        window = {"start_time": row["start_time"], "end_time": row["end_time"]}
        alone = fetch_report(server, "templates", window)

        assert (row["active_users"], row["template_ids"]) == (alone["active_users"], alone["template_ids"])
