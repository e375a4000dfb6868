"""Variables that nothing reads and that were meant for the exporter."""

import pytest

from insights_exporter.config.env import CODER_VARIABLES, FLAG_VARIABLES, unknown_env_vars

CODERS_OWN = (
    "CODER_ACCESS_URL",
    "CODER_ADDRESS",
    "CODER_AGENT_AUTH",
    "CODER_AGENT_NAME",
    "CODER_AGENT_TOKEN",
    "CODER_AGENT_TOKEN_FILE",
    "CODER_AGENT_URL",
    "CODER_API_RATE_LIMIT",
    "CODER_BLOCK_DIRECT",
    "CODER_CACHE_DIRECTORY",
    "CODER_CONFIG_PATH",
    "CODER_DERP_CONFIG_URL",
    "CODER_DERP_SERVER_RELAY_URL",
    "CODER_DISABLE_DIRECT_CONNECTIONS",
    "CODER_DISABLE_NETWORK_TELEMETRY",
    "CODER_DISABLE_SESSION_EXPIRY_REFRESH",
    "CODER_DOCS_URL",
    "CODER_EXPERIMENTS",
    "CODER_FIRST_USER_EMAIL",
    "CODER_FORCE_TTY",
    "CODER_HEADER",
    "CODER_HEADER_COMMAND",
    "CODER_HTTP_ADDRESS",
    "CODER_MAX_TOKEN_LIFETIME",
    "CODER_NO_FEATURE_WARNING",
    "CODER_NO_VERSION_WARNING",
    "CODER_OAUTH2_GITHUB_CLIENT_ID",
    "CODER_OIDC_ISSUER_URL",
    "CODER_PG_CONNECTION_URL",
    "CODER_PRIMARY_ACCESS_URL",
    "CODER_PROMETHEUS_ADDRESS",
    "CODER_PROMETHEUS_ENABLE",
    "CODER_PROVISIONER_DAEMON_PSK",
    "CODER_PROXY_SESSION_TOKEN",
    "CODER_REDIRECT_TO_ACCESS_URL",
    "CODER_SCIM_AUTH_HEADER",
    "CODER_SESSION_DURATION",
    "CODER_STATS_COLLECTION_USAGE_STATS_ENABLE",
    "CODER_TELEMETRY_URL",
    "CODER_TLS_ADDRESS",
    "CODER_TLS_CERT_FILE",
    "CODER_TLS_CLIENT_CA_FILE",
    "CODER_TLS_KEY_FILE",
    "CODER_USER_TOKEN",
    "CODER_USE_KEYRING",
    "CODER_VERBOSE",
    "CODER_WILDCARD_ACCESS_URL",
    "CODER_WORKSPACE_NAME",
    "CODER_WORKSPACE_OWNER_SESSION_TOKEN",
)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CODER_TOKN", "CODER_SESSION_TOKEN"),
        ("CODER_TOKEN", "CODER_SESSION_TOKEN"),
        ("CODER_SESION_TOKEN", "CODER_SESSION_TOKEN"),
        ("CODER_API_KEY", "CODER_SESSION_TOKEN"),
        ("CODER_TOKEN_FILE", "CODER_SESSION_TOKEN_FILE"),
        ("CODER_SESSION_TOKENFILE", "CODER_SESSION_TOKEN_FILE"),
        ("CODER_URI", "CODER_URL"),
        ("CODER_ULR", "CODER_URL"),
        ("CODER_CONFIGDIR", "CODER_CONFIG_DIR"),
        ("INSIGHTS_EXPORTER_CONFIG", "INSIGHTS_EXPORTER_CONFIG_FILE"),
        ("INSIGHTS_EXPORTER_WEB_LISTEN_ADRESS", "INSIGHTS_EXPORTER_WEB_LISTEN_ADDRESS"),
    ],
)
def test_variable_that_was_meant_is_named(variable: str, meant: str) -> None:
    """A near miss is told with the nearest right name, and without its value."""
    (problem,) = unknown_env_vars({variable: "hidden-secret"})

    assert (variable, f"did you mean {meant}?") == (problem.place, problem.remedy)


def test_variable_like_no_other_is_told_with_those_there_are() -> None:
    """The prefix says for whom it was meant."""
    (problem,) = unknown_env_vars({"INSIGHTS_EXPORTER_XYZZY": "1"})

    assert problem.remedy.startswith("known are INSIGHTS_EXPORTER_CONFIG_FILE, ")


@pytest.mark.parametrize(
    "variable", [*CODERS_OWN, *CODER_VARIABLES, *FLAG_VARIABLES, "PATH", "CODERS", "OTHER_URL"]
)
def test_variable_of_others_is_left_alone(variable: str) -> None:
    """What the exporter reads, and what Coder's own programs read, is no mistake."""
    assert [] == list(unknown_env_vars({variable: "1"}))


@pytest.mark.parametrize("service", ["INSIGHTS_EXPORTER", "INSIGHTS_EXPORTER_WEB", "CODER", "CODER_URL_2"])
def test_variables_that_kubernetes_sets_are_left_alone(service: str) -> None:
    """A service with the exporter's name gives every pod beside it variables with the prefix."""
    environ = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": "12112",
        f"{service}_SERVICE_PORT_HTTP_METRICS": "12112",
        f"{service}_PORT": "tcp://10.0.0.1:12112",
        f"{service}_PORT_12112_TCP": "tcp://10.0.0.1:12112",
        f"{service}_PORT_12112_TCP_PROTO": "tcp",
        f"{service}_PORT_12112_TCP_PORT": "12112",
        f"{service}_PORT_12112_TCP_ADDR": "10.0.0.1",
    }

    assert [] == list(unknown_env_vars(environ))
