"""Fixtures of all tests: real peers, and the profiles of hypothesis."""

import inspect
import itertools
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page

from tests.integration import exporter as exporter_peer
from tests.integration import prometheus as prometheus_peer
from tests.integration.browser import run_browser
from tests.integration.exporter import Exporter, RunExporter, StartExporter
from tests.integration.programs import SKIPPED_TESTS, require, summarize_skips
from tests.integration.prometheus import Prometheus, StartPrometheus
from tests.integration.promtool import Promtool

hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of scripts start with it ignored


@pytest.fixture
def new_directory(tmp_path: Path) -> Callable[[str], Path]:
    """Provide folders of the test's own, numbered, so that each process has one."""
    numbers = itertools.count(1)
    return lambda name: tmp_path / f"{name}-{next(numbers)}"


@pytest.fixture
def start_exporter(new_directory: Callable[[str], Path]) -> Iterator[StartExporter]:
    """Start exporters; at the end each gets SIGTERM and must exit with 0."""
    with ExitStack() as started:

        def start(*arguments: str, env: Mapping[str, str] | None = None) -> Exporter:
            return started.enter_context(
                exporter_peer.serving(new_directory("exporter"), *arguments, env=env)
            )

        yield start


@pytest.fixture
def run_exporter(new_directory: Callable[[str], Path]) -> RunExporter:
    """Run a command of the exporter that ends by itself."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return exporter_peer.run(new_directory("command"), *arguments, env=env, seconds=seconds)

    return run


@pytest.fixture
def start_prometheus(new_directory: Callable[[str], Path]) -> Iterator[StartPrometheus]:
    """Start Prometheus servers; they end with the test."""
    with ExitStack() as started:

        def start(config: Mapping[str, Any], *flags: str) -> Prometheus:
            return started.enter_context(
                prometheus_peer.monitoring(new_directory("prometheus"), config, *flags)
            )

        yield start


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Provide promtool."""
    return Promtool(require("promtool"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser_context() -> AsyncIterator[BrowserContext]:
    """Run a real browser, which the tests share: to start one takes a second."""
    async with run_browser() as browser:
        yield await browser.new_context()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser_context: BrowserContext) -> AsyncIterator[Page]:
    """Provide an empty page of a real browser."""
    async with await browser_context.new_page() as page:
        yield page


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """Run the tests with a page on the event loop of the browser."""
    if inspect.iscoroutinefunction(obj) and "page" in inspect.signature(obj).parameters:
        pytest.mark.asyncio(loop_scope="session")(obj)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report at the end which tests were skipped, and why."""
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    lines = summarize_skips(reasons)
    SKIPPED_TESTS.parent.mkdir(exist_ok=True)
    SKIPPED_TESTS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for line in lines:
        terminalreporter.write_line(line, yellow=True)
