"""Golden files of rendered releases.

`UPDATE_GOLDEN=1` in the environment updates the files; review the difference before you commit it.
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
    "authentication": ({}, (f"--values={CHART}/ci/authentication-values.yaml",)),
}


@pytest.mark.parametrize("case", CASES)
def test_rendered_text_is_as_before(case: str) -> None:
    """The rendered release equals its golden file."""
    values, arguments = CASES[case]
    path = GOLDEN / f"{case}.yaml"
    rendered = render_text(values, *arguments)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(rendered, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == rendered
