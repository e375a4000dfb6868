"""What is rendered changes only on purpose.

`UPDATE_GOLDEN=1` in the environment updates the files; look at the difference before it is committed.
"""

import os
from pathlib import Path

import pytest

from tests.helm.chart import CHART, Values, render_text

GOLDEN = Path(__file__).with_name("golden")

CASES: dict[str, tuple[Values, tuple[str, ...]]] = {
    "defaults": ({}, ()),
    "one-deployment": ({}, (f"--values={CHART}/ci/one-deployment-values.yaml",)),
    "sharding": ({}, (f"--values={CHART}/ci/sharding-values.yaml",)),
    "guarded": ({}, (f"--values={CHART}/ci/guarded-values.yaml",)),
}


@pytest.mark.parametrize("case", CASES)
def test_rendered_text_is_as_before(case: str) -> None:
    """Every line of the release is the one that was looked at."""
    values, arguments = CASES[case]
    path = GOLDEN / f"{case}.yaml"
    rendered = render_text(values, *arguments)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(rendered, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == rendered
