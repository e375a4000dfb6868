"""The exporter behind the tests of the page: three deployments, one of which is down."""

from collections.abc import Iterator

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.demo.client import coder
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter
from tests.integration.processes import free_port
from tests.integration.waiting import eventually

HOSTILE = '<img src=x onerror="alert(1)"> & co'
CONFIG = """\
defaults: {{token_env: TOKEN, requests_per_minute: 10000}}
deployments:
  - {{name: good, url: "{good}"}}
  - {{name: '{hostile}', url: "{partly}"}}
  - {{name: down, url: "http://127.0.0.1:{closed_port}", datasets: {{periods: {{enabled: false}}}}}}
"""


@pytest.fixture(scope="session")
def good() -> EmbeddedCoder:
    """Return the server of the deployment `good`, whose clock stands still."""
    return coder()


@pytest.fixture(scope="session")
def exporter(good: EmbeddedCoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Return an exporter that has polled everything once."""
    directory = tmp_path_factory.mktemp("status")
    partly = coder()
    partly.fail("403", "/insights/daus")
    with serve(good) as good_url, serve(partly) as partly_url:
        config = CONFIG.format(good=good_url, partly=partly_url, closed_port=free_port(), hostile=HOSTILE)
        (directory / "config.yml").write_text(config, encoding="utf-8")
        flags = (f"--config.file={directory / 'config.yml'}", "--web.telemetry-path=/its/metrics")
        with exporter_peer.serving(directory, *flags, env={"TOKEN": DEMO_TOKEN}) as running:
            eventually(lambda: is_settled(running))
            yield running


def is_settled(exporter: Exporter) -> bool:
    """Return whether each deployment has its expected state."""
    overview = exporter.page("/")
    return all(word in overview for word in (">Healthy<", ">Partly failing<", ">Failing<"))
