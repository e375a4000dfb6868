"""The operators' table of faults, held to what is tried."""

import re
from pathlib import Path

from insights_exporter.coder.failures import REASONS
from tests.faults.cases import CASES

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
FAULTS = PAGE.partition("### Faults")[2].partition("### ")[0]


def test_every_reason_is_explained() -> None:
    """Each reason has a row, and no row has a reason that there is not."""
    told = re.findall(r"^\|[^|]+\| `(\w+)` \|", FAULTS, re.MULTILINE)

    assert set(REASONS) == set(told)


def test_every_reason_is_tried() -> None:
    """Each reason of the table is met by a fault."""
    assert set(REASONS) == {case.reason for case in CASES if case.reason}
