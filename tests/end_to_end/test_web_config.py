"""The web config file: accepted clients, responses, and reloads."""

import signal
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.async_api import HttpCredentials, expect

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.end_to_end.protected_exporter import (
    MUTUAL,
    PASSWORD,
    TLS,
    USER,
    USERS,
    ProtectedExporter,
    run_protected,
)
from tests.integration.browser import run_browser
from tests.integration.exporter import RunExporter
from tests.integration.prometheus import StartPrometheus, scraping
from tests.integration.waiting import eventually
from tests.web.webconfig.certificates import Authorities, chain, make_authorities, write_parts
from tests.web.webconfig.server import client_context

LOGIN = (USER, PASSWORD)
FAILURES = "insights_exporter_web_config_reload_failures_total"
WRONG = f"{USERS}http_server_config: {{headers: {{X-Frame-Options: none}}}}\nrate_limits: {{}}\n"
TOLD = ("rate_limits", "X-Frame-Options")


@pytest.fixture(scope="module")
def authorities() -> Authorities:
    """Provide the authorities of these tests."""
    return make_authorities()


@pytest.fixture
def directory(tmp_path: Path, authorities: Authorities) -> Path:
    """Provide a directory with certificates in it, the server's authority and a client's among them."""
    write_parts(tmp_path, authorities)
    authorities.server.cert_pem.write_to_path(str(tmp_path / "server-ca.crt"))
    client = authorities.client.issue_cert("prometheus.example.com")
    (tmp_path / "client.crt").write_bytes(chain(client))
    (tmp_path / "client.key").write_bytes(client.private_key_pem.bytes())
    return tmp_path


@pytest.fixture(scope="module")
def coder() -> Iterator[str]:
    """Provide the address of a small Coder."""
    with serve(EmbeddedCoder(population=Population(seed=1, users=10, templates=2), rate_limit=-1)) as url:
        yield url


@pytest.fixture
def behind_users(directory: Path, authorities: Authorities, coder: str) -> Iterator[ProtectedExporter]:
    """Provide an exporter with TLS, a user, and the lifecycle API."""
    trust = client_context(authorities.server)
    with run_protected(directory, TLS + USERS, coder, trust, "--web.enable-lifecycle") as exporter:
        yield exporter


def test_prometheus_scrapes_as_user_and_by_certificate(
    directory: Path, authorities: Authorities, coder: str, start_prometheus: StartPrometheus
) -> None:
    """Coder's data is served only to clients with the password or the certificate."""
    login = {"basic_auth": {"username": USER, "password": PASSWORD}}
    names = {"cert_file": str(directory / "client.crt"), "key_file": str(directory / "client.key")}
    trust = client_context(authorities.server)
    with ExitStack() as stack:
        users, mutual = (
            stack.enter_context(run_protected(directory, text, coder, trust))
            for text in (TLS + USERS, MUTUAL)
        )
        trusted = directory / "server-ca.crt"
        jobs = [
            users.job("password", trusted, **login),
            users.job("no-password", trusted),
            mutual.job("certificate", trusted, tls_config=names),
            mutual.job("no-certificate", trusted),
        ]
        prometheus = start_prometheus({**scraping(), "scrape_configs": jobs})
        prometheus.wait_for("count(up) == 4 and sum(up) == 2")
        prometheus.wait_for("count(count by (job) (coder_insights_daily_active_users)) == 2")
        with_data = {each.labels["job"] for each in prometheus.query("coder_insights_daily_active_users")}
        up = {each.labels["job"] for each in prometheus.query("up == 1")}
        failures = {each.value for each in prometheus.query(FAILURES)}

    assert {"password", "certificate"} == with_data == up
    assert {0.0} == failures


def test_no_scrape_is_missed_while_the_certificate_is_renewed(
    directory: Path,
    authorities: Authorities,
    behind_users: ProtectedExporter,
    start_prometheus: StartPrometheus,
) -> None:
    """Certificate and key are replaced one after the other; the next handshake has the new ones."""
    login = {"basic_auth": {"username": USER, "password": PASSWORD}}
    job = behind_users.job("renewed", directory / "server-ca.crt", **login)
    prometheus = start_prometheus({**scraping(), "scrape_configs": [job]})
    prometheus.wait_for("count_over_time(up[1m]) >= 2")
    before = read_certificate(behind_users)
    renewed = authorities.server.issue_cert("localhost")
    (directory / "server.crt").write_bytes(chain(renewed))
    (directory / "server.key").write_bytes(renewed.private_key_pem.bytes())
    eventually(lambda: read_certificate(behind_users) != before)
    so_far = prometheus.query("count_over_time(up[1m])")[0].value
    prometheus.wait_for(f"count_over_time(up[1m]) >= {so_far + 2}")

    assert [] == prometheus.query("min_over_time(up[1m]) == 0")
    assert read_certificate(behind_users) == ssl.DER_cert_to_PEM_cert(
        ssl.PEM_cert_to_DER_cert(renewed.cert_chain_pems[0].bytes().decode())
    )


def read_certificate(exporter: ProtectedExporter) -> str:
    """Return the certificate that new connections see."""
    return ssl.get_server_certificate(("127.0.0.1", exporter.port), timeout=30)


async def test_the_status_page_requires_a_login(behind_users: ProtectedExporter) -> None:
    """A browser shows the page with user and password, and not without."""
    login = HttpCredentials(username=USER, password=PASSWORD)
    async with run_browser() as browser:
        known = await browser.new_page(ignore_https_errors=True, http_credentials=login)
        response = await known.goto(f"https://localhost:{behind_users.port}/")
        await expect(known.locator("body")).to_contain_text("127.0.0.1")

    assert 401 == behind_users.request("/").status_code
    assert 200 == (response and response.status)


def test_an_invalid_file_fails_the_reload(behind_users: ProtectedExporter) -> None:
    """A failed reload lists all errors, keeps the old file and is counted until one succeeds."""
    right = behind_users.file.read_text()
    behind_users.file.write_text(TLS + WRONG)
    failed = behind_users.request("/-/reload", "POST", LOGIN)
    again = behind_users.request("/-/reload", "POST", LOGIN)
    page = behind_users.request(f"/metrics?name[]={FAILURES}", login=LOGIN).text
    behind_users.file.write_text(right)
    fixed = behind_users.request("/-/reload", "POST", LOGIN)

    assert [500, 500, 200] == [each.status_code for each in (failed, again, fixed)]
    assert [word in line for word, line in zip(TOLD, failed.text.splitlines(), strict=True)] == [True, True]
    assert f"{FAILURES} 1.0" in page
    assert 1 == behind_users.running.output().count("web config reload failed")


def test_a_signal_reloads_the_file(behind_users: ProtectedExporter) -> None:
    """SIGHUP reloads the web config file too, without any request."""
    headers = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
    behind_users.file.write_text(TLS + USERS + headers)
    behind_users.running.process.send_signal(signal.SIGHUP)
    eventually(lambda: "web config reloaded" in behind_users.running.output())

    assert "deny" == behind_users.request("/-/healthy").headers["x-frame-options"]


@pytest.mark.parametrize("flags", [[], ["--config.check"]], ids=["at the start", "when checked"])
def test_a_wrong_file_ends_the_exporter(flags: list[str], directory: Path, run_exporter: RunExporter) -> None:
    """Status 2, and a line for each thing that is wrong."""
    file = directory / "web.yml"
    file.write_text(WRONG)
    env = {"CODER_URL": "http://127.0.0.1:9", "CODER_SESSION_TOKEN": "x-x"}
    done = run_exporter(*flags, env={**env, "INSIGHTS_EXPORTER_WEB_CONFIG_FILE": str(file)})
    lines = [line for line in done.stderr.splitlines() if "web.yml" in line]

    assert 2 == done.returncode
    assert [True, True] == [word in line for word, line in zip(TOLD, lines, strict=True)]
