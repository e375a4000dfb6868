"""The health command finds a living or a ready exporter behind whatever its web config file demands."""

import socket
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.commands.errors import CommandError
from insights_exporter.commands.health import health
from insights_exporter.web.prefix import PrefixMiddleware
from tests.integration.exporter import RunExporter
from tests.integration.processes import free_port
from tests.web.webconfig.certificates import DATA, make_authorities, write_case, write_parts
from tests.web.webconfig.server import Served, serving

GOOD = sorted(path.name for path in DATA.glob("good-*.yml"))
ALIVE, DEAD = True, False

REFUSING = """
tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client-ca.crt,
  client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [nobody], max_version: %s}
"""
LOGIN = "basic_auth_users: {prometheus: $2b$04$zHMoPUQa7KGfttbev/diLOYTLMLSaAxtw21yJWb/nA4KOFT88tXVW}\n"
LIMIT = "rate_limit: {interval: 1h, burst: 1}\n"


ASKING = """
tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client-ca.crt,
  client_auth_type: %s}
"""
ROOMY = "rate_limit: {interval: 1h, burst: 9}\n"


async def still_asking(scope: Scope, receive: Receive, send: Send) -> None:
    """Live, and be not ready."""
    await PlainTextResponse("", 503 if scope["path"] == "/-/ready" else 200)(scope, receive, send)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory that holds the files which web config files name."""
    made = tmp_path_factory.mktemp("health")
    write_parts(made, make_authorities())
    return made


def address(served: Served) -> str:
    """Give where it listens."""
    return f"127.0.0.1:{served.port}"


@pytest.mark.parametrize("name", GOOD)
def test_an_exporter_is_alive_behind_every_good_file(name: str, directory: Path) -> None:
    """TLS of whatever version, client certificates, users and limits are no obstacle."""
    file = write_case(directory, name)
    with serving(file) as served:
        found = [health(address(served), file) for _ in range(2)]

    assert [ALIVE, ALIVE] == found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(REFUSING % "TLS12", id="disconnected in the handshake"),
        pytest.param(REFUSING % "TLS13", id="disconnected after the handshake"),
        pytest.param(LOGIN, id="asked for a login"),
        pytest.param(LIMIT, id="asked too often"),
    ],
)
def test_an_exporter_that_refuses_is_alive(text: str, directory: Path) -> None:
    """To be refused is an answer, each time."""
    file = directory / "refusing.yml"
    file.write_text(text, encoding="utf-8")
    with serving(file) as served:
        found = [health(address(served), file) for _ in range(3)]

    assert [ALIVE] * 3 == found


@pytest.mark.parametrize("host", ["", "[::]"], ids=["none", "IPv6"])
def test_wildcard_is_asked_over_whatever_family_the_machine_has(host: str, directory: Path) -> None:
    """An exporter on all interfaces is found where there is no IPv6, too."""
    with serving(write_case(directory, "good-empty.yml")) as served:
        assert health(f"{host}:{served.port}")


@pytest.mark.parametrize("before", ["good-tls.yml", "good-empty.yml"])
@pytest.mark.parametrize("after", ["good-tls.yml", "good-empty.yml", "bad-not-yaml.yml", "not-there.yml"])
def test_a_file_that_went_wrong_kills_nobody(before: str, after: str, directory: Path) -> None:
    """The exporter goes on with what it had, and the command finds that it does."""
    with serving(write_case(directory, before)) as served:
        now = write_case(directory, after) if (DATA / after).exists() else directory / after

        assert health(address(served), now)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_nobody_is_not_alive(name: str, directory: Path) -> None:
    """Where nobody listens there is no exporter."""
    assert not health(f"127.0.0.1:{free_port()}", write_case(directory, name))


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
@pytest.mark.parametrize(
    ("status", "expected"), [(200, ALIVE), (401, ALIVE), (404, DEAD), (499, ALIVE), (500, DEAD)]
)
def test_the_status_counts(status: int, name: str, directory: Path, *, expected: bool) -> None:
    """An exporter that fails is not healthy, and a 404 shows a wrong prefix or another server."""

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("", status)(scope, receive, send)

    file = write_case(directory, name)
    with serving(file, response) as served:
        assert expected == health(address(served), file)


@pytest.mark.parametrize("arguments", [[], ["--ready"]], ids=["alive", "ready"])
def test_readiness_is_asked_for_by_its_flag(
    arguments: list[str], directory: Path, run_exporter: RunExporter
) -> None:
    """An exporter that has not asked for everything yet is alive and not ready."""
    with serving(write_case(directory, "good-empty.yml"), still_asking) as served:
        done = run_exporter("health", *arguments, f"--web.listen-address={address(served)}")

    assert len(arguments) == done.returncode, done.stderr


def test_readiness_below_a_prefix(directory: Path, run_exporter: RunExporter) -> None:
    """The flags that give the exporter its prefix give it to the command too."""
    with serving(write_case(directory, "good-empty.yml"), PrefixMiddleware(still_asking, "/a")) as served:
        flags = ("--ready", f"--web.listen-address={address(served)}", "--web.external-url=http://x/a")
        found = [run_exporter("health", *flags, *more).returncode for more in ((), ("--web.route-prefix=/",))]

    assert [1, 1] == found  # not ready below the prefix; elsewhere a 404


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", False, id="open"),
        pytest.param(ROOMY, False, id="within the limit"),
        pytest.param(ASKING % "VerifyClientCertIfGiven", False, id="let in without a certificate"),
        pytest.param(ASKING % "RequireAndVerifyClientCert", True, id="kept out without one"),
        pytest.param(LOGIN, True, id="asked for a login"),
    ],
)
def test_who_is_refused_cannot_wait(text: str, directory: Path, *, expected: bool) -> None:
    """Where the exporter tells that it is not ready, that counts; where it tells nothing, that it lives."""
    file = directory / "waiting.yml"
    file.write_text(text, encoding="utf-8")
    with serving(file, still_asking) as served:
        assert expected == health(address(served), file, ready=True)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_an_exporter_becomes_ready(name: str, directory: Path) -> None:
    """A good answer is one."""
    file = write_case(directory, name)
    with serving(file) as served:
        assert health(address(served), file, ready=True)


@pytest.mark.parametrize("name", ["good-tls.yml", "good-empty.yml"])
def test_silence_is_not_alive(name: str, directory: Path) -> None:
    """An exporter that takes connections and says nothing hangs."""
    file = write_case(directory, name)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        assert not health(f"127.0.0.1:{hanging.getsockname()[1]}", file, timeout=0.1)


def test_a_failure_is_explained(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each failure prints URL, error and what to check; success prints nothing."""
    port = free_port()
    with serving(write_case(directory, "good-empty.yml"), PrefixMiddleware(still_asking, "/a")) as served:
        assert health(address(served), prefix="/a")
        assert not health(address(served))
        assert not health(address(served), prefix="/a", ready=True)
    assert not health(f"127.0.0.1:{port}")

    found, nothing = (f"insights-exporter: http://{each}" for each in (address(served), f"127.0.0.1:{port}"))
    refused = "connection refused; check --web.listen-address and --web.config.file"
    assert [
        f"{found}/-/healthy: HTTP 404; check --web.route-prefix and --web.external-url",
        f"{found}/a/-/ready: HTTP 503; read the exporter's log",
        f"{nothing}/-/healthy: {refused}",
    ] == capsys.readouterr().err.splitlines()


def test_an_address_that_is_none_is_refused() -> None:
    """It is the user's mistake, not the exporter's end."""
    with pytest.raises(CommandError, match="HOST:PORT"):
        health("nowhere")
