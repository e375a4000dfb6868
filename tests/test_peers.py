"""The programs that the tests run start, respond and stop."""

import itertools
import signal
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.async_api import Page

from tests.integration.exporter import StartExporter
from tests.integration.processes import running
from tests.integration.prometheus import StartPrometheus, scraping
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually, eventually_async

GOOD = "# HELP naps Naps now.\n# TYPE naps gauge\nnaps 3\n"


class GaugeHandler(BaseHTTPRequestHandler):
    """Responds to every request with one gauge."""

    def do_GET(self) -> None:
        """Respond with the gauge."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(GOOD.encode())

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def naps() -> Iterator[str]:
    """Serve one gauge and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), GaugeHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_prometheus_scrapes_and_responds(start_prometheus: StartPrometheus, naps: str) -> None:
    """A query returns the value that a target exposes."""
    prometheus = start_prometheus(scraping(naps))

    (sample,) = prometheus.wait_for("naps")

    assert 3.0 == sample.value
    assert "insights-exporter" == sample.labels["job"]


def test_exporter_serves_and_ends_cleanly(start_exporter: StartExporter) -> None:
    """The installed command responds on its own port and exits with status 0."""
    exporter = start_exporter("demo", "--users=5")

    assert "insights_exporter_poll_success{" in eventually(exporter.page)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_signal_ends_the_exporter_without_a_trace(start_exporter: StartExporter, how: signal.Signals) -> None:
    """Ctrl-C, or a service manager's request, ends the process with status 0 and no traceback."""
    exporter = start_exporter("demo", "--users=5")

    assert 0 == exporter.running.stop(how)
    assert "Traceback" not in exporter.running.output()


def test_promtool_accepts_a_valid_exposition(promtool: Promtool) -> None:
    """Promtool reports nothing about a valid exposition."""
    assert "" == promtool.check_metrics(GOOD)


def test_promtool_reports_an_invalid_exposition(promtool: Promtool) -> None:
    """Promtool reports a family without HELP."""
    assert "naps no help text" in promtool.check_metrics("# TYPE naps gauge\nnaps 3\n")


async def test_browser_shows_a_page(page: Page, naps: str) -> None:
    """The browser reads what a server on loopback shows."""
    await page.goto(naps)

    assert "naps 3" in await page.inner_text("body")


def test_ended_process_is_reported(tmp_path: Path) -> None:
    """A process that ended too early fails the test with its status and output."""
    with running(
        [sys.executable, "-c", "import sys; print('so long'); sys.exit(3)"], tmp_path, {}
    ) as process:
        process.process.wait(30)

        with pytest.raises(AssertionError, match=r"ended with 3:\nso long"):
            process.check_alive()


def test_process_is_ended_with_its_block(tmp_path: Path) -> None:
    """Nothing that a test started outlives it."""
    with running([sys.executable, "-c", "import signal; signal.pause()"], tmp_path, {}) as process:
        assert process.process.poll() is None

    assert process.process.poll() is not None


def test_eventually_returns_the_first_truthy_value() -> None:
    """The condition is called until its value is truthy."""
    numbers = itertools.count()

    assert 3 == eventually(lambda: next(numbers) // 3 * 3)


def test_eventually_names_what_it_saw_last() -> None:
    """A condition that never holds fails with its last value."""
    with pytest.raises(AssertionError, match="last seen: 0"):
        eventually(lambda: 0, seconds=0)


def test_eventually_passes_over_expected_exceptions() -> None:
    """An exception that means not yet is no failure until the end."""
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        eventually(lambda: 1 / 0, seconds=0, ignoring=(ZeroDivisionError,))


async def test_eventually_async_awaits_its_condition() -> None:
    """A coroutine may be the condition."""
    numbers = itertools.count()

    async def three() -> int:
        return next(numbers) // 3 * 3

    assert 3 == await eventually_async(three)
