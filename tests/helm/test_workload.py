"""The exporter's pod: one at a time, or shards, with what it may do kept small."""

from pathlib import Path

import pytest

from insights_exporter import __version__
from tests.helm.chart import (
    CI_VALUES,
    SWITCHES,
    Values,
    find_container,
    find_pod,
    read_error,
    render_objects,
    select_kind,
    select_only,
)

IMAGE = "ghcr.io/insights-exporter/insights-exporter"
SHARDED: Values = {"sharding": {"enabled": True}, "replicas": 3}


def test_an_upgrade_never_polls_twice() -> None:
    """The old pod ends before the new one starts, and there is one."""
    spec = select_only("Deployment")["spec"]

    assert ({"type": "Recreate"}, 1) == (spec["strategy"], spec["replicas"])


def test_more_than_one_pod_is_refused() -> None:
    """More than one replica is rejected, because each would poll everything, with a remedy."""
    said = read_error({"replicas": 2})

    assert "replicas: each of 2 pods would poll every deployment" in said
    assert "set sharding.enabled to share the deployments among the pods" in said


def test_the_exporter_can_be_paused() -> None:
    """No pod at all is fine."""
    assert 0 == select_only("Deployment", {"replicas": 0})["spec"]["replicas"]


def test_arguments_that_the_chart_sets_are_refused() -> None:
    """A flag that the exporter accepts once is refused, and one that may be repeated is added."""
    more = ["--web.listen-address=:8080"]

    assert "extraArgs: --log.level is already set by the chart" in read_error(
        {"extraArgs": ["--log.level=debug"]}
    )
    assert more == find_container({"extraArgs": more})["args"][-1:]


@pytest.mark.parametrize("replicas", [1, 4])
def test_shards_are_numbered_by_their_names(replicas: int) -> None:
    """Pods of a StatefulSet know their number, and all of them how many they are."""
    values = {**SHARDED, "replicas": replicas}
    spec = select_only("StatefulSet", values)["spec"]

    assert (replicas, "demo-insights-exporter-shards", "Parallel") == (
        spec["replicas"],
        spec["serviceName"],
        spec["podManagementPolicy"],
    )
    assert ["--shard=auto", f"--total-shards={replicas}"] == find_container(values)["args"][-2:]


def test_shards_have_a_headless_service_of_their_own() -> None:
    """Shards have a separate headless Service, because an existing Service cannot become headless."""
    spec = select_only("Service", SHARDED)["spec"]

    assert ("None", True) == (spec["clusterIP"], spec["publishNotReadyAddresses"])
    assert "demo-insights-exporter" == select_only("Service")["metadata"]["name"]


def test_shards_with_a_load_balancer_are_rejected() -> None:
    """A load-balanced Service would return another shard's response each time."""
    assert "service.type: NodePort is not possible with sharding.enabled" in read_error(
        {**SHARDED, "service": {"type": "NodePort"}}
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, f"{IMAGE}:{__version__}", id="version of the package"),
        pytest.param({"image": {"tag": "edge"}}, f"{IMAGE}:edge", id="tag"),
        pytest.param(
            {"image": {"tag": "edge", "digest": f"sha256:{'0' * 64}"}},
            f"{IMAGE}@sha256:{'0' * 64}",
            id="digest",
        ),
        pytest.param(
            {"global": {"imageRegistry": "mirror.example.com:5000"}},
            f"mirror.example.com:5000/insights-exporter/insights-exporter:{__version__}",
            id="registry of all charts",
        ),
        pytest.param(
            {"image": {"registry": "", "repository": "local"}}, f"local:{__version__}", id="no registry"
        ),
    ],
)
def test_the_image(values: Values, expected: str) -> None:
    """The image is that of the release, from any registry."""
    assert expected == find_container(values)["image"]


@pytest.mark.parametrize("values", [{}, SHARDED], ids=["alone", "sharded"])
def test_the_pod_may_do_little(values: Values) -> None:
    """It has no rights on the node or the cluster, and cannot get any."""
    spec = find_pod(values)

    assert {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    } == spec["securityContext"]
    assert {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == spec["containers"][0]["securityContext"]
    assert (False, False) == (spec["automountServiceAccountToken"], spec["enableServiceLinks"])


def test_no_role_is_created() -> None:
    """No combination of values creates a role or mounts the service account's token."""
    found = render_objects({switch: {"enabled": True} for switch in SWITCHES})

    assert not [each for each in found if "Role" in each["kind"]]
    assert False is select_only("ServiceAccount")["automountServiceAccountToken"]


def test_the_test_pod_is_no_part_of_the_service() -> None:
    """No Service, budget or monitor may take it for the exporter; it is as confined."""
    spec, labels = select_only("Pod")["spec"], select_only("Pod")["metadata"]["labels"]
    selector = select_only("Service")["spec"]["selector"]

    assert not selector.items() <= labels.items()
    assert find_pod()["securityContext"] == spec["securityContext"]
    assert find_container()["securityContext"] == spec["containers"][0]["securityContext"]
    assert False is spec["automountServiceAccountToken"]


@pytest.mark.parametrize("values", [{}, SHARDED], ids=["alone", "sharded"])
def test_all_selectors_find_the_pods(values: Values) -> None:
    """All label selectors select exactly the exporter's pods."""
    switches = {switch: {"enabled": True} for switch in SWITCHES if switch != "sharding"}
    (workload,) = [
        each
        for each in render_objects({**values, **switches})
        if each["kind"] in {"Deployment", "StatefulSet"}
    ]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    selectors = [
        workload["spec"]["selector"]["matchLabels"],
        select_only("Service", {**values, **switches})["spec"]["selector"],
        select_only("PodDisruptionBudget", {**values, **switches})["spec"]["selector"]["matchLabels"],
        select_only("PodMonitor", {**values, **switches})["spec"]["selector"]["matchLabels"],
        select_only("NetworkPolicy", {**values, **switches})["spec"]["podSelector"]["matchLabels"],
    ]

    assert [selectors[0]] * len(selectors) == selectors
    assert selectors[0].items() <= labels.items()


def test_the_service_monitor_finds_one_service() -> None:
    """No other Service of the release has its labels, so no pod is scraped twice."""
    values = {**SHARDED, "serviceMonitor": {"enabled": True}}
    selector = select_only("ServiceMonitor", values)["spec"]["selector"]["matchLabels"]

    assert 1 == len(
        [
            each
            for each in select_kind("Service", render_objects(values))
            if selector.items() <= each["metadata"]["labels"].items()
        ]
    )


def test_users_labels_do_not_break_selectors() -> None:
    """Labels that selectors need cannot be overwritten."""
    wrong = {"app.kubernetes.io/name": "other"}
    found = select_only("Deployment", {"commonLabels": wrong, "podLabels": wrong})

    assert "insights-exporter" == found["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
    assert "insights-exporter" == found["metadata"]["labels"]["app.kubernetes.io/name"]


def test_a_change_of_the_config_restarts_the_pod() -> None:
    """The pod carries a checksum of its configuration."""
    one, same, other = (
        select_only("Deployment", {"config": {"deployments": [], "defaults": {"timezone": zone}}})["spec"][
            "template"
        ]
        for zone in ("UTC", "UTC", "Europe/Berlin")
    )

    assert one == same
    assert one["metadata"] != other["metadata"]


def test_a_change_of_the_web_configuration_restarts_the_pod() -> None:
    """TLS is not turned on or off while running."""
    users = {"basic_auth_users": {"prometheus": "hash"}}
    before, after = (
        select_only("Deployment", {"web": {"config": config}})["spec"]["template"]
        for config in (users, {**users, "tls_server_config": {"cert_file": "a", "key_file": "b"}})
    )

    assert before["metadata"] != after["metadata"]


def test_a_new_token_restarts_nothing() -> None:
    """Tokens are read again at each poll."""
    config = {"deployments": [{"name": "main", "url": "https://coder.example.com"}]}
    before, after = (select_only("Deployment", {"config": config, "tokens": {"main": each}}) for each in "ab")

    assert before == after


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.name)
def test_names_fit(path: Path) -> None:
    """Names and label values stay within what Kubernetes takes, however the release is called."""
    arguments = (f"--values={path}", "--set", f"fullnameOverride={'long-name-' * 5}")
    for each in render_objects({}, *arguments):
        assert len(each["metadata"]["name"]) <= 63
        assert all(len(value) <= 63 for value in each["metadata"].get("labels", {}).values())


def test_a_field_can_be_removed() -> None:
    """Platforms that choose the user by themselves get none."""
    taken_out = {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}}

    assert {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}} == find_pod(taken_out)[
        "securityContext"
    ]
