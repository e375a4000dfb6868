"""What a scraper gets: formats, compression, methods, selections."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration import exporter as exporter_peer
from tests.integration.exporter import Exporter
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually

T = TypeVar("T")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
CONFIG = """\
defaults: {{token_env: TOKEN, requests_per_minute: 10000}}
deployments:
  - {{name: first, url: "{first}"}}
  - {{name: second, url: "{second}"}}
"""


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Provide an exporter that polls two deployments whose clocks stand still."""
    directory = tmp_path_factory.mktemp("serving")
    first, second = (
        EmbeddedCoder(population=Population(seed=seed, users=30, templates=3), now=lambda: NOW, rate_limit=-1)
        for seed in (1, 2)
    )
    with serve(first) as first_url, serve(second) as second_url:
        (directory / "config.yml").write_text(CONFIG.format(first=first_url, second=second_url))
        config = f"--config.file={directory / 'config.yml'}"
        with exporter_peer.serving(directory, config, env={"TOKEN": DEMO_TOKEN}) as running:
            eventually(lambda: has_polled(running))
            yield running


def has_polled(exporter: Exporter) -> bool:
    """Return whether everything was polled and is on the page."""
    page = exporter.page()
    states = [line for line in page.splitlines() if line.startswith("insights_exporter_poll_success")]
    return bool(states) and all(line.endswith(" 1.0") for line in states) and "template_info" in page


def samples(families: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples that do not change by themselves."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.startswith(("process_", "python_"))
    }


def between_polls(exporter: Exporter, get: Callable[[], T]) -> T:
    """Return what `get` returns when no poll changes the exposition meanwhile."""

    def attempt() -> list[T]:
        before, found = select_stable(exporter.page()), get()
        return [found] if before == select_stable(exporter.page()) else []

    return eventually(attempt)[0]


def select_stable(page: str) -> list[str]:
    """Return the lines of a page that do not change by themselves."""
    return [line for line in page.splitlines() if not line.startswith(("process_", "python_"))]


def openmetrics(page: str) -> Iterable[Metric]:
    """Read an OpenMetrics page."""
    return openmetrics_families(page)  # type: ignore[no-untyped-call, no-any-return]  # it has no type hints


def test_both_formats_contain_the_same_samples(exporter: Exporter) -> None:
    """Both formats are read by prometheus_client's parsers and hold the same samples."""
    text, other = between_polls(exporter, lambda: (exporter.page(), exporter.page(accept=OPENMETRICS)))
    expected = samples(text_families(text))

    assert len(expected) > 500
    assert expected == samples(openmetrics(other))


def test_promtool_is_silent(exporter: Exporter, promtool: Promtool) -> None:
    """Promtool reports nothing about the exposition."""
    assert promtool.check_metrics(exporter.page()) == ""


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (f"{OPENMETRICS};q=0.5,text/plain;version=0.0.4;q=0.9", "text/plain; version=0.0.4; charset=utf-8"),
        (
            f"text/plain;version=0.0.4;q=0.5,{OPENMETRICS};q=0.9",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_format_by_quality(exporter: Exporter, accept: str, expected: str) -> None:
    """The format that the client likes best is the one it gets."""
    assert expected == exporter.get("/metrics", accept=accept).headers["content-type"]


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_gzip_is_one_member_of_the_same_page(exporter: Exporter, accept: str) -> None:
    """The compressed exposition equals the plain one, and is sent only to clients that accept gzip."""

    def get() -> tuple[httpx.Response, bytes, httpx.Response]:
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        with httpx.stream("GET", f"{exporter.url}/metrics", headers=headers) as response:
            packed = b"".join(response.iter_raw())
        return response, packed, exporter.get("/metrics", accept=accept, accept_encoding="identity")

    response, packed, plain = between_polls(exporter, get)

    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(packed)
    assert "content-encoding" not in plain.headers
    assert select_stable(gzip.decompress(packed).decode()) == select_stable(plain.text)


def test_head_has_the_headers_alone(exporter: Exporter) -> None:
    """HEAD returns the headers of GET without a body."""
    response = httpx.head(f"{exporter.url}/metrics")

    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 10_000
    assert response.content == b""


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/metrics", "GET, HEAD"),
        ("PUT", "/metrics", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/-/healthy", "GET, HEAD"),
        ("GET", "/-/reload", "POST, PUT"),
    ],
)
def test_other_methods_are_refused(exporter: Exporter, method: str, path: str, allowed: str) -> None:
    """Other methods get 405 with the allowed methods, in the response's header and text."""
    response = httpx.request(method, f"{exporter.url}{path}")

    assert (405, allowed, f"Method not allowed; use {allowed}.\n") == (
        response.status_code,
        response.headers["allow"],
        response.text,
    )


def test_one_deployment_alone(exporter: Exporter, promtool: Promtool) -> None:
    """`?deployment=` returns the data and health of one deployment only."""
    page = exporter.page("/metrics?deployment=second")

    labels = {sample.labels.get("deployment") for family in text_families(page) for sample in family.samples}

    assert labels == {"second"}
    assert "insights_exporter_poll_success{" in page
    assert promtool.check_metrics(page) == ""


def test_several_deployments(exporter: Exporter, promtool: Promtool) -> None:
    """`?deployment=` may be repeated, in any order."""
    page = exporter.page("/metrics?deployment=second&deployment=first&deployment=second")

    labels = {sample.labels.get("deployment") for family in text_families(page) for sample in family.samples}

    assert {"first", "second"} == labels
    assert "" == promtool.check_metrics(page)


@pytest.mark.parametrize("query", ["deployment=third", "deployment=first&deployment=third"])
def test_deployment_that_does_not_exist(exporter: Exporter, query: str) -> None:
    """An unknown deployment is not found, and named."""
    response = exporter.get(f"/metrics?{query}")

    assert (404, "There is no deployment 'third'.\n") == (response.status_code, response.text)


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/config", "/nothing", "/-/reload"])
def test_headers_for_browsers(exporter: Exporter, path: str) -> None:
    """No response is sniffed, kept, or may load anything that is not the exporter's own."""
    headers = exporter.get(path).headers

    assert ("nosniff", "no-store") == (headers["x-content-type-options"], headers["cache-control"])
    assert headers["content-security-policy"].startswith("default-src 'none'; ")


def test_trailing_slash_is_no_redirect(exporter: Exporter) -> None:
    """No redirect is made from the Host header that a client sends."""
    assert 404 == exporter.get("/metrics/").status_code


def test_families_by_name(exporter: Exporter) -> None:
    """`name[]` returns the families with these names, including those of the process."""
    names = "name[]=coder_insights_active_users&name[]=process_open_fds"

    page = exporter.page(f"/metrics?{names}")

    assert {family.name for family in text_families(page)} == {
        "coder_insights_active_users",
        "process_open_fds",
    }


GAUGES = "gauge_histograms=gauges"
BUCKETS = "coder_insights_user_latency_distribution_seconds_bucket"


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_gauge_histograms_as_gauges(exporter: Exporter, accept: str) -> None:
    """With the parameter the samples are the same, and no family is of a type that collectors do not know."""
    usual, page = between_polls(
        exporter, lambda: (exporter.page(), exporter.page(f"/metrics?{GAUGES}", accept=accept))
    )
    parsed = list(openmetrics(page) if accept == OPENMETRICS else text_families(page))

    assert samples(text_families(usual)) == samples(parsed)
    assert f"# TYPE {BUCKETS} gauge\n" in page
    assert {"gauge", "counter", "histogram"} == {family.type for family in parsed}
    assert {"insights_exporter_request_duration_seconds"} == {
        family.name for family in parsed if family.type == "histogram"
    }


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_gauge_histograms_as_gauges_are_compressed(exporter: Exporter, accept: str) -> None:
    """The response with the parameter is compressed as the default one."""
    path = f"/metrics?{GAUGES}"
    plain, packed = between_polls(
        exporter,
        lambda: [
            exporter.get(path, accept=accept, accept_encoding=encoding) for encoding in ("identity", "gzip")
        ],
    )

    assert (None, "gzip") == tuple(answer.headers.get("content-encoding") for answer in (plain, packed))
    assert select_stable(plain.text) == select_stable(packed.text)


def test_gauge_histograms_as_gauges_of_a_selection(exporter: Exporter) -> None:
    """The parameter can be combined with `deployment` and `name[]`."""
    page = exporter.page(f"/metrics?{GAUGES}&deployment=second&name[]={BUCKETS}")
    parsed = list(text_families(page))

    assert ["gauge"] * 3 == [family.type for family in parsed]
    assert {"second"} == {sample.labels["deployment"] for family in parsed for sample in family.samples}


@pytest.mark.parametrize("query", ["gauge_histograms=", "gauge_histograms=histograms", f"{GAUGES}&{GAUGES}s"])
def test_gauge_histograms_has_one_value(exporter: Exporter, query: str) -> None:
    """Another value is refused, and the response names the right one."""
    response = exporter.get(f"/metrics?{query}")

    assert (400, "gauge_histograms: the only valid value is 'gauges'.\n") == (
        response.status_code,
        response.text,
    )


@pytest.mark.parametrize("query", ["", f"?{GAUGES}", "?deployment=first"])
def test_order_of_the_response(exporter: Exporter, query: str) -> None:
    """The exporter's own families come first, those that name users last, but for those of the process."""
    page = exporter.page(f"/metrics{query}")
    names = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    with_users = {
        family.name
        for family in text_families(page)
        if any("user_id" in sample.labels for sample in family.samples)
    }

    def place(name: str) -> int:
        if name in with_users:
            return 2
        return {"insights": 0, "coder": 1}.get(name.partition("_")[0], 3)

    assert {"coder_insights_user_activity_seconds", "coder_insights_user_latency_seconds"} == with_users
    assert sorted(map(place, names)) == [*map(place, names)]


def test_openmetrics_of_a_selection_ends_properly(exporter: Exporter) -> None:
    """A selection is a whole exposition."""
    page = exporter.page("/metrics?deployment=first", accept=OPENMETRICS)

    assert page.endswith("# EOF\n")
    assert samples(openmetrics(page))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/", 200), ("/-/healthy", 200), ("/-/ready", 200), ("/config", 200), ("/nothing", 404)],
)
def test_other_pages(exporter: Exporter, path: str, expected: int) -> None:
    """The other pages are where they should be."""
    assert expected == exporter.get(path).status_code


def test_config_page_has_no_secret(exporter: Exporter) -> None:
    """`/config` shows what is set, and no token."""
    page = exporter.page("/config")

    assert "name: second" in page
    assert DEMO_TOKEN not in page


def test_reload_is_off(exporter: Exporter) -> None:
    """Without the lifecycle flag, a reload over HTTP is refused."""
    assert httpx.post(f"{exporter.url}/-/reload").status_code == 403


def test_environment_alone(tmp_path: Path) -> None:
    """`CODER_URL` and `CODER_SESSION_TOKEN` are enough; the deployment is called by its address."""
    with serve(EmbeddedCoder(population=Population(seed=1, users=5, templates=2), now=lambda: NOW)) as url:
        env = {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}
        with exporter_peer.serving(tmp_path, env=env) as running:
            name = url.removeprefix("http://")

            eventually(
                lambda: (
                    f'coder_insights_daily_active_users{{day="today",deployment="{name}"}}' in running.page()
                )
            )
