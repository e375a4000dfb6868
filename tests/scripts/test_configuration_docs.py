"""docs/configuration.md: what is told of a setting."""

import json
from typing import Any

import pytest

from insights_exporter.config.loader import example
from insights_exporter.config.models import Deployment, Window
from insights_exporter.config.schema import SCHEMA_PATH, json_schema
from insights_exporter.datasets.registry import DATASETS
from scripts import configuration_docs
from scripts.configuration_docs import default, kind, table

TEXT = configuration_docs.render()[configuration_docs.PATH]


@pytest.mark.parametrize(
    "line",
    [
        "| `url` | text | required | Where Coder is. May already end in `api_path`. |",
        "| `token_file` | path |  | File that holds the token; read anew at each poll. |",
        "| `windows` | list | `[today, 7d, 30d]` | What spans of days",
        "| `timeout` | duration | `30s` | How long one request may take, the answer's body included. |",
        "| `INSIGHTS_EXPORTER_LOG_LEVEL` | `--log.level` |",
        "Text is taken as it stands: `${NAME}` is not replaced.",
    ],
)
def test_setting_has_its_line(line: str) -> None:
    """Key, kind, default and meaning stand in one row."""
    assert line in TEXT


@pytest.mark.parametrize("model", [Deployment, Window])
def test_every_key_has_a_line(model: type[Deployment]) -> None:
    """No key is left out, and none is without a meaning."""
    assert [] == [key for key in model.model_fields if f"| `{key}` | " not in TEXT]
    assert [] == [line for line in TEXT.splitlines() if line.endswith("|  |")]


def test_page_holds_the_example() -> None:
    """The page shows the file that `config init` prints."""
    assert f"```yaml\n{example()}```\n" in TEXT


def test_schema_is_written_beside_the_page() -> None:
    """What editors are sent to is what `config schema` prints."""
    assert json_schema(DATASETS) == json.loads(configuration_docs.render()[SCHEMA_PATH])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "boolean"}, "`true` or `false`"),
        ({"enum": ["a", "b"]}, "one of `a`, `b`"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "whole number"),
        ({"type": "string", "format": "password"}, "secret text"),
        ({"$ref": "#/$defs/Users"}, "map"),
    ],
)
def test_kind_is_told_in_words(value: dict[str, Any], words: str) -> None:
    """Readers need not know JSON Schema."""
    assert words == kind(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [({"default": False}, "`false`"), ({"default": 0}, "`0`"), ({"default": []}, ""), ({}, "")],
)
def test_default_is_told_where_it_says_something(value: dict[str, Any], words: str) -> None:
    """No and zero are defaults, an empty list goes without saying."""
    assert words == default("key", value, {})


def test_bars_do_not_end_cells() -> None:
    """A bar in a text is escaped."""
    assert "| a |\n| --- |\n| b\\|c |" == table(("a",), iter([("b|c",)]))
