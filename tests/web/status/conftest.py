"""The exporter that the tests of the page look at: three deployments, one of which is down."""

from collections.abc import Iterator

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.demo.asking import coder
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
  - {{name: down, url: "http://127.0.0.1:{nobody}", datasets: {{periods: {{enabled: false}}}}}}
"""


@pytest.fixture(scope="session")
def good() -> EmbeddedCoder:
    """Give the server behind the deployment `good`, whose clock stands still."""
    return coder()


@pytest.fixture(scope="session")
def exporter(good: EmbeddedCoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Give an exporter that has tried everything once."""
    room = tmp_path_factory.mktemp("status")
    partly = coder()
    partly.fail("403", "/insights/daus")
    with serve(good) as good_url, serve(partly) as partly_url:
        config = CONFIG.format(good=good_url, partly=partly_url, nobody=free_port(), hostile=HOSTILE)
        (room / "config.yml").write_text(config, encoding="utf-8")
        flags = (f"--config.file={room / 'config.yml'}", "--web.telemetry-path=/its/metrics")
        with exporter_peer.serving(room, *flags, env={"TOKEN": DEMO_TOKEN}) as running:
            eventually(lambda: tried(running))
            yield running


def tried(exporter: Exporter) -> bool:
    """Tell whether all is good that can be, and the rest has failed."""
    overview = exporter.page("/")
    return all(word in overview for word in (">Healthy<", ">Partly failing<", ">Failing<"))
