"""Probes work with every web config."""

import pytest

from tests.helm.chart import Object, Values, find_container

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
TLS = {"cert_file": "/etc/insights-exporter/tls/tls.crt", "key_file": "/etc/insights-exporter/tls/tls.key"}
ARGUMENTS = ["--web.listen-address=:12112", "--web.config.file=/etc/insights-exporter/web/web.yaml"]
ALIVE = {"command": ["insights-exporter", "health", *ARGUMENTS]}
READY = {"command": ["insights-exporter", "health", "--ready", *ARGUMENTS]}


def list_handlers(values: Values) -> list[Object]:
    """Return the handler of each probe, without its times."""
    asked = ("httpGet", "exec", "tcpSocket", "grpc")
    probes = [find_container(values)[probe] for probe in PROBES]
    return [{key: value for key, value in probe.items() if key in asked} for probe in probes]


@pytest.mark.parametrize(
    ("web", "scheme"),
    [
        pytest.param({}, "HTTP", id="plain"),
        pytest.param({"tlsSecret": "ours"}, "HTTPS", id="certificate"),
        pytest.param({"config": {"tls_server_config": TLS}}, "HTTPS", id="TLS in the web configuration"),
        pytest.param({"config": {"http_server_config": {"headers": {"X": "y"}}}}, "HTTP", id="headers only"),
    ],
)
def test_probes_without_authentication_are_http_requests(web: Values, scheme: str) -> None:
    """Without users and client certificates, probes are HTTP requests with the right scheme."""
    expected = [
        {"httpGet": {"path": path, "port": "metrics", "scheme": scheme}}
        for path in ("/-/healthy", "/-/healthy", "/-/ready")
    ]

    assert expected == list_handlers({"web": web})


@pytest.mark.parametrize(
    "web",
    [
        pytest.param({"config": {"basic_auth_users": {"a": "hash"}}}, id="users"),
        pytest.param({"config": {"rate_limit": {"interval": "1s", "burst": 1}}}, id="rate limit"),
        pytest.param(
            {"config": {"tls_server_config": {**TLS, "client_auth_type": "RequireAndVerifyClientCert"}}},
            id="client certificates",
        ),
        pytest.param({"existingSecret": "theirs"}, id="unknown"),
    ],
)
def test_probes_with_authentication_run_the_command(web: Values) -> None:
    """With users or client certificates, probes run the exporter's own command."""
    assert [{"exec": command} for command in (ALIVE, ALIVE, READY)] == list_handlers({"web": web})


def test_times_can_be_changed_alone() -> None:
    """A probe keeps its handler when only its times are set."""
    probe = find_container({"livenessProbe": {"periodSeconds": 99}})["livenessProbe"]

    assert (99, 5, "/-/healthy") == (
        probe["periodSeconds"],
        probe["timeoutSeconds"],
        probe["httpGet"]["path"],
    )


def test_a_probe_can_be_replaced() -> None:
    """A handler of one's own replaces the chart's."""
    probe = find_container({"livenessProbe": {"tcpSocket": {"port": "metrics"}}})["livenessProbe"]

    assert ("metrics", False) == (probe["tcpSocket"]["port"], "httpGet" in probe)


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_can_be_removed(probe: str) -> None:
    """A probe that is not enabled is not there, and the switch is no field of the others."""
    assert probe not in find_container({probe: {"enabled": False}})
    assert "enabled" not in find_container({probe: {"enabled": True}})[probe]


@pytest.mark.parametrize("web", [{}, {"existingSecret": "theirs"}], ids=["open", "authentication"])
@pytest.mark.parametrize("prefix", ["/tools/insights", "/tools/insights/", "scripts"])
def test_probes_follow_the_prefix(web: Values, prefix: str) -> None:
    """Probes and the exporter's own command use the prefix, without a trailing slash."""
    plain = f"/{prefix.strip('/')}"
    asked = list_handlers({"web": {**web, "routePrefix": f"/{prefix.lstrip('/')}"}})
    paths = [probe["httpGet"]["path"] for probe in asked if "httpGet" in probe]
    commands = [probe["exec"]["command"] for probe in asked if "exec" in probe]

    assert ([] if web else [f"{plain}/-/healthy", f"{plain}/-/healthy", f"{plain}/-/ready"]) == paths
    assert all(f"--web.route-prefix={plain}" == command[-1] for command in commands)
    assert 3 == len(paths) + len(commands)
