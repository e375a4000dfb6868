"""What the chart renders is what Kubernetes and the operators' definitions know."""

import copy
import functools
import json
from collections.abc import Iterator

import kubernetes_validate
import pytest

from tests.helm.chart import CI_VALUES, SWITCHES, Object, render_objects, select_only
from tests.helm.custom_resources import TABLE, find_errors, is_custom

OLDEST = "1.28"
NEWEST = kubernetes_validate.latest_version()

versions = pytest.mark.parametrize("version", [OLDEST, NEWEST])


def list_objects() -> dict[str, Object]:
    """Return each distinct object that defaults, switches and examples make, by its text."""
    releases = [
        render_objects(),
        *(render_objects({switch: {"enabled": True}}) for switch in SWITCHES),
        *(render_objects({}, f"--values={path}") for path in CI_VALUES),
    ]
    return {json.dumps(each): each for release in releases for each in release}


@pytest.fixture(autouse=True)
def schemas_read_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the validator from reading its large files again for every object."""
    utils = kubernetes_validate.utils
    with monkeypatch.context() as patch:
        patch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
        yield


@versions
def test_objects_are_valid(version: str) -> None:
    """Each object of Kubernetes' own kinds is valid, without unknown fields."""
    for each in list_objects().values():
        if not is_custom(each):
            kubernetes_validate.validate(each, version, strict=True)


@versions
def test_the_validator_refuses(version: str) -> None:
    """A field deep inside that Kubernetes does not know is noticed."""
    wrong = copy.deepcopy(select_only("Deployment"))
    wrong["spec"]["template"]["spec"]["volumes"][0]["configMap"]["nam"] = "demo"

    with pytest.raises(kubernetes_validate.ValidationError, match="nam"):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_custom_objects_have_published_fields() -> None:
    """Each object of an operator's kind has fields that its definition has, of the right types."""
    custom = [each for each in list_objects().values() if is_custom(each)]

    assert [] == [mistake for each in custom for mistake in find_errors(each)]


def test_all_custom_kinds_are_rendered() -> None:
    """Each kind in the table of fields is rendered."""
    rendered = {f"{each['apiVersion']}/{each['kind']}" for each in list_objects().values()}

    assert set() == TABLE.keys() - rendered


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ["spec.targetRef is missing"], id="missing"),
        pytest.param(
            {"targetRef": {"kind": "a", "name": 1}}, ["spec.targetRef.name: 1 is not string"], id="type"
        ),
        pytest.param(
            {
                "targetRef": {"kind": "a", "name": "b"},
                "resourcePolicy": {"containerPolicies": [{"mode": "On"}]},
            },
            ["spec.resourcePolicy.containerPolicies[0].mode: 'On' is not Auto|Off"],
            id="word",
        ),
        pytest.param(
            {"targetRef": {"kind": "a", "name": "b", "uid": "c"}},
            ["spec.targetRef.uid is not a field"],
            id="unknown",
        ),
        pytest.param(
            {"targetRef": {"kind": "a", "name": "b"}, "recommenders": {}},
            ["spec.recommenders: {} is not a list"],
            id="no list",
        ),
    ],
)
def test_the_table_refuses(spec: object, expected: list[str]) -> None:
    """A wrong field of a custom object is named by its place."""
    wrong = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "spec": spec}

    assert expected == find_errors(wrong)
