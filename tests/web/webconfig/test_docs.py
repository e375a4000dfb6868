"""The documentation of the web config file is correct."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from insights_exporter.config.errors import ConfigIssue
from insights_exporter.web.webconfig.loader import RELOAD_FAILURES
from insights_exporter.web.webconfig.model import (
    AUTH_TYPES,
    CURVES,
    HEADERS,
    VERSIONS,
    HttpSection,
    RateLimitSection,
    TLSSection,
    WebConfigModel,
)
from tests.web.webconfig.certificates import load

PAGE = (
    Path(__file__).resolve().parents[3].joinpath("docs", "web-configuration.md").read_text(encoding="utf-8")
)
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
WEB_FILES = [block for block in BLOCKS if yaml.safe_load(block).keys() <= WebConfigModel.model_fields.keys()]


def test_examples_are_valid(directory: Path) -> None:
    """Each example is valid and causes no warning."""
    warnings: list[ConfigIssue] = []
    for example in WEB_FILES:
        (directory / "web.yml").write_text(example, encoding="utf-8")
        warnings += load(directory / "web.yml").warnings

    assert len(WEB_FILES) == 2
    assert [] == warnings


@pytest.mark.parametrize("section", [WebConfigModel, TLSSection, HttpSection, RateLimitSection])
def test_every_key_is_documented(section: type[BaseModel]) -> None:
    """Each key is documented."""
    assert [] == [key for key in section.model_fields if not re.search(rf"\b{key}\b", PAGE)]


@pytest.mark.parametrize(
    "names",
    [AUTH_TYPES, CURVES, VERSIONS, HEADERS, [RELOAD_FAILURES.name]],
    ids=lambda names: next(iter(names)),
)
def test_every_value_is_documented(names: list[str]) -> None:
    """Each value is documented."""
    assert [] == [name for name in names if f"`{name}`" not in PAGE]
