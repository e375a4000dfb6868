"""Tokens and other secrets are in Secrets, and the exporter's config refers to them."""

import pytest
import yaml

from tests.helm.chart import (
    CI_VALUES,
    Values,
    find_container,
    find_pod,
    read_error,
    render_objects,
    render_text,
    select_kind,
    select_only,
)

MAIN = {"name": "main", "url": "https://coder.example.com"}
TOKENS = "/etc/insights-exporter/tokens"  # a folder, not a secret
MADE_UP = "do-not-show-this"


def config(values: Values) -> dict[str, object]:
    """Return the configuration file of the release."""
    kind, key = ("Secret", "stringData") if values.get("configInSecret") else ("ConfigMap", "data")
    (found,) = [
        each for each in select_kind(kind, render_objects(values)) if "config.yaml" in each.get(key, {})
    ]
    written: dict[str, object] = yaml.safe_load(found[key]["config.yaml"])
    return written


@pytest.mark.parametrize(
    ("deployment", "expected"),
    [
        pytest.param(MAIN, {**MAIN, "token_file": f"{TOKENS}/main"}, id="by name"),
        pytest.param(
            {"url": "https://Coder.example.com/base"},
            {"url": "https://Coder.example.com/base", "token_file": f"{TOKENS}/coder.example.com"},
            id="by host",
        ),
        pytest.param(
            {"url": "https://coder.example.com:443"},
            {"url": "https://coder.example.com:443", "token_file": f"{TOKENS}/coder.example.com"},
            id="by host with the usual port",
        ),
        pytest.param(
            {**MAIN, "token_file": "/own"}, {**MAIN, "token_file": "/own"}, id="a file of one's own"
        ),
        pytest.param({**MAIN, "token_env": "TOKEN"}, {**MAIN, "token_env": "TOKEN"}, id="a variable"),
    ],
)
def test_a_deployment_points_at_its_token(deployment: Values, expected: Values) -> None:
    """A deployment without a token key gets the mounted token; others keep theirs."""
    assert [expected] == config({"config": {"deployments": [deployment]}, "existingSecret": "theirs"})[
        "deployments"
    ]


def test_a_token_in_defaults_is_kept() -> None:
    """With a token key in `defaults`, no token is added."""
    written = {"defaults": {"token_env": "TOKEN"}, "deployments": [MAIN]}

    assert written == config({"config": written})


def test_tokens_are_kept_in_a_secret() -> None:
    """Tokens given as values go into a Secret that is mounted, and nowhere else."""
    values = {"config": {"deployments": [MAIN]}, "tokens": {"main": MADE_UP}}

    assert {"main": MADE_UP} == select_only("Secret", values)["stringData"]
    assert 1 == render_text(values).count(MADE_UP)
    assert list_mounted(values)[TOKENS] == {
        "secretName": "demo-insights-exporter-tokens",
        "defaultMode": 0o440,
    }


def test_an_existing_secret_is_mounted() -> None:
    """With a Secret of one's own the release has none."""
    values = {"config": {"deployments": [MAIN]}, "existingSecret": "theirs"}

    assert [] == select_kind("Secret", render_objects(values))
    assert list_mounted(values)[TOKENS] == {"secretName": "theirs", "defaultMode": 0o440}


def test_an_existing_file_is_mounted() -> None:
    """With the whole file in a Secret of one's own there is no ConfigMap."""
    values = {"existingConfigSecret": "theirs"}

    assert [] == select_kind("ConfigMap", render_objects(values))
    assert list_mounted(values)["/etc/insights-exporter/config"]["secretName"] == "theirs"


def test_the_web_configuration_is_kept_in_a_secret() -> None:
    """It holds password hashes."""
    users = {"basic_auth_users": {"prometheus": MADE_UP}}
    found = select_only("Secret", {"web": {"config": users}})

    assert users == yaml.safe_load(found["stringData"]["web.yaml"])
    assert (
        "--web.config.file=/etc/insights-exporter/web/web.yaml"
        in find_container({"web": {"config": users}})["args"]
    )


def test_a_certificate_alone_is_enough_for_https() -> None:
    """A TLS Secret is mounted, and a web configuration written that uses it."""
    values = {"web": {"tlsSecret": "ours"}}
    folder = "/etc/insights-exporter/tls"

    assert {"tls_server_config": {"cert_file": f"{folder}/tls.crt", "key_file": f"{folder}/tls.key"}} == (
        yaml.safe_load(select_only("Secret", values)["stringData"]["web.yaml"])
    )
    assert list_mounted(values)[folder]["secretName"] == "ours"


@pytest.mark.parametrize(
    ("part", "place"),
    [
        pytest.param({"token": MADE_UP}, "config.deployments[0].token", id="token"),
        pytest.param({"users": {"key": MADE_UP}}, "config.deployments[0].users.key", id="key of pseudonyms"),
        pytest.param({"headers": {"X-Key": MADE_UP}}, "config.deployments[0].headers", id="headers"),
        pytest.param({"proxy": f"http://user:{MADE_UP}@proxy"}, "config.deployments[0].proxy", id="proxy"),
    ],
)
def test_no_secret_is_stored_in_a_config_map(part: Values, place: str) -> None:
    """A secret in the config is rejected without showing it, or stored in a Secret with configInSecret."""
    values = {"config": {"deployments": [{**MAIN, **part}]}, "existingSecret": "theirs"}
    said = read_error(values)

    assert f"{place}: secrets must not be stored in a ConfigMap" in said
    assert MADE_UP not in said
    assert [] == select_kind("ConfigMap", render_objects({**values, "configInSecret": True}))


def test_no_secret_of_defaults_is_stored_in_a_config_map() -> None:
    """Secrets in `defaults` are rejected, too."""
    assert "config.defaults.token: secrets" in read_error(
        {"config": {"defaults": {"token": MADE_UP}, "deployments": []}}
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"config": {"deployments": [MAIN]}}, '"main" has no token', id="no token"),
        pytest.param(
            {"config": {"deployments": [MAIN, {"url": "https://main"}]}, "existingSecret": "theirs"},
            'config.deployments[1]: duplicate name "main"',
            id="one name, so one token, for two",
        ),
        pytest.param(
            {"config": {"deployments": [MAIN]}, "tokens": {"main": "a", "mian": "b"}},
            "tokens.mian: unknown deployment; config.deployments has: main",
            id="token of no deployment",
        ),
        pytest.param(
            {
                "config": {"deployments": [{"url": "https://coder.example.com:8443"}]},
                "existingSecret": "theirs",
            },
            '"coder.example.com:8443" cannot be the key of a token in a Secret',
            id="name that no Secret takes",
        ),
        pytest.param(
            {"config": {"deployments": [MAIN]}, "tokens": {"main": "a"}, "existingSecret": "theirs"},
            "tokens, existingSecret: only one of them can be mounted",
            id="two sources of tokens",
        ),
        pytest.param(
            {"web": {"config": {"basic_auth_users": {"a": "b"}}, "existingSecret": "theirs"}},
            "web.config, web.existingSecret: only one of them can be used",
            id="two web configurations",
        ),
        pytest.param(
            {"config": {"deployments": [MAIN]}, "existingConfigSecret": "theirs", "existingSecret": "theirs"},
            "config.deployments, existingConfigSecret: the file in the Secret replaces config",
            id="two configurations",
        ),
    ],
)
def test_what_cannot_work_is_refused(values: Values, words: str) -> None:
    """The refusal names the value, the cause and the remedy."""
    assert words in read_error(values)


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.name)
def test_no_example_shows_a_secret(path: object) -> None:
    """No object but a Secret holds a secret of an example."""
    shown = [each for each in render_objects({}, f"--values={path}") if each["kind"] != "Secret"]

    assert [] == [each["kind"] for each in shown if "example-key" in str(each) or "password@" in str(each)]


def list_mounted(values: Values) -> dict[str, dict[str, object]]:
    """Return the Secret or ConfigMap behind each mounted folder."""
    sources = {
        volume.pop("name"): next(iter(volume.values()))
        for volume in [dict(each) for each in find_pod(values)["volumes"]]
    }
    return {each["mountPath"]: sources[each["name"]] for each in find_container(values)["volumeMounts"]}
