"""A config from a file: defaults, warnings, and one error for all problems."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from insights_exporter.config.errors import ConfigError, ConfigIssue
from insights_exporter.config.loader import is_from_defaults, load_config, merge_defaults, parse_config
from insights_exporter.config.models import Defaults, Deployment
from insights_exporter.config.strict_yaml import MAX_BYTES
from insights_exporter.datasets.registry import DATASETS
from tests.config.folder import ENVIRON, HIDDEN, SMALLEST, create_files, load_text, make_private

EVERY_SECRET = f"""
deployments:
  - url: https://coder.example.com
    token: {HIDDEN}
    headers: {{X-Key: {HIDDEN}}}
    proxy: http://me:{HIDDEN}@proxy.example.com
    users: {{detail: pseudonymous, key: {HIDDEN}-{HIDDEN}}}
"""


def test_defaults_apply_to_each_deployment(tmp_path: Path) -> None:
    """Maps are merged key by key, lists are replaced."""
    first, second = load_text(
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


def test_only_url_and_token_are_required(tmp_path: Path) -> None:
    """Everything else has a default."""
    (deployment,) = load_text(tmp_path, SMALLEST).config.deployments

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
def test_deployment_is_named_after_its_host(url: str, name: str) -> None:
    """The port is part of the name unless it is the default of the scheme."""
    assert name == Deployment(url=url).name


def test_missing_default_windows_are_ignored(tmp_path: Path) -> None:
    """Series that are exposed for 7d by default are not if there is no 7d."""
    text = SMALLEST.replace("}", ", windows: [today], users: {windows: [today]}}")
    (deployment,) = load_text(tmp_path, text).config.deployments

    assert (("today",), (), ()) == (
        deployment.users.windows,
        deployment.parameters.windows,
        deployment.templates.windows,
    )


def test_short_and_long_windows_are_equal(tmp_path: Path) -> None:
    """A name that contains the days is enough."""
    text = SMALLEST.replace("}", ", windows: [14d, {name: fortnight, days: 14}, {name: 7d, every: 1h}]}")
    short, long, named = load_text(tmp_path, text).config.deployments[0].windows

    assert (14, True, None) == (short.days, short.include_today, short.every)
    assert (14, True, None) == (long.days, long.include_today, long.every)
    assert (7, 3600.0) == (named.days, named.every)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A config can be moved together with the files it names."""
    create_files(tmp_path)
    named = f"token_file: token, tls: {{ca_file: {tmp_path}/ca.pem}}"
    text = f"deployments: [{{url: https://coder.example.com, {named}}}]"
    (deployment,) = load_text(tmp_path, text).config.deployments

    assert (tmp_path / "token", tmp_path / "ca.pem") == (deployment.token_file, deployment.tls.ca_file)


def test_datasets_are_those_of_the_registry(tmp_path: Path) -> None:
    """With one dataset more and one less, the new one is a key of `datasets:`, and the other is unknown."""
    registry = {"widgets", *DATASETS} - {"daus"}
    path = make_private(tmp_path / "config.yml", b"")

    def load(dataset: str) -> Deployment:
        path.write_text(f"{SMALLEST.rstrip(chr(10))[:-2]}, datasets: {{{dataset}: {{every: 45m}}}}}}]\n")
        return load_config(path, ENVIRON, registry).config.deployments[0]

    with pytest.raises(ConfigError, match=r"datasets\.daus: is not a known key; known names are .*widgets"):
        load("daus")
    assert {"widgets": 2700.0} == {name: each.every for name, each in load("widgets").datasets.items()}


def test_file_overrides_the_environment(tmp_path: Path) -> None:
    """If a file is given, variables configure no deployment."""
    path = make_private(tmp_path / "config.yml", SMALLEST.encode())
    environ = {**ENVIRON, "CODER_URL": "https://other.example.com", "CODER_SESSION_TOKEN": "other"}

    (deployment,) = load_config(path, environ, DATASETS).config.deployments
    assert "https://coder.example.com" == deployment.url


def test_value_has_a_source(tmp_path: Path) -> None:
    """Each value that is set has a source; other values are built in."""
    text = f"defaults: {{timezone: UTC, users: {{limit: 1}}, parameters: {{exclude: []}}}}\n{SMALLEST}"
    config = load_text(tmp_path, text)
    expected = {
        ("url",): "file",
        ("timezone",): "file, defaults",
        ("users", "limit"): "file, defaults",
        ("users", "detail"): None,
        ("parameters", "exclude"): "file, defaults",
        ("windows", 0, "name"): None,
    }

    assert expected == {place: config.find_source(0, place) for place in expected}


def test_misspelled_variables_are_reported_with_and_without_errors(tmp_path: Path) -> None:
    """The most similar variable is suggested whether or not the config is valid."""
    good = make_private(tmp_path / "good.yml", SMALLEST.encode())
    environ = {**ENVIRON, "CODER_TOKN": HIDDEN}
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"CODER_URL": "https://coder.example.com", "CODER_TOKN": HIDDEN}, DATASETS)
    line = "CODER_TOKN: is not read; did you mean CODER_SESSION_TOKEN?"

    assert line in [str(problem) for problem in caught.value.problems]
    assert [line] == [str(warning) for warning in load_config(good, environ, DATASETS).warnings]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "has no config"),
        (b"url: \xff", "is not UTF-8 text (byte 6)"),
        (b"#" * (MAX_BYTES + 1), "is larger than 2 MiB"),
        (None, "cannot be read: no such file or directory"),
    ],
    ids=["empty", "not UTF-8", "huge", "missing"],
)
def test_unreadable_file_is_one_line(content: bytes | None, line: str, tmp_path: Path) -> None:
    """One line names the file, the cause and the remedy."""
    path = tmp_path / "config.yml"
    if content is not None:
        make_private(path, content)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {}, DATASETS)

    assert [f"{path}: {line}"] == [str(problem).partition(";")[0] for problem in caught.value.problems]


def test_folder_is_not_a_file(tmp_path: Path) -> None:
    """A folder given as the file is an error with a remedy."""
    with pytest.raises(ConfigError, match="is a directory; check"):
        load_config(tmp_path, {}, DATASETS)


def test_secrets_appear_nowhere(tmp_path: Path) -> None:
    """Neither text nor representation of config and warnings contains a secret."""
    config = load_text(tmp_path, EVERY_SECRET)

    assert HIDDEN not in f"{config}{config.config!r}{config.config.model_dump_json()}"


@pytest.mark.parametrize("key", ["token", "proxy", "headers", "users"])
def test_errors_of_models_hide_their_input(key: str) -> None:
    """Code that creates a deployment does not log secrets either."""
    with pytest.raises(ValidationError) as caught:
        Deployment.model_validate({"url": "https://coder.example.com", key: [HIDDEN]})

    assert HIDDEN not in f"{caught.value}{caught.value!r}"


def test_config_with_secrets_should_be_private(tmp_path: Path) -> None:
    """A file with secrets that other users can read causes a warning; a file without secrets does not."""
    path = tmp_path / "config.yml"
    warnings = []
    for text in (EVERY_SECRET, SMALLEST):
        make_private(path, text.encode()).chmod(0o644)
        warnings.append([warning.what for warning in load_config(path, ENVIRON, DATASETS).warnings])

    assert [["contains secrets and is readable by other users (mode 0644)"], []] == warnings


def anything(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return any data that YAML can write, with `keys` in its maps."""
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


def list_problems(raw: bytes) -> tuple[ConfigIssue, ...]:
    """Return the problems of a file's content."""
    try:
        parse_config(raw, Path("config.yml"), {}, DATASETS)
    except ConfigError as error:
        return error.problems
    return ()


@given(st.binary() | st.text().map(str.encode) | FILES.map(lambda data: yaml.safe_dump(data).encode()))
@example(b'deployments: [{url: https://x, token: x-x, timezone: "a\0b"}]')
@example(b"deployments: [{url: 'http://[', token: x-x}]")
@example(b"{deployments: [[]], ? : }")
def test_any_bytes_are_a_config_or_have_problems(raw: bytes) -> None:
    """Any content loads or is refused with problems that have a text."""
    assert all(problem.what for problem in list_problems(raw))


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"? "])
def test_any_nesting_is_refused(opening: bytes) -> None:
    """Depth that would exhaust the stack is refused before."""
    assert ["is nested too deeply"] == [problem.what for problem in list_problems(opening * 100_000)]


MERGED_KEYS = st.sampled_from("abc")
MERGED_MAPS = st.recursive(
    st.dictionaries(MERGED_KEYS, st.integers() | st.lists(st.integers())),
    lambda part: st.dictionaries(MERGED_KEYS, st.integers() | st.lists(part) | part),
    max_leaves=8,
)


@given(MERGED_MAPS)
def test_merging_with_an_empty_map_changes_nothing(values: dict[str, Any]) -> None:
    """Empty defaults and an empty deployment leave the other unchanged."""
    assert values == merge_defaults({}, values)
    assert values == merge_defaults(values, {})


@given(MERGED_MAPS, MERGED_MAPS)
def test_own_values_override_defaults(defaults: dict[str, Any], own: dict[str, Any]) -> None:
    """A deployment's values are kept, and missing ones come from the defaults."""
    merged = merge_defaults(defaults, own)

    assert merged == merge_defaults(merged, own)
    assert own.keys() | defaults.keys() == merged.keys()


def test_own_token_replaces_the_others() -> None:
    """Of mutually exclusive keys, only the deployment's own one is kept."""
    defaults = {"token_file": "a", "users": {"key_file": "b", "limit": 1}}

    assert {"token_env": "T", "users": {"key": "k", "limit": 1}} == merge_defaults(
        defaults, {"token_env": "T", "users": {"key": "k"}}
    )


def test_empty_own_token_replaces_nothing() -> None:
    """A key without a value is not a token."""
    assert {"token_file": "a", "token": None} == merge_defaults({"token_file": "a"}, {"token": None})


def test_values_are_located_where_they_were_set() -> None:
    """A problem in `defaults` is reported there, all others at the deployment."""
    defaults = {"users": {"limit": 1}, "windows": [{"name": "a"}], "timezone": "UTC"}
    own = {"users": {"detail": "named"}, "windows": [{"days": 1}]}
    places = [("users", "limit"), ("timezone",), ("users", "detail"), ("windows", 0, "name"), ("url",), ()]

    assert [True, True, False, False, False, False] == [
        is_from_defaults(place, own, defaults) for place in places
    ]
