"""Config files, one rule each, named after the rule; the expected problems and warnings are at their ends."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from insights_exporter.config.errors import ConfigError
from insights_exporter.config.loader import load_config
from insights_exporter.config.schema import build_json_schema
from insights_exporter.config.strict_yaml import read_yaml
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import ENVIRON, HIDDEN, create_files, make_private

CASES = sorted((Path(__file__).parent / "data").glob("*.yml"))
VALID = [path for path in CASES if path.stem.startswith("valid-")]
INVALID = [path for path in CASES if path.stem.startswith("invalid-")]
SCHEMA = Draft202012Validator(build_json_schema(DATASETS))


def read_expected(path: Path, kind: str) -> list[str]:
    """Return the problems or warnings that a file expects."""
    lead = f"# {kind}: "
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.removeprefix(lead) for line in lines if line.startswith(lead)]


def copy_case(case: Path, folder: Path) -> Path:
    """Copy the file into a folder with all files that it may name."""
    return make_private(create_files(folder) / case.name, case.read_bytes())


@pytest.mark.parametrize("case", INVALID, ids=lambda path: path.stem)
def test_problems_have_place_and_remedy(case: Path, tmp_path: Path) -> None:
    """All problems are reported at once, and nothing else; no secret is repeated."""
    path = copy_case(case, tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config(path, ENVIRON, DATASETS)
    lines = [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    assert [f"{case.name}: {line}" for line in read_expected(case, "problem")] == lines
    assert HIDDEN not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize("case", VALID, ids=lambda path: path.stem)
def test_valid_config_loads_with_its_warnings(case: Path, tmp_path: Path) -> None:
    """Nothing else is logged."""
    warnings = load_config(copy_case(case, tmp_path), ENVIRON, DATASETS).warnings

    assert [f"{case.name}: {line}" for line in read_expected(case, "warning")] == [
        str(warning).replace(f"{tmp_path}/", "") for warning in warnings
    ]


@pytest.mark.parametrize("case", VALID, ids=lambda path: path.stem)
def test_schema_accepts_valid_configs(case: Path) -> None:
    """An editor marks no error in a file that loads."""
    assert [] == list(SCHEMA.iter_errors(read_yaml(case.read_bytes())))


@pytest.mark.parametrize(
    "rule",
    [
        "key-mistyped",
        "top-unknown-key",
        "url-missing",
        "deployments-empty",
        "dialect-unknown",
        "dataset-unknown",
        "every-a-number",
        "window-unknown-word",
        "window-days-too-many",
        "users-limit-negative",
        "users-key-short",
        "requests-zero",
    ],
)
def test_schema_refuses_what_an_editor_can_check(rule: str) -> None:
    """Unknown keys, wrong types and numbers out of range are marked while typing."""
    case = Path(__file__).parent / "data" / f"invalid-{rule}.yml"

    assert [] != list(SCHEMA.iter_errors(read_yaml(case.read_bytes())))


def test_schema_is_a_schema() -> None:
    """It is valid by its own draft, and can be written as JSON."""
    Draft202012Validator.check_schema(json.loads(json.dumps(build_json_schema(DATASETS))))
