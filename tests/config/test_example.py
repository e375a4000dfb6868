"""The example file."""

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from insights_exporter.config import models
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.loader import read_example
from insights_exporter.config.schema import SCHEMA_URL, build_json_schema
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import SMALLEST, load_text

USED = re.sub(r"^( *)#(?=[^ #\n])", r"\1", read_example(), flags=re.MULTILINE)
"""The example with every key in use."""

SECTIONS = [
    each for each in vars(models).values() if isinstance(each, type) and issubclass(each, models.Model)
]


def test_example_loads_as_it_is(tmp_path: Path) -> None:
    """It sets the defaults, and needs a URL and a token."""
    text = read_example().replace("CODER_SESSION_TOKEN", "TOKEN")
    as_built_in = load_text(tmp_path, SMALLEST).config

    assert as_built_in == load_text(tmp_path, text).config


def test_every_key_in_the_example_can_be_used(tmp_path: Path) -> None:
    """With all keys in use, only exclusive keys and missing files are errors."""
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, USED)

    assert [
        "deployments[0].token_env: is mutually exclusive with token_file",
        "deployments[0].token: is mutually exclusive with token_file",
        "defaults.users.key_file: is mutually exclusive with key",
        "deployments[0].token_file: /run/secrets/coder-token cannot be read: no such file or directory",
        "defaults.users.key_file: /run/secrets/pseudonym-key cannot be read: no such file or directory",
        "defaults.tls.ca_file: /etc/ssl/company-ca.pem cannot be read: no such file or directory",
        "defaults.tls.cert_file: /run/secrets/client.pem cannot be read: no such file or directory",
    ] == [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def test_schema_takes_all_of_the_example() -> None:
    """An editor marks no error in it."""
    assert [] == list(Draft202012Validator(build_json_schema(DATASETS)).iter_errors(yaml.safe_load(USED)))


@pytest.mark.parametrize("model", SECTIONS)
def test_example_shows_every_key(model: type[models.Model]) -> None:
    """No key is missing from the example."""
    assert [] == [key for key in model.model_fields if not re.search(rf"\b{key}: ?", read_example())]


def test_example_names_every_dataset() -> None:
    """The comment above `datasets` lists all of them."""
    comment = read_example().partition("# Which datasets are polled")[2].partition("#datasets:")[0]

    assert [] == [name for name in DATASETS if not re.search(rf"[ ,]{name}[,. ]", comment)]


def test_example_refers_to_the_schema() -> None:
    """Its first line has the URL of the schema."""
    assert f"# yaml-language-server: $schema={SCHEMA_URL}" == read_example().splitlines()[0]
    assert {"deployments", "defaults"} == yaml.safe_load(read_example()).keys()
