"""The commands of the runbooks fit what the chart installs."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.helm.chart import Object, container, objects, only, pod
from tests.rules.shipped import RUNBOOKS

RELEASE: Mapping[str, Any] = {
    "fullnameOverride": "insights-exporter",
    "existingSecret": "coder-tokens",
    "config": {"deployments": [{"name": "main", "url": "https://coder.example.com"}]},
}
"""As in the pages about Kubernetes."""

SHARDED: Mapping[str, Any] = {**RELEASE, "sharding": {"enabled": True}}


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give the words of each command for a cluster, with the runbook where it stands."""
    for file in sorted(RUNBOOKS.glob("*.md")):
        for block in re.findall(r"```sh\n(.+?)```", file.read_text(encoding="utf-8"), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("kubectl "):
                    yield file.stem, shlex.split(line, comments=True)


COMMANDS = tuple(commands())
EXECUTED = tuple(words for _, words in COMMANDS if "exec" in words)
PATCHES = tuple(words for _, words in COMMANDS if "patch" in words)

each = pytest.mark.parametrize("words", [words for _, words in COMMANDS], ids=[name for name, _ in COMMANDS])


@each
def test_command_is_meant_for_the_release(words: list[str]) -> None:
    """It names the namespace of the pages about Kubernetes, and pods by a label that they have."""
    labels = only("Deployment", RELEASE)["spec"]["template"]["metadata"]["labels"]
    selectors = [value.split("=") for key, value in itertools.pairwise(words) if key == "-l"]

    assert ["kubectl", "--namespace", "insights"] == words[:3]
    assert [] == [(key, value) for key, value in selectors if labels.get(key) != value]


@each
def test_no_secret_is_written_as_a_whole(words: list[str]) -> None:
    """A Secret has the tokens of other deployments too, which must not get lost."""
    assert not {"create", "apply", "replace", "delete"} & set(words)


def test_a_new_token_is_put_where_the_pod_reads_it() -> None:
    """The Secret is the mounted one, and its key is the name of the deployment's token file."""
    (words,) = PATCHES
    keys = json.loads(words[-1].removeprefix("--patch="))["stringData"]
    secrets = [volume for volume in pod(RELEASE)["volumes"] if "secret" in volume]
    volumes = {volume["secret"]["secretName"]: volume["name"] for volume in secrets}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(RELEASE)["volumeMounts"]}
    (deployment,) = settings(objects(RELEASE))["deployments"]

    assert [deployment["name"]] == list(keys)
    assert [deployment["token_file"]] == [f"{mounts[volumes[words[5]]]}/{key}" for key in keys]


def settings(release: tuple[Object, ...]) -> Object:
    """Give what is in the exporter's file."""
    (text,) = (one["data"]["config.yaml"] for one in release if "config.yaml" in one.get("data", {}))
    found: Object = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("words", EXECUTED, ids=" ".join)
def test_what_is_executed_in_a_pod_finds_the_settings(words: list[str]) -> None:
    """The workload is the release's, with or without sharding, and its environment names the file."""
    workload, command = words[4], words[words.index("--") + 1 :]
    releases = {"deployment/insights-exporter": RELEASE, "statefulset/insights-exporter": SHARDED}
    kinds = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in objects(releases[workload])}
    exporter = container(releases[workload])
    file = {one["name"]: one.get("value") for one in exporter["env"]}["INSIGHTS_EXPORTER_CONFIG_FILE"]

    assert workload in kinds
    assert ["insights-exporter", "check"] == command
    assert file in {f"{one['mountPath']}/config.yaml" for one in exporter["volumeMounts"]}


def test_both_forms_are_told_wherever_one_is() -> None:
    """A runbook that has the command for a Deployment has that for the StatefulSet of shards too."""
    told = {(name, words[4].partition("/")[0]) for name, words in COMMANDS if "exec" in words}

    assert {(name, kind) for name, _ in told for kind in ("deployment", "statefulset")} == told
    assert told
