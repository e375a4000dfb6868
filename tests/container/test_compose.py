"""The compose file: the demo with Prometheus and Grafana, on loopback addresses."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.container.compose_file import find_mount, list_mounts, read_compose_file
from tests.container.dockerfile import ROOT
from tests.integration.exporter import StartExporter
from tests.integration.programs import require
from tests.integration.prometheus import StartPrometheus
from tests.integration.promtool import Promtool

SERVICES = read_compose_file()["services"]
PROVISIONING = "/etc/grafana/provisioning"
TARGET = "insights-exporter:12112"


def load_provisioned(path: str) -> Any:  # noqa: ANN401 -- whatever the file says
    """Return a file that Grafana finds among what is provisioned."""
    return yaml.safe_load(find_mount("grafana", f"{PROVISIONING}/{path}").read_text(encoding="utf-8"))


def test_schema() -> None:
    """The file is what the Compose specification describes."""
    done = subprocess.run(
        [require("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_mounted_files_are_there() -> None:
    """Docker would make an empty folder of what is missing."""
    assert [] == [mount.source for mount in list_mounts() if not mount.source.exists()]
    assert {"ro"} == {mount.mode for mount in list_mounts()}


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_closed(name: str) -> None:
    """It cannot be reached from outside, and has no privileges that it does not need."""
    service = SERVICES[name]

    assert [] == [port for port in service["ports"] if not port.startswith("127.0.0.1:")]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert ":" in service["image"].rpartition("/")[2]
    assert not service["image"].endswith(":latest")


def test_data_source_is_the_prometheus_of_the_same_file() -> None:
    """By default, Grafana queries the service prometheus at its port."""
    (source,) = load_provisioned("datasources/prometheus.yml")["datasources"]

    assert "http://prometheus:9090" == source["url"]
    assert "prometheus" in SERVICES
    assert ("prometheus", True) == (source["type"], source["isDefault"])


def test_dashboards_are_found() -> None:
    """Grafana finds all dashboards, and begins with one of them."""
    (provider,) = load_provisioned("dashboards/coder-insights.yml")["providers"]
    folder = find_mount("grafana", provider["options"]["path"])
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert (ROOT / "grafana/dashboards").resolve() == folder.resolve()
    assert find_mount("grafana", home).is_file()


def localize_config(directory: Path, target: str) -> dict[str, Any]:
    """Return the configuration of Prometheus with rules and target where they are on this machine."""
    file = find_mount("prometheus", "/etc/prometheus/prometheus.yml")
    config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    rules = [Path(pattern) for pattern in config["rule_files"]]
    config["rule_files"] = [str(find_mount("prometheus", str(rule.parent)) / rule.name) for rule in rules]
    (scraped,) = config["scrape_configs"]
    assert [TARGET] == scraped["static_configs"][0]["targets"]
    scraped["static_configs"] = [{"targets": [target]}]
    config["global"] = dict.fromkeys(config["global"], "1s")
    (directory / "checked.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return config


def test_target_is_the_demo() -> None:
    """What Prometheus scrapes is the service of that name, on its usual port."""
    name, _, port = TARGET.partition(":")

    assert [f"127.0.0.1:{port}:{port}"] == SERVICES[name]["ports"]


def test_promtool_is_silent(tmp_path: Path, promtool: Promtool) -> None:
    """Promtool accepts the configuration and finds the rules."""
    localize_config(tmp_path, TARGET)

    said = promtool.run("check", "config", str(tmp_path / "checked.yml"))

    assert 0 == said.returncode, said.stdout + said.stderr
    assert "2 rule files found" in said.stdout + said.stderr


def test_prometheus_records_the_demo(
    start_exporter: StartExporter, start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    """With this configuration a real Prometheus scrapes the demo and evaluates its rules."""
    exporter = start_exporter("demo", "--users=5")
    prometheus = start_prometheus(localize_config(tmp_path, exporter.url.removeprefix("http://")))

    (sample,) = prometheus.wait_for("deployment:insights_exporter_poll_success:max")

    assert "demo" == sample.labels["deployment"]
