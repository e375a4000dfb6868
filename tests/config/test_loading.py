"""Settings from a file: what holds, what is told, and that nothing else can happen."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.loader import load_config, read_config_file, validate
from insights_exporter.config.models import Defaults, Deployment
from insights_exporter.config.strict_yaml import MAX_BYTES
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import ENVIRON, HIDDEN, SMALLEST, furnish, loaded, private

EVERY_SECRET = f"""
deployments:
  - url: https://coder.example.com
    token: {HIDDEN}
    headers: {{X-Key: {HIDDEN}}}
    proxy: http://me:{HIDDEN}@proxy.example.com
    users: {{detail: pseudonymous, key: {HIDDEN}-{HIDDEN}}}
"""


def test_defaults_hold_where_a_deployment_says_nothing(tmp_path: Path) -> None:
    """Maps are merged key by key, lists are replaced."""
    first, second = loaded(
        tmp_path,
        """
defaults:
  token_env: TOKEN
  timezone: Europe/Berlin
  windows: [today, 14d]
  users: {limit: 10, detail: aggregate, windows: [14d]}
deployments:
  - url: https://a.example.com
  - {url: https://b.example.com, timezone: UTC, windows: [7d], users: {limit: 20, windows: [7d]}}
""",
    ).config.deployments

    assert ("Europe/Berlin", ["today", "14d"]) == (first.timezone, [one.name for one in first.windows])
    assert (10, "aggregate", ("14d",)) == (first.users.limit, first.users.detail, first.users.windows)
    assert ("UTC", ["7d"]) == (second.timezone, [one.name for one in second.windows])
    assert (20, "aggregate", ("7d",)) == (second.users.limit, second.users.detail, second.users.windows)


def test_nothing_but_url_and_token_need_be_written(tmp_path: Path) -> None:
    """Everything else has a default."""
    (deployment,) = loaded(tmp_path, SMALLEST).config.deployments

    assert "coder.example.com" == deployment.name
    assert [("today", 1), ("7d", 7), ("30d", 30)] == [(one.name, one.days) for one in deployment.windows]
    assert (30.0, 60, 2, None) == (
        deployment.timeout,
        deployment.requests_per_minute,
        deployment.max_concurrency,
        deployment.max_age,
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://coder.example.com/api/v2/", "coder.example.com"),
        ("https://Coder.Example.com:443", "coder.example.com"),
        ("http://coder.example.com:443", "coder.example.com:443"),
        ("http://127.0.0.1:3000", "127.0.0.1:3000"),
        ("http://[::1]:80", "[::1]"),
    ],
)
def test_deployment_is_called_by_its_host(url: str, name: str) -> None:
    """The port belongs to the name where it is not the usual one."""
    assert name == Deployment(url=url).name


def test_default_windows_that_are_missing_are_left_out(tmp_path: Path) -> None:
    """What is shown for 7d by default is not shown where there is no 7d."""
    text = SMALLEST.replace("}", ", windows: [today], users: {windows: [today]}}")
    (deployment,) = loaded(tmp_path, text).config.deployments

    assert (("today",), (), ()) == (
        deployment.users.windows,
        deployment.parameters.windows,
        deployment.templates.windows,
    )


def test_short_and_long_windows_say_the_same(tmp_path: Path) -> None:
    """A name that tells its days needs no more."""
    text = SMALLEST.replace("}", ", windows: [14d, {name: fortnight, days: 14}, {name: 7d, every: 1h}]}")
    short, long, named = loaded(tmp_path, text).config.deployments[0].windows

    assert (14, True, None) == (short.days, short.include_today, short.every)
    assert (14, True, None) == (long.days, long.include_today, long.every)
    assert (7, 3600.0) == (named.days, named.every)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """Settings may be moved together with what they name."""
    furnish(tmp_path)
    named = f"token_file: token, tls: {{ca_file: {tmp_path}/ca.pem}}"
    text = f"deployments: [{{url: https://coder.example.com, {named}}}]"
    (deployment,) = loaded(tmp_path, text).config.deployments

    assert (tmp_path / "token", tmp_path / "ca.pem") == (deployment.token_file, deployment.tls.ca_file)


def test_file_wins_over_the_environment(tmp_path: Path) -> None:
    """Where a file is given, no deployment comes from variables."""
    path = private(tmp_path / "settings.yml", SMALLEST.encode())
    environ = {**ENVIRON, "CODER_URL": "https://other.example.com", "CODER_SESSION_TOKEN": "other"}

    (deployment,) = load_config(path, environ, DATASETS).config.deployments
    assert "https://coder.example.com" == deployment.url


def test_value_tells_where_it_was_written(tmp_path: Path) -> None:
    """Each written value has its source; what is not there is built in."""
    text = f"defaults: {{timezone: UTC, users: {{limit: 1}}, parameters: {{exclude: []}}}}\n{SMALLEST}"
    sources = loaded(tmp_path, text).sources

    assert {
        ("deployments", 0, "url"): "file",
        ("deployments", 0, "token_env"): "file",
        ("deployments", 0, "timezone"): "file, defaults",
        ("deployments", 0, "users", "limit"): "file, defaults",
        ("deployments", 0, "parameters", "exclude"): "file, defaults",
    } == sources


def test_misspelled_variables_are_told_with_errors_and_without(tmp_path: Path) -> None:
    """The variable that was meant is named whether or not the settings hold."""
    good = private(tmp_path / "good.yml", SMALLEST.encode())
    environ = {**ENVIRON, "CODER_TOKN": HIDDEN}
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"CODER_URL": "https://coder.example.com", "CODER_TOKN": HIDDEN}, DATASETS)
    line = "CODER_TOKN: is not read; did you mean CODER_SESSION_TOKEN?"

    assert line in [str(problem) for problem in caught.value.problems]
    assert [line] == [str(warning) for warning in load_config(good, environ, DATASETS).warnings]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "has no settings"),
        (b"url: \xff", "is not UTF-8 text (byte 6)"),
        (b"#" * (MAX_BYTES + 1), "is larger than 2 MiB"),
        (None, "cannot be read: no such file or directory"),
    ],
    ids=["empty", "not UTF-8", "huge", "missing"],
)
def test_file_that_cannot_be_read_is_told_in_a_line(content: bytes | None, line: str, tmp_path: Path) -> None:
    """One line names the file, the cause and the remedy."""
    path = tmp_path / "settings.yml"
    if content is not None:
        private(path, content)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, DATASETS)

    assert [f"{path}: {line}"] == [str(problem).partition(";")[0] for problem in caught.value.problems]


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder given as the file is told, not tripped over."""
    with pytest.raises(ConfigError, match="is a directory; check"):
        load_config(tmp_path, {}, DATASETS)


def test_secrets_appear_nowhere(tmp_path: Path) -> None:
    """Neither text nor representation of settings and warnings holds a secret."""
    config = loaded(tmp_path, EVERY_SECRET)

    assert HIDDEN not in f"{config}{config.config!r}{config.config.model_dump_json()}"


@pytest.mark.parametrize("key", ["token", "proxy", "headers", "users"])
def test_errors_of_the_models_hide_what_they_were_given(key: str) -> None:
    """Code that makes a deployment by itself does not put secrets into its log either."""
    with pytest.raises(ValidationError) as caught:
        Deployment.model_validate({"url": "https://coder.example.com", key: [HIDDEN]})

    assert HIDDEN not in f"{caught.value}{caught.value!r}"


def test_settings_with_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A file that holds a secret and that others can read gives a warning; one without holds its peace."""
    path = tmp_path / "settings.yml"
    told = []
    for text in (EVERY_SECRET, SMALLEST):
        private(path, text.encode()).chmod(0o644)
        told.append([warning.what for warning in load_config(path, ENVIRON, DATASETS).warnings])

    assert [["holds secrets and is open to others (mode 0644)"], []] == told


def anything(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Give any data that YAML can write, with `keys` in its maps."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | keys
    return st.recursive(leaves, lambda part: st.lists(part) | st.dictionaries(keys, part), max_leaves=12)


KEYS = st.sampled_from([*Deployment.model_fields, "daus", "today", "7d", "every", "limit", "detail", "days"])
DEPLOYMENTS = st.dictionaries(KEYS, anything(KEYS)) | st.builds(
    lambda more: {"url": "https://coder.example.com", "token": "x-x", **more},
    st.dictionaries(KEYS, anything(KEYS)),
)
FILES = st.fixed_dictionaries(
    {"deployments": st.lists(DEPLOYMENTS)},
    optional={"defaults": st.dictionaries(st.sampled_from(list(Defaults.model_fields)), anything(KEYS))},
)


def problems_of(raw: bytes) -> tuple[ConfigIssue, ...]:
    """Give what is told of a file's bytes."""
    try:
        validate(read_config_file(raw, Path("settings.yml"), DATASETS), {}, DATASETS)
    except ConfigError as error:
        return error.problems
    return ()


@given(st.binary() | st.text().map(str.encode) | FILES.map(lambda data: yaml.safe_dump(data).encode()))
@example(b'deployments: [{url: https://x, token: x-x, timezone: "a\0b"}]')
@example(b"deployments: [{url: 'http://[', token: x-x}]")
@example(b"{deployments: [[]], ? : }")
def test_any_bytes_are_settings_or_told_what_is_wrong(raw: bytes) -> None:
    """Whatever a file holds, it loads or it is refused by problems with text."""
    assert all(problem.what for problem in problems_of(raw))


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
def test_any_nesting_is_told_what_is_wrong(opening: bytes) -> None:
    """Depth that would exhaust the stack is refused before."""
    assert ["is nested too deeply"] == [problem.what for problem in problems_of(opening * 100_000)]
