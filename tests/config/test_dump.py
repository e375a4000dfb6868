"""The effective config, without secrets."""

from pathlib import Path

import pytest
import yaml

from insights_exporter.config.dump import MASK, dump_config, mask_proxy
from insights_exporter.config.loader import load_config
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import HIDDEN, load_text
from tests.config.test_loader import EVERY_SECRET

CONFIG = """
defaults: {timezone: Europe/Berlin}
deployments:
  - url: https://coder.example.com
    name: "yes # no: '"
    token_env: TOKEN
    windows: [today, {name: quarter, days: 90, every: 6h}]
"""
SHOWN = """\
# From {source}
deployments:
  - name: "yes # no: '"  # file
    url: https://coder.example.com  # file
    token_env: TOKEN  # file
    headers: {{}}  # default
    tls:
      insecure_skip_verify: false  # default
    api_path: /api/v2  # default
    timezone: Europe/Berlin  # file, defaults
    windows:
      - name: today  # file
        days: 1  # file
        include_today: true  # file
      - name: quarter  # file
        days: 90  # file
        include_today: true  # default
        every: 6h  # file
"""


def test_each_value_has_its_source(tmp_path: Path) -> None:
    """The output is YAML with the file's keys, and a source for each value."""
    text = dump_config(load_text(tmp_path, CONFIG))

    assert SHOWN.format(source=tmp_path / "config.yml") == text.partition("    datasets:")[0]


def test_output_is_yaml(tmp_path: Path) -> None:
    """Another program reads the same values."""
    config = load_text(tmp_path, CONFIG)
    (deployment,) = config.config.deployments

    assert {"deployments": [deployment.model_dump(mode="json", exclude_none=True)]} == yaml.safe_load(
        dump_config(config)
    )


def test_secrets_are_masked(tmp_path: Path) -> None:
    """Tokens, keys, values of headers and the user of a proxy are not shown."""
    text = dump_config(load_text(tmp_path, EVERY_SECRET))

    assert HIDDEN not in text
    assert 4 == text.count(MASK)
    assert f"{MASK}@proxy.example.com" in text


def test_sources_without_a_file_are_variables() -> None:
    """Each value has its variable."""
    lines = dump_config(
        load_config(None, {"CODER_URL": "https://x.example.com", "CODER_SESSION_TOKEN": "x-x"}, DATASETS)
    ).splitlines()

    assert "# From the environment" == lines[0]
    assert "    url: https://x.example.com  # CODER_URL" in lines


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("http://me:a@b@proxy.example.com:3128/x", f"http://{MASK}@proxy.example.com:3128/x"),
    ],
)
def test_proxy_is_shown_without_user_and_password(url: str, shown: str) -> None:
    """The host of a proxy is not secret."""
    assert shown == mask_proxy(url)
