"""The notes that Helm prints after an installation."""

import shutil
from pathlib import Path

import pytest

from tests.helm.chart import CHART, Values, render_objects

ONE: Values = {
    "config": {"deployments": [{"name": "main", "url": "https://coder.example.com"}]},
    "existingSecret": "theirs",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a chart that renders its notes as an object, since Helm shows them only to a cluster."""
    chart = tmp_path_factory.mktemp("chart") / "insights-exporter"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "notes")
    (chart / "templates" / "notes.yaml").write_text(
        'kind: Notes\nsaid: {{ tpl (.Files.Get "notes") . | toJson }}\n', encoding="utf-8"
    )
    return chart


def render_notes(chart: Path, values: Values) -> str:
    """Return the notes of a release."""
    (found,) = render_objects(values, "--show-only=templates/notes.yaml", chart=chart)
    return str(found["said"])


def test_without_deployments_they_show_what_to_set(shown: Path) -> None:
    """With the defaults, the notes show how to add the first Coder."""
    said = render_notes(shown, {})

    assert said.startswith("No Coder deployment is set, so the exporter cannot start yet.")
    assert "kubectl --namespace insights create secret generic coder-tokens --from-literal=main=TOKEN" in said
    assert "--set 'config.deployments[0].url=https://coder.example.com'" in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({}, "port-forward deployment/demo-insights-exporter 12112:12112", id="look"),
        pytest.param({}, "http://localhost:12112/", id="address"),
        pytest.param({"web": {"tlsSecret": "ours"}}, "https://localhost:12112/", id="HTTPS"),
        pytest.param(
            {"containerPort": 9999}, "port-forward deployment/demo-insights-exporter 12112:9999", id="port"
        ),
        pytest.param(
            {"sharding": {"enabled": True}}, "rollout status statefulset/demo-insights-exporter", id="shards"
        ),
        pytest.param({}, "exec deployment/demo-insights-exporter -- insights-exporter check\n", id="check"),
        pytest.param({"web": {"routePrefix": "/a/"}}, "http://localhost:12112/a/", id="prefix"),
        pytest.param({"web": {"routePrefix": "/a/"}}, "svc:12112/a/metrics.", id="what to scrape below it"),
        pytest.param({"web": {"externalUrl": "https://x/a"}}, "\n  https://x/a/\n", id="from outside"),
        pytest.param(
            {},
            "Nothing scrapes the exporter yet. With the Prometheus operator, use --set service",
            id="not scraped",
        ),
        pytest.param({}, "scrape\ndemo-insights-exporter.insights.svc:12112/metrics.", id="what to scrape"),
        pytest.param(
            {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "More than one of serviceMonitor, podMonitor and scrapeConfig is enabled",
            id="scraped twice",
        ),
    ],
)
def test_with_a_deployment_they_show_how_to_query_it(shown: Path, values: Values, words: str) -> None:
    """The commands fit the release."""
    assert words in render_notes(shown, {**ONE, **values})


POLICY = {"enabled": True}
INSIDE = "The network policy allows the ports of "


@pytest.mark.parametrize(
    ("url", "policy", "expected"),
    [
        pytest.param("http://coder.coder.svc", POLICY, True, id="Service"),
        pytest.param(
            "http://coder.coder.svc.cluster.local:80/", POLICY, True, id="Service by its whole name"
        ),
        pytest.param("https://coder.svcs.example.com", POLICY, False, id="elsewhere"),
        pytest.param(
            "http://coder.coder.svc", {**POLICY, "coder": {"ports": [8080]}}, False, id="ports of pods"
        ),
        pytest.param("http://coder.coder.svc", {"enabled": False}, False, id="no policy"),
    ],
)
def test_a_policy_that_may_block_the_exporter_is_noted(
    shown: Path, url: str, policy: Values, *, expected: bool
) -> None:
    """A Coder in the same cluster is reached by the port of its pods, which its URL does not contain."""
    values = {**ONE, "config": {"deployments": [{"name": "main", "url": url}]}, "networkPolicy": policy}

    assert expected == (f"{INSIDE}{url}, but" in render_notes(shown, values))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"serviceMonitor": {"enabled": True}}, id="ServiceMonitor"),
        pytest.param({"podAnnotations": {"prometheus.io/scrape": "true"}}, id="annotation"),
    ],
)
def test_no_note_about_scraping_if_it_is_set_up(shown: Path, values: Values) -> None:
    """The notes do not mention scraping if it is set up."""
    assert "scrape" not in render_notes(shown, {**ONE, **values})
