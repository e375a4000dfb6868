"""A release's pod without a cluster: its files laid out in a folder, its arguments pointed there."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

from tests.helm.chart import Object

MOUNTED = "/etc/insights-exporter"
PROBES = ("livenessProbe", "readinessProbe")
TOKEN = "example-token"  # noqa: S105 - no secret


@dataclass(frozen=True, slots=True)
class Pod:
    """What the exporter is started with."""

    arguments: tuple[str, ...]
    probes: tuple[Object, ...]
    environment: dict[str, str]


def create_pod(release: Iterable[Object], folder: Path) -> Pod:
    """Write the files of the release's pod, including those of other objects, and return the pod."""
    found = list(release)
    (workload,) = [each for each in found if each["kind"] in {"Deployment", "StatefulSet"}]
    spec = workload["spec"]["template"]["spec"]
    container = spec["containers"][0]
    contents = {(each["kind"], each["metadata"]["name"]): each for each in found}
    for volume in spec["volumes"]:
        _write(contents, volume, folder)
    _write_tokens(folder)
    _write_certificates(folder / "tls")
    return Pod(
        arguments=tuple(_here(argument, folder) for argument in container["args"]),
        probes=tuple(_probe(container[name], folder) for name in PROBES if name in container),
        environment={each["name"]: _here(each.get("value", TOKEN), folder) for each in container["env"]},
    )


def _here(text: str, folder: Path) -> str:
    return text.replace(MOUNTED, str(folder))


def _probe(probe: Object, folder: Path) -> Object:
    found: Object = json.loads(_here(json.dumps(probe), folder))
    return found


def _write(contents: dict[tuple[str, str], Object], volume: Object, folder: Path) -> None:
    """Write a volume's files; an object that the release does not have is one of the user's."""
    config_map, secret = volume.get("configMap", {}), volume.get("secret", {})
    found = contents.get(("ConfigMap", config_map.get("name"))) or contents.get(
        ("Secret", secret.get("secretName"))
    )
    directory = folder / volume["name"]
    directory.mkdir(parents=True)
    for name, text in ((found or {}).get("data") or (found or {}).get("stringData") or {}).items():
        (directory / name).write_text(_here(text, folder), encoding="utf-8")


def _write_tokens(folder: Path) -> None:
    path = folder / "config" / "config.yaml"
    for deployment in yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]:
        if "token_file" in deployment:
            Path(deployment["token_file"]).parent.mkdir(parents=True, exist_ok=True)
            Path(deployment["token_file"]).write_text(TOKEN, encoding="utf-8")


def _write_certificates(folder: Path) -> None:
    if folder.exists():
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(folder / "tls.key")
        certificate.cert_chain_pems[0].write_to_path(folder / "tls.crt")
        authority.cert_pem.write_to_path(folder / "ca.crt")
