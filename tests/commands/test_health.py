"""The health command works with any web config file."""

import socket
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.health import check_health
from insights_exporter.web.prefix import PrefixMiddleware
from tests.integration.exporter import RunExporter
from tests.integration.processes import free_port
from tests.web.webconfig.certificates import DATA, make_authorities, write_case, write_parts
from tests.web.webconfig.server import ServedApp, serving

GOOD = sorted(path.name for path in DATA.glob("good-*.yml"))
ALIVE, DEAD = True, False

REFUSING = """
tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client-ca.crt,
  client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [other], max_version: %s}
"""
LOGIN = "basic_auth_users: {prometheus: $2b$04$zHMoPUQa7KGfttbev/diLOYTLMLSaAxtw21yJWb/nA4KOFT88tXVW}\n"
LIMIT = "rate_limit: {interval: 1h, burst: 1}\n"


ASKING = """
tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client-ca.crt,
  client_auth_type: %s}
"""
ROOMY = "rate_limit: {interval: 1h, burst: 9}\n"


async def respond_not_ready(scope: Scope, receive: Receive, send: Send) -> None:
    """Be healthy and not ready."""
    await PlainTextResponse("", 503 if scope["path"] == "/-/ready" else 200)(scope, receive, send)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the files that web config files name."""
    made = tmp_path_factory.mktemp("health")
    write_parts(made, make_authorities())
    return made


def find_address(served: ServedApp) -> str:
    """Return its address."""
    return f"127.0.0.1:{served.port}"


@pytest.mark.parametrize("name", GOOD)
def test_exporter_is_healthy_with_any_web_config(name: str, directory: Path) -> None:
    """An exporter is healthy with any TLS version, client certificates, users and rate limits."""
    file = write_case(directory, name)
    with serving(file) as served:
        found = [check_health(find_address(served), file) for _ in range(2)]

    assert [ALIVE, ALIVE] == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(REFUSING % "TLS12", id="disconnected in the handshake"),
        pytest.param(REFUSING % "TLS13", id="disconnected after the handshake"),
        pytest.param(LOGIN, id="requires a login"),
        pytest.param(LIMIT, id="rate limited"),
    ],
)
def test_exporter_that_refuses_is_healthy(text: str, directory: Path) -> None:
    """A refusal is a response."""
    file = directory / "refusing.yml"
    file.write_text(text, encoding="utf-8")
    with serving(file) as served:
        found = [check_health(find_address(served), file) for _ in range(3)]

    assert [ALIVE] * 3 == found


@pytest.mark.parametrize("host", ["", "[::]"], ids=["none", "IPv6"])
def test_wildcard_address(host: str, directory: Path) -> None:
    """An exporter on all interfaces is found without IPv6, too."""
    with serving(write_case(directory, "good-empty.yml")) as served:
        assert check_health(f"{host}:{served.port}")


@pytest.mark.parametrize("before", ["good-tls.yml", "good-empty.yml"])
@pytest.mark.parametrize("after", ["good-tls.yml", "good-empty.yml", "bad-not-yaml.yml", "not-there.yml"])
def test_exporter_with_an_invalid_file_is_healthy(before: str, after: str, directory: Path) -> None:
    """The exporter keeps its previous web config and is healthy."""
    with serving(write_case(directory, before)) as served:
        now = write_case(directory, after) if (DATA / after).exists() else directory / after

        assert check_health(find_address(served), now)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_missing_exporter_is_not_healthy(name: str, directory: Path) -> None:
    """Without a listener there is no exporter."""
    assert not check_health(f"127.0.0.1:{free_port()}", write_case(directory, name))


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
@pytest.mark.parametrize(
    ("status", "expected"), [(200, ALIVE), (401, ALIVE), (404, DEAD), (499, ALIVE), (500, DEAD)]
)
def test_error_status_is_not_healthy(status: int, name: str, directory: Path, *, expected: bool) -> None:
    """An exporter that fails is not healthy, and a 404 shows a wrong prefix or another server."""

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("", status)(scope, receive, send)

    file = write_case(directory, name)
    with serving(file, response) as served:
        assert expected == check_health(find_address(served), file)


@pytest.mark.parametrize("arguments", [[], ["--ready"]], ids=["alive", "ready"])
def test_readiness(arguments: list[str], directory: Path, run_exporter: RunExporter) -> None:
    """An exporter that has not polled everything yet is healthy and not ready."""
    with serving(write_case(directory, "good-empty.yml"), respond_not_ready) as served:
        done = run_exporter("health", *arguments, f"--web.listen-address={find_address(served)}")

    assert len(arguments) == done.returncode, done.stderr


def test_readiness_below_a_prefix(directory: Path, run_exporter: RunExporter) -> None:
    """The command takes the same flags for the prefix as the exporter."""
    with serving(
        write_case(directory, "good-empty.yml"), PrefixMiddleware(respond_not_ready, "/a")
    ) as served:
        flags = ("--ready", f"--web.listen-address={find_address(served)}", "--web.external-url=http://x/a")
        found = [run_exporter("health", *flags, *more).returncode for more in ((), ("--web.route-prefix=/",))]

    assert [1, 1] == found  # not ready below the prefix; elsewhere a 404


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", False, id="open"),
        pytest.param(ROOMY, False, id="within the limit"),
        pytest.param(ASKING % "VerifyClientCertIfGiven", False, id="let in without a certificate"),
        pytest.param(ASKING % "RequireAndVerifyClientCert", True, id="rejected without one"),
        pytest.param(LOGIN, True, id="requires a login"),
    ],
)
def test_refusal_counts_as_ready(text: str, directory: Path, *, expected: bool) -> None:
    """A response about readiness counts; a refusal counts as ready."""
    file = directory / "waiting.yml"
    file.write_text(text, encoding="utf-8")
    with serving(file, respond_not_ready) as served:
        assert expected == check_health(find_address(served), file, ready=True)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_exporter_becomes_ready(name: str, directory: Path) -> None:
    """A successful response is ready."""
    file = write_case(directory, name)
    with serving(file) as served:
        assert check_health(find_address(served), file, ready=True)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_timeout_is_not_healthy(name: str, directory: Path) -> None:
    """An exporter that accepts connections and never responds is not healthy."""
    file = write_case(directory, name)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        assert not check_health(f"127.0.0.1:{hanging.getsockname()[1]}", file, timeout=0.1)


def test_error_message(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure prints URL, error and what to check; success prints nothing."""
    port = free_port()
    with serving(
        write_case(directory, "good-empty.yml"), PrefixMiddleware(respond_not_ready, "/a")
    ) as served:
        assert check_health(find_address(served), prefix="/a")
        assert not check_health(find_address(served))
        assert not check_health(find_address(served), prefix="/a", ready=True)
    assert not check_health(f"127.0.0.1:{port}")

    found, nothing = (
        f"insights-exporter: http://{each}" for each in (find_address(served), f"127.0.0.1:{port}")
    )
    refused = "connection refused; check --web.listen-address and --web.config.file"
    assert [
        f"{found}/-/healthy: HTTP 404; check --web.route-prefix and --web.external-url",
        f"{found}/a/-/ready: HTTP 503; read the exporter's log",
        f"{nothing}/-/healthy: {refused}",
    ] == capsys.readouterr().err.splitlines()


def test_invalid_address() -> None:
    """An invalid address is an error of the command line."""
    with pytest.raises(CommandError, match="HOST:PORT"):
        check_health("nowhere")
