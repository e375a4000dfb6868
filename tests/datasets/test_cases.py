"""Named cases of responses and their expositions."""

from pathlib import Path

import pytest

from insights_exporter.datasets.registry import DATASETS
from tests.datasets.cases import CASES, DATA, render_case


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_response_is_exposed_as_expected(case: Path) -> None:
    """A response becomes these series and no others."""
    expected = (case / "expected.prom").read_text(encoding="utf-8")

    assert expected == render_case(case)


def test_every_dataset_has_cases() -> None:
    """No dataset is without a folder of cases, and no folder without a dataset."""
    assert set(DATASETS) == {folder.name for folder in DATA.iterdir()}
