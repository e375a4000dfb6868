"""The network policy allows only the traffic of the exporter."""

import pytest
import yaml

from tests.helm.chart import CI_VALUES, Values, select_only


def list_ports(config: Values) -> set[int]:
    """Return the ports on which the NetworkPolicy lets the exporter reach Coders."""
    values = {
        "networkPolicy": {"enabled": True},
        "config": config,
        "existingSecret": "theirs",
        "configInSecret": True,
    }
    return {each["port"] for each in select_only("NetworkPolicy", values)["spec"]["egress"][1]["ports"]}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({"deployments": []}, {80, 443}, id="unknown"),
        pytest.param({"deployments": [{"url": "https://a"}, {"url": "https://b/c"}]}, {443}, id="HTTPS"),
        pytest.param(
            {"deployments": [{"url": "http://a", "name": "a"}, {"url": "https://b:8443/", "name": "b"}]},
            {80, 8443},
            id="others",
        ),
        pytest.param(
            {
                "defaults": {"proxy": "http://user:password@proxy:3128"},
                "deployments": [{"url": "https://a"}, {"url": "https://b", "proxy": "http://c"}],
            },
            {80, 443, 3128},
            id="proxies",
        ),
    ],
)
def test_egress_is_limited_to_the_ports_of_coder(config: Values, expected: set[int]) -> None:
    """Egress is allowed to the ports of the URLs and proxies, and to DNS."""
    assert expected == list_ports(config)


def test_examples_know_the_ports_of_pods() -> None:
    """Examples with a network policy for a Coder in the cluster contain the port of its pods."""
    confined = [
        values
        for values in (yaml.safe_load(path.read_text(encoding="utf-8")) for path in CI_VALUES)
        if values.get("networkPolicy", {}).get("enabled")
        and any(".svc" in each["url"] for each in values.get("config", {}).get("deployments", ()))
    ]

    assert confined
    assert [] == [values for values in confined if "coder" not in values["networkPolicy"]]


def test_ingress_from_prometheus_is_allowed() -> None:
    """Ingress is allowed to the container's port, for any port of the Service."""
    values = {"networkPolicy": {"enabled": True}, "service": {"port": 80}}
    (rule,) = select_only("NetworkPolicy", values)["spec"]["ingress"]

    assert [{"port": "metrics", "protocol": "TCP"}] == rule["ports"]
    assert {"kubernetes.io/metadata.name": "monitoring"} == rule["from"][0]["namespaceSelector"][
        "matchLabels"
    ]
    assert (
        select_only("Pod")["metadata"]["labels"].items()
        >= rule["from"][1]["podSelector"]["matchLabels"].items()
    )
