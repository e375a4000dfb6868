"""Where users and Prometheus find the exporter: external URL and prefix follow from the values."""

from typing import Any

import pytest

from insights_exporter.commands.flags import find_route_prefix
from tests.helm.chart import Values, find_container, read_error, render_objects, select_only

EXTERNAL, PREFIX = "--web.external-url=", "--web.route-prefix="


def ingress(path: str = "/", host: str = "x.example", **more: Any) -> Values:  # noqa: ANN401 -- values of the chart
    """Return values with an Ingress."""
    hosts = [{"host": host, "paths": [{"path": path, "pathType": "Prefix"}]}]
    return {"ingress": {"enabled": True, "hosts": hosts, **more}}


def route(path: str = "/", host: str = "x.example") -> Values:
    """Return values with an HTTPRoute."""
    matches = [{"path": {"type": "PathPrefix", "value": path}}]
    return {"route": {"enabled": True, "hostnames": [host] if host else [], "matches": matches}}


@pytest.mark.parametrize(
    ("values", "url"),
    [
        pytest.param({}, None, id="neither"),
        pytest.param(ingress(), "http://x.example", id="Ingress"),
        pytest.param(ingress(tls=[{"secretName": "tls"}]), "https://x.example", id="Ingress with TLS"),
        pytest.param(ingress("/a/b/"), "http://x.example/a/b", id="path of the Ingress"),
        pytest.param(ingress("/a(/|$)(.*)"), "http://x.example/a", id="pattern of the Ingress"),
        pytest.param(ingress(host="*.example"), None, id="any host"),
        pytest.param(ingress(host=""), None, id="no host"),
        pytest.param(route("/a"), "https://x.example/a", id="HTTPRoute"),
        pytest.param(route("/a", ""), None, id="HTTPRoute without a host"),
        pytest.param({"route": {"enabled": True, "matches": [{}]}}, None, id="HTTPRoute without a path"),
        pytest.param({**ingress("/a"), "web": {"externalUrl": "https://y/b/"}}, "https://y/b", id="set"),
    ],
)
def test_external_url(values: Values, url: str | None) -> None:
    """The exporter gets the URL that is set, or that of its Ingress or HTTPRoute, and serves at the root."""
    arguments = find_container(values)["args"]
    found = [each.removeprefix(EXTERNAL) for each in arguments if each.startswith(EXTERNAL)]
    prefixes = [each.removeprefix(PREFIX) for each in arguments if each.startswith(PREFIX)]

    assert ([url] if url else []) == found
    assert "" == find_route_prefix(*found or [None], *prefixes or [None])


def test_monitors_follow_the_prefix() -> None:
    """ServiceMonitor, PodMonitor, ScrapeConfig and `helm test` use the prefix."""
    monitors = {name: {"enabled": True} for name in ("serviceMonitor", "podMonitor", "scrapeConfig")}
    values = {**monitors, "web": {"routePrefix": "/a/b/", "telemetryPath": "/m"}}
    (test,) = [each for each in render_objects(values) if each["kind"] == "Pod"]

    assert "/a/b/m" == select_only("ServiceMonitor", values)["spec"]["endpoints"][0]["path"]
    assert "/a/b/m" == select_only("PodMonitor", values)["spec"]["podMetricsEndpoints"][0]["path"]
    assert "/a/b/m" == select_only("ScrapeConfig", values)["spec"]["metricsPath"]
    assert "--web.route-prefix=/a/b" in find_container(values)["args"]
    assert "--web.route-prefix=/a/b" in test["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("externalUrl", "https://x.example/a: b"),
        ("externalUrl", "https://me:secret@x.example/a"),
        ("externalUrl", "https://x.example/?a"),
        ("routePrefix", "/a b"),
        ("routePrefix", "/a?b"),
        ("telemetryPath", "/{path}"),
    ],
)
def test_unusable_place(value: str, text: str) -> None:
    """What the exporter would refuse at its start is refused by Helm."""
    assert f"web.{value}: Does not match pattern" in read_error({"web": {value: text}})
