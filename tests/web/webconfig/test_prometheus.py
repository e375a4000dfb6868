"""A real Prometheus scrapes with the credentials of the web config file."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import trustme

from tests.integration.prometheus import StartPrometheus, scraping
from tests.web.webconfig.certificates import Authorities, chain, write_case
from tests.web.webconfig.server import ServedApp, serving

NAME = "prometheus.example.com"
WITH_PASSWORD, WITH_CERTIFICATE = "with-password.yml", "good-client-allowed-sans.yml"
SCRAPED, REFUSED = True, False

Settings = dict[str, Any]


@pytest.fixture
def served(directory: Path) -> Iterator[dict[str, ServedApp]]:
    """Return a server with a user and one that requires client certificates, both with TLS."""
    file = write_case(directory, "good-tls.yml")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    with_users = f"{file.read_text(encoding='utf-8')}basic_auth_users: {{prometheus: {hashed}}}\n"
    (directory / WITH_PASSWORD).write_text(with_users, encoding="utf-8")
    write_case(directory, WITH_CERTIFICATE)
    with ExitStack() as running:
        yield {
            name: running.enter_context(serving(directory / name))
            for name in (WITH_PASSWORD, WITH_CERTIFICATE)
        }


def job(name: str, served: ServedApp, trusted: Path, **config: Any) -> Settings:  # noqa: ANN401 - what Prometheus takes
    """Return a scrape job over TLS."""
    plain: Settings = scraping(served.url("http"), job=name)["scrape_configs"][0]
    tls = {"ca_file": str(trusted), **config.pop("tls_config", {})}
    return {**plain, "scheme": "https", "tls_config": tls, **config}


def write_certificate(directory: Path, name: str, leaf: trustme.LeafCert) -> Settings:
    """Write a client certificate, and return the config that sends it."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    certificate.write_bytes(chain(leaf))
    leaf.private_key_pem.write_to_path(str(key))
    return {"tls_config": {"cert_file": str(certificate), "key_file": str(key)}}


def login(password: str) -> Settings:
    """Return the config with the login of the user."""
    return {"basic_auth": {"username": "prometheus", "password": password}}


def test_credentials_of_scrapes(
    served: dict[str, ServedApp], directory: Path, authorities: Authorities, start_prometheus: StartPrometheus
) -> None:
    """Only the right password, or a certificate with an allowed name, can scrape."""
    right = authorities.client.issue_cert(NAME)
    renamed = authorities.client.issue_cert("grafana.example.com")
    strange = authorities.stranger.issue_cert(NAME)
    cases = {
        "right-password": (WITH_PASSWORD, login("secret"), SCRAPED),
        "wrong-password": (WITH_PASSWORD, login("guess"), REFUSED),
        "no-password": (WITH_PASSWORD, {}, REFUSED),
        "right-certificate": (WITH_CERTIFICATE, write_certificate(directory, "right", right), SCRAPED),
        "another-name": (WITH_CERTIFICATE, write_certificate(directory, "renamed", renamed), REFUSED),
        "another-authority": (
            WITH_CERTIFICATE,
            write_certificate(directory, "strange", strange),
            REFUSED,
        ),
        "no-certificate": (WITH_CERTIFICATE, {}, REFUSED),
    }
    trusted = directory / "server-ca.crt"
    authorities.server.cert_pem.write_to_path(str(trusted))
    jobs = [job(name, served[file], trusted, **config) for name, (file, config, _) in cases.items()]
    prometheus = start_prometheus({**scraping(), "scrape_configs": jobs})

    prometheus.wait_for(f"count(up) == {len(cases)}")
    prometheus.wait_for("sum(up) == 2")
    up = {sample.labels["job"]: bool(sample.value) for sample in prometheus.query("up")}
    is_served = {sample.labels["job"] for sample in prometheus.query("test_metric == 42")}

    assert {name: expected for name, (_, _, expected) in cases.items()} == up
    assert {name for name, is_up in up.items() if is_up} == is_served


def test_scrapes_succeed_while_certificates_change(
    directory: Path, authorities: Authorities, start_prometheus: StartPrometheus
) -> None:
    """No scrape fails while the certificate is replaced."""
    trusted = directory / "server-ca.crt"
    authorities.server.cert_pem.write_to_path(str(trusted))
    with serving(write_case(directory, "good-tls.yml")) as served:
        config = {**scraping(), "scrape_configs": [job("renewed", served, trusted)]}
        prometheus = start_prometheus(config)
        for scrapes in (1, 2):
            prometheus.wait_for(f"count_over_time(up[1m]) >= {scrapes}")
            renewed = authorities.server.issue_cert("localhost")
            (directory / "server.key").write_bytes(renewed.private_key_pem.bytes())
            (directory / "server.crt").write_bytes(chain(renewed))
            served.clock.now += 1
        prometheus.wait_for("count_over_time(up[1m]) >= 3")
        missed = prometheus.query("min_over_time(up[1m]) == 0")

    assert [] == missed
    assert 0 == served.config.reload_failures


def test_a_browser_gets_a_login_prompt(served: dict[str, ServedApp], authorities: Authorities) -> None:
    """A browser prompts for user and password."""
    trust = ssl.create_default_context()
    authorities.server.configure_trust(trust)
    with httpx.Client(verify=trust, trust_env=False) as browser:
        first = browser.get(served[WITH_PASSWORD].url())
        second = browser.get(served[WITH_PASSWORD].url(), auth=("prometheus", "secret"))

    assert [401, 200] == [first.status_code, second.status_code]
    assert first.headers["www-authenticate"].startswith("Basic realm=")
