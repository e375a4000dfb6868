"""Validation of the rendered objects with kubeconform."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from kubernetes_validate import latest_version

from tests.helm.chart import CI_VALUES, SWITCHES, render_text
from tests.helm.custom_resources import TABLE
from tests.integration.programs import require

KINDS = (
    *("configmap-v1", "pod-v1", "secret-v1", "service-v1", "serviceaccount-v1"),
    *("deployment-apps-v1", "statefulset-apps-v1", "poddisruptionbudget-policy-v1"),
    *("ingress-networking-v1", "networkpolicy-networking-v1"),
)
SCHEMAS = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema"


def kubeconform(schemas: Path, manifests: str) -> subprocess.CompletedProcess[str]:
    """Validate manifests against the schemas, without the kinds in the table of custom resources."""
    custom = ",".join(kind.rpartition("/")[2] for kind in TABLE)
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = [require("kubeconform"), "-strict", "-summary", "-skip", custom]
    command += ["-schema-location", location, "-"]
    return subprocess.run(command, input=manifests, check=False, capture_output=True, text=True, timeout=60)


@pytest.fixture(params=["1.28", latest_version()])
def schemas(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Provide Kubernetes' schemas in the form that kubeconform reads, with references between files."""
    (folder,) = SCHEMAS.glob(f"v{request.param}*-local-strict")
    for name in (*KINDS, "_definitions"):
        written = (folder / f"{name}.json").read_text(encoding="utf-8")
        relative = re.sub(r'"[^"#]*?(_definitions\.json)?#/\$defs', r'"\1#/$defs', written)
        schema = {key: value for key, value in json.loads(relative).items() if key != "$id"}
        (tmp_path / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    return tmp_path


def test_all_objects_are_valid(schemas: Path) -> None:
    """Defaults, each switch and each example render valid objects."""
    releases = [
        render_text(),
        *(render_text({switch: {"enabled": True}}) for switch in SWITCHES),
        *(render_text({}, f"--values={path}") for path in CI_VALUES),
    ]
    done = kubeconform(schemas, "\n---\n".join(releases))

    assert (0, True) == (done.returncode, "Invalid: 0, Errors: 0" in done.stdout), done.stdout


def test_an_invalid_object_is_rejected(schemas: Path) -> None:
    """An unknown field deep inside fails."""
    done = kubeconform(schemas, render_text().replace("mountPath:", "mountPaths:"))

    assert (1, True) == (done.returncode, "'mountPaths' not allowed" in done.stdout), done.stdout
