"""The exporter accepts the config and arguments that the chart renders."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from insights_exporter.demo import DEMO_TOKEN, serve
from insights_exporter.polling.sharding import select_owned
from tests.demo.client import coder
from tests.helm.chart import CI_VALUES, Object, render_objects
from tests.helm.pods import MOUNTED, create_pod
from tests.integration.exporter import RunExporter, StartExporter, command
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.waiting import eventually
from tests.support.in_process import run_in_process

EXAMPLES = [
    pytest.param(path, id=path.name) for path in CI_VALUES if path.name != "everything-else-values.yaml"
]
"""The examples with a config; the other one refers to a Secret that it does not contain."""

MAIN = {"name": "main", "url": "http://127.0.0.1:9"}

HASH = "$2b$04$zHMoPUQa7KGfttbev/diLOYTLMLSaAxtw21yJWb/nA4KOFT88tXVW"  # of the password "prometheus"
TLS = {"cert_file": f"{MOUNTED}/tls/tls.crt", "key_file": f"{MOUNTED}/tls/tls.key"}
MUTUAL = {
    **TLS,
    "client_auth_type": "RequireAndVerifyClientCert",
    "client_ca_file": f"{MOUNTED}/tls/ca.crt",
}
FLEET = [f"coder-{number}.example.com" for number in range(1, 6)]


def drop_address(arguments: Iterable[str]) -> list[str]:
    """Return the arguments but for the address, since here the port must be a free one."""
    return [argument for argument in arguments if not argument.startswith("--web.listen-address")]


def set_address(arguments: Iterable[str], address: str) -> list[str]:
    """Return the arguments with another address."""
    return [*drop_address(arguments), f"--web.listen-address={address}"]


def select_shard(arguments: Iterable[str], shard: int) -> list[str]:
    """Return the arguments with the shard index of a pod, which has no host name here."""
    return [argument.replace("--shard=auto", f"--shard={shard}") for argument in arguments]


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_is_accepted(path: Path, tmp_path: Path) -> None:
    """Config and flags pass the exporter's own check."""
    pod = create_pod(render_objects({}, f"--values={path}"), tmp_path / "pod")
    done = run_in_process(tmp_path, *select_shard(pod.arguments, 0), "--config.check", env=pod.environment)

    assert (0, True) == (done.returncode, done.stdout.startswith("Config valid: ")), done.stderr


def test_without_deployments_the_log_names_what_to_set(tmp_path: Path, run_exporter: RunExporter) -> None:
    """The default release ends at once, with a line that names what is missing."""
    pod = create_pod(render_objects(), tmp_path / "pod")
    done = run_exporter(*pod.arguments, env=pod.environment)

    assert 2 == done.returncode
    assert "config.yaml" in done.stderr
    assert "deployments" in done.stderr


def test_an_installed_exporter_responds_to_its_probes(tmp_path: Path, start_exporter: StartExporter) -> None:
    """An exporter that runs as rendered responds to its probes and scrapes while Coder is down."""
    values = {
        "config": {"deployments": [MAIN]},
        "tokens": {"main": "example"},
        "web": {"telemetryPath": "/insights"},
    }
    pod = create_pod(render_objects(values), tmp_path / "pod")
    exporter = start_exporter(*drop_address(pod.arguments), env=pod.environment)
    live, ready = (exporter.get(probe["httpGet"]["path"]) for probe in pod.probes)

    assert (200, True) == (live.status_code, ready.status_code in {200, 503})
    assert 'deployment="main"' in exporter.page("/insights")


@pytest.mark.parametrize("name", ["check", "scrape"])
def test_another_command_in_the_pod_has_the_config(
    name: str, tmp_path: Path, run_exporter: RunExporter
) -> None:
    """Commands of the notes and runbooks work in the pod without flags."""
    with serve(coder(role="auditor")) as url:
        main = {"name": "main", "url": url, "token_env": "TOKEN", "requests_per_minute": 6000}
        values = {
            "config": {"deployments": [main]},
            "extraEnv": [{"name": "TOKEN", "value": DEMO_TOKEN}],
        }
        done = run_exporter(name, env=create_pod(render_objects(values), tmp_path / "pod").environment)

    assert 0 == done.returncode, done.stderr
    assert "main" in done.stdout


@pytest.mark.parametrize(
    "guard",
    [
        pytest.param({"basic_auth_users": {"prometheus": HASH}}, id="user"),
        pytest.param(
            {"tls_server_config": TLS, "basic_auth_users": {"prometheus": HASH}}, id="HTTPS and user"
        ),
        pytest.param({"tls_server_config": MUTUAL}, id="client certificate"),
    ],
)
def test_an_exporter_with_authentication_passes_its_probes(guard: Object, tmp_path: Path) -> None:
    """The probes' command finds that the exporter lives and may serve, though it could not read a page."""
    web = {"config": guard, **({"tlsSecret": "theirs"} if "tls_server_config" in guard else {})}
    values = {"config": {"deployments": [MAIN]}, "tokens": {"main": "example"}, "web": web}
    pod, address = create_pod(render_objects(values), tmp_path / "pod"), f"127.0.0.1:{free_port()}"
    live, ready = (set_address(probe["exec"]["command"][1:], address) for probe in pod.probes)
    words = (*command(), *set_address(pod.arguments, address))

    def probe(words: Iterable[str]) -> int:
        """Return the exit status of a probe."""
        return run_in_process(tmp_path, *words, env={}).returncode

    assert [1, 1] == [probe(live), probe(ready)]
    with running(words, tmp_path / "run", clean_environment(tmp_path, pod.environment)) as exporter:
        eventually(lambda: probe(live) == 0)
        eventually(lambda: probe(ready) == 0)
        assert 0 == exporter.stop()


def test_shards_share_the_deployments(tmp_path: Path, start_exporter: StartExporter) -> None:
    """Each rendered shard serves only its own deployments."""
    config = {
        "defaults": {"token_env": "TOKEN"},
        "deployments": [{"name": name, "url": "http://127.0.0.1:9"} for name in FLEET],
    }
    values = {"sharding": {"enabled": True}, "replicas": 2, "config": config}
    pod = create_pod(render_objects(values), tmp_path / "pod")
    environment = {**pod.environment, "TOKEN": "example-token"}
    pages = [
        start_exporter(*select_shard(drop_address(pod.arguments), shard), env=environment).page()
        for shard in range(2)
    ]

    assert [set(select_owned(FLEET, shard, 2)) for shard in range(2)] == [
        {name for name in FLEET if f'deployment="{name}"' in page} for page in pages
    ]
