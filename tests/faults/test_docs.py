"""The operators' table of faults, held to what is tried."""

import re
from pathlib import Path

from insights_exporter.coder.errors import REASONS
from tests.faults.cases import CASES

FAILURES = (Path(__file__).parents[2] / "docs/failures.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    """Each reason has a row, and no row has a reason that there is not."""
    documented = re.findall(r"^\|[^|]+\| `(\w+)` \|", FAILURES, re.MULTILINE)

    assert set(REASONS) == set(documented)


def test_every_reason_is_tried() -> None:
    """Each reason of the table is met by a fault."""
    assert set(REASONS) == {case.reason for case in CASES if case.reason}
