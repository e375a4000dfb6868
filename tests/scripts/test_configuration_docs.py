"""docs/configuration.md: the description of a config key."""

import json
from typing import Any

import pytest

from insights_exporter.config.loader import read_example
from insights_exporter.config.models import Deployment, Window
from insights_exporter.config.schema import SCHEMA_PATH, build_json_schema
from insights_exporter.datasets.registry import DATASETS
from scripts import configuration_docs
from scripts.configuration_docs import default, kind, table

TEXT = configuration_docs.render()[configuration_docs.PATH]


@pytest.mark.parametrize(
    "line",
    [
        "| `url` | string | required | URL of Coder; may end in `api_path`. |",
        "| `token_file` | path |  | File with the token; re-read at each poll. |",
        "| `windows` | list | `[today, 7d, 30d]` | Spans of days to report",
        "| `timeout` | duration | `30s` | Timeout of a request, including the response body. |",
        "| `INSIGHTS_EXPORTER_LOG_LEVEL` | `--log.level` |",
        "Variables in values, such as `${NAME}`, are not expanded.",
    ],
)
def test_key_has_its_row(line: str) -> None:
    """Key, type, default and description are in one row."""
    assert line in TEXT


@pytest.mark.parametrize("model", [Deployment, Window])
def test_every_key_has_a_line(model: type[Deployment]) -> None:
    """No key is missing, and none is without a description."""
    assert [] == [key for key in model.model_fields if f"| `{key}` | " not in TEXT]
    assert [] == [line for line in TEXT.splitlines() if line.endswith("|  |")]


def test_page_holds_the_example() -> None:
    """The page shows the file that `config init` prints."""
    assert f"```yaml\n{read_example()}```\n" in TEXT


def test_schema_is_written() -> None:
    """It is what `config schema` prints."""
    assert build_json_schema(DATASETS) == json.loads(configuration_docs.render()[SCHEMA_PATH])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "boolean"}, "boolean"),
        ({"enum": ["a", "b"]}, "one of `a`, `b`"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "integer"),
        ({"type": "string", "format": "password"}, "secret string"),
        ({"$ref": "#/$defs/Users"}, "map"),
    ],
)
def test_kind_is_in_words(value: dict[str, Any], words: str) -> None:
    """Readers need not know JSON Schema."""
    assert words == kind(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [({"default": False}, "`false`"), ({"default": 0}, "`0`"), ({"default": []}, ""), ({}, "")],
)
def test_trivial_defaults_are_omitted(value: dict[str, Any], words: str) -> None:
    """`false` and zero are shown, an empty list is not."""
    assert words == default("key", value, {})


def test_bars_do_not_end_cells() -> None:
    """A bar in a text is escaped."""
    assert "| a |\n| --- |\n| b\\|c |" == table(("a",), iter([("b|c",)]))
