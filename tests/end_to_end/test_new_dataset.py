"""A dataset that is defined in this file only: it needs only a row in the registry."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.responses import Response as HTTPResponse
from structlog.testing import capture_logs

from insights_exporter.coder.decode import Envelope, decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.commands.check import check
from insights_exporter.commands.scrape import scrape
from insights_exporter.config.models import Deployment, Window
from insights_exporter.config.schema import build_json_schema
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder, Population, serve
from insights_exporter.exposition.family import MetricFamily, Samples
from scripts import configuration_docs, metrics_docs

PATH = "/insights/widgets"
WIDGETS = MetricFamily(
    name="coder_insights_widgets",
    type="gauge",
    help="Widgets in the window (API: widgets count); cached.",
    labels=("deployment", "window"),
    merge="not merged",
    absent="the response has no count",
    example='coder_insights_widgets{window="7d"}',
)


class WidgetsResponse(Envelope, frozen=True):
    """The response of the path."""

    count: float


def windows(deployment: Deployment) -> tuple[Window, ...]:
    """Return the longest window."""
    return (deployment.windows[-1],)


def requests(_context: PollContext) -> tuple[Request, ...]:
    """Return the one request."""
    return (Request(PATH),)


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the number of widgets."""
    decoded = decode(response.body, WidgetsResponse)
    return ConvertResult(
        (Samples(WIDGETS, [((context.window_name,), decoded.value.count)]),), invalid=decoded.invalid
    )


NEW = Dataset(
    name="widgets",
    families=(WIDGETS,),
    windows=windows,
    requests=requests,
    convert=convert,
    default_interval=1800.0,
    roles=("Owner",),
    missing_route="not_found",
)
REGISTRY = {**DATASETS, NEW.name: NEW}


class CoderWithWidgets(EmbeddedCoder):
    """An embedded Coder that serves the path, or refuses it."""

    canned = HTTPResponse(b'{"count": 3}')

    def respond(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """Return the canned response to the path, and any other as ever."""
        usual = super().respond(method, path, query, headers)
        return self.canned if path.endswith(PATH) else usual


@pytest.fixture
def coder() -> CoderWithWidgets:
    """Return the server."""
    return CoderWithWidgets(population=Population(seed=1, users=5, templates=1))


@pytest.fixture
def config_file(coder: CoderWithWidgets, tmp_path: Path) -> Iterator[Path]:
    """Yield the file of a config for the running server."""
    path = tmp_path / "config.yml"
    with serve(coder) as url:
        datasets = "{daus: {enabled: false}, widgets: {every: 45m}}"
        path.write_text(
            f"deployments: [{{name: dev, url: '{url}', token: '{coder.token}', windows: [7d], "
            f"datasets: {datasets}}}]\n"
        )
        path.chmod(0o600)
        yield path


def test_it_is_polled_and_exposed_with_its_health(config_file: Path, tmp_path: Path) -> None:
    """Its sample, its health metrics and its configured interval are exposed."""
    output = tmp_path / "exposition"

    status = scrape(config_file, output, "text", REGISTRY)

    lines = output.read_text().splitlines()
    poll = 'dataset="widgets",deployment="dev"'
    assert 0 == status
    assert 'coder_insights_widgets{deployment="dev",window="7d"} 3.0' in lines
    assert f'insights_exporter_poll_success{{{poll},window="7d"}} 1.0' in lines
    assert f'insights_exporter_poll_interval_seconds{{{poll},window="7d"}} 2700.0' in lines
    assert f"insights_exporter_requests_total{{{poll}}} 1.0" in lines


def check_widgets(config_file: Path, capsys: pytest.CaptureFixture[str]) -> Mapping[str, object]:
    """Return what `check` reports of the dataset."""
    with capture_logs():
        check(config_file, "json", REGISTRY)
    (deployment,) = json.loads(capsys.readouterr().out)
    (result,) = [each for each in deployment["datasets"] if each["dataset"] == "widgets"]
    return dict(result)


def test_check_reports_it(config_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` reports whether the token may read the dataset, and its cost."""
    result = check_widgets(config_file, capsys)

    assert ("allowed", "7d", 1) == (result["state"], result["window"], result["series"])


def test_check_names_its_roles(
    coder: CoderWithWidgets, config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the token may not read it, the roles that may are named."""
    coder.canned = HTTPResponse(b'{"message": "Forbidden."}', 403)

    result = check_widgets(config_file, capsys)

    assert ("denied", ["Owner"]) == (result["state"], result["roles"])


def test_config_and_docs_have_it() -> None:
    """The dataset is a key of `datasets:` in the schema, and is in the generated docs."""
    datasets = build_json_schema(REGISTRY)["$defs"]["Deployment"]["properties"]["datasets"]
    config_docs = configuration_docs.render(REGISTRY)[configuration_docs.PATH]

    assert "widgets" in datasets["propertyNames"]["enum"]
    assert "| `widgets` | yes | 30m |" in config_docs
    assert f"### `{WIDGETS.name}`" in metrics_docs.render(REGISTRY)[metrics_docs.PATH]
