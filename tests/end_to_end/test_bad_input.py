"""Errors for a wrong config: one clear line, with the cause and the remedy."""

from pathlib import Path

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration.exporter import Exporter, RunExporter, StartExporter
from tests.integration.waiting import eventually


@pytest.mark.parametrize(
    ("env", "flags", "config", "expected_words"),
    [
        pytest.param({}, [], None, ["CODER_URL"], id="nothing set"),
        pytest.param(
            {"CODER_URL": "https://c.example.com"}, [], None, ["CODER_SESSION_TOKEN"], id="no token"
        ),
        pytest.param(
            {"CODER_URL": "c.example.com", "CODER_SESSION_TOKEN": "x-x"}, [], None, ["http"], id="wrong URL"
        ),
        pytest.param(
            {},
            [],
            "deployments: [{url: 'https://c.example.com', token: x-x, timout: 5s}]",
            ["timout", "timeout"],
            id="unknown key",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--web.listen-address=nowhere"],
            None,
            ["--web.listen-address", "HOST:PORT"],
            id="no address",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--config.check", "--web.listen-address=:12112", "--web.listen-address=::1:12112"],
            None,
            ["--web.listen-address", "HOST:PORT", "[::1]:12112"],
            id="no address, checked",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--config.check", "--web.telemetry-path=/{path:any}"],
            None,
            ["--web.telemetry-path", "/metrics"],
            id="pattern of paths",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--web.telemetry-path=metrics"],
            None,
            [
                "--web.telemetry-path: 'metrics' is reserved or not a plain path",
                "use a path such as /metrics",
            ],
            id="no path",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--web.external-url=tools.example.com/insights"],
            None,
            ["--web.external-url", "https://HOST/PATH"],
            id="no URL",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--web.route-prefix=/a//b"],
            None,
            ["--web.route-prefix", "/PATH"],
            id="no prefix",
        ),
        pytest.param(
            {"CODER_URL": "https://c.example.com", "CODER_SESSION_TOKEN": "x-x"},
            ["--shard=3", "--total-shards=2"],
            None,
            ["--shard=3", "--total-shards=2"],
            id="no such shard",
        ),
    ],
)
def test_invalid_start(  # noqa: PLR0913 -- one parameter a column
    run_exporter: RunExporter,
    tmp_path: Path,
    *,
    env: dict[str, str],
    flags: list[str],
    config: str | None,
    expected_words: list[str],
) -> None:
    """An invalid flag or variable ends the command with status 2 and a line with cause and remedy."""
    if config:
        (tmp_path / "config.yml").write_text(config)
        flags = [*flags, f"--config.file={tmp_path / 'config.yml'}"]

    ended = run_exporter(*flags, env=env)

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    for word in expected_words:
        assert word in ended.stderr


def test_check_of_a_valid_config(run_exporter: RunExporter) -> None:
    """`--config.check` reports success and starts no server."""
    env = {"CODER_URL": "https://coder.example.com", "CODER_SESSION_TOKEN": "x-x"}

    ended = run_exporter("--config.check", env=env)

    assert (ended.returncode, ended.stdout) == (0, "Config valid: 1 deployment.\n")


def test_refused_token(start_exporter: StartExporter) -> None:
    """A token that Coder refuses does not stop the exporter; one log line has the reason and the remedy."""
    with serve(EmbeddedCoder(population=Population(seed=1, users=5, templates=2))) as url:
        exporter = start_exporter(env={"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN.swapcase()})

        messages = eventually(lambda: failures(exporter))

    assert len(messages) == 1
    assert "reason=unauthorized" in messages[0]
    assert "coder tokens create" in messages[0]
    assert DEMO_TOKEN.swapcase() not in messages[0]


def test_server_that_is_down(start_exporter: StartExporter) -> None:
    """An unreachable server does not stop the exporter; it is logged once and shown on the status page."""
    exporter = start_exporter(env={"CODER_URL": "http://127.0.0.1:9", "CODER_SESSION_TOKEN": "x-x"})

    messages = eventually(lambda: failures(exporter))
    page = exporter.page()

    assert len(messages) == 1
    assert "reason=connection" in messages[0]
    assert "insights_exporter_poll_success{" in page
    assert "coder_insights_active_users{" not in page


def failures(exporter: Exporter) -> list[str]:
    """Return the log lines about failed polls."""
    return [line for line in exporter.running.output().splitlines() if "poll failed" in line]
