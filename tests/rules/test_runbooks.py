"""The commands of the runbooks work as printed, in each installation that the docs set up.

Every command is run, or is in the table of those that need what a test machine
does not have; of these, the ones for a cluster are compared with the chart.
"""

import itertools
import json
import os
import re
import shlex
import stat
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from insights_exporter.demo import DEMO_TOKEN, serve
from tests.demo.client import coder
from tests.helm.chart import Object, find_container, find_pod, render_objects, select_only
from tests.integration.exporter import StartExporter, command
from tests.integration.processes import clean_environment
from tests.integration.waiting import eventually
from tests.rules.rule_files import ROOT, RUNBOOKS

RELEASE: Final[Mapping[str, Any]] = {
    "fullnameOverride": "insights-exporter",
    "existingSecret": "coder-tokens",
    "config": {"deployments": [{"name": "main", "url": "https://coder.example.com"}]},
}
"""As in the pages about Kubernetes."""

SHARDED: Final[Mapping[str, Any]] = {**RELEASE, "sharding": {"enabled": True}}

CONFIG_FOLDER: Final = "/etc/insights-exporter"

PROGRAMS: Final[Mapping[str, str]] = {
    "sudo": 'exec "$@"',
    "docker": 'shift 2; exec "$@"',
    "kubectl": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
}
"""Stand-ins that run a command here instead of as root, in a container, in a pod."""

LOOKED_AT: Final[Mapping[str, str]] = {
    r"systemctl status |sudo (journalctl|systemctl) ": "needs the service",
    r"docker (ps|logs|restart) ": "needs a container engine",
    r"kubectl --namespace insights (get|describe|logs|port-forward|patch) ": "needs a cluster",
    r"helm upgrade ": "needs a cluster",
    r"(NEW_TOKEN=\$\()?coder ": "needs Coder",
    r"curl .*https://coder\.example\.com/": "needs Coder",
}
"""Beginnings of commands that are not run, and why."""


def read_commands() -> Iterator[tuple[str, str]]:
    """Yield each command, without its comment, and its runbook."""
    for file in sorted(RUNBOOKS.glob("*.md")):
        for block in re.findall(r"```sh\n(.+?)```", file.read_text(encoding="utf-8"), flags=re.DOTALL):
            for line in textwrap.dedent(block).splitlines():
                words = re.sub(r"(^|\s+)# .*", "", line)
                if words:
                    yield file.stem, words


COMMANDS: Final = tuple(read_commands())
ALL: Final = sorted({line for _, line in COMMANDS})
NOT_RUN: Final = [line for line in ALL if any(re.match(pattern, line) for pattern in LOOKED_AT)]
CHECKS: Final = [line for line in ALL if "insights-exporter check" in line]
READINGS: Final = [line for line in ALL if line.startswith("curl -s http://localhost:12112/")]
WRITINGS: Final = [line for line in ALL if line.startswith('test -n "$NEW_TOKEN" && echo "$NEW_TOKEN"')]

CLUSTER: Final = [shlex.split(line) for line in ALL if line.startswith("kubectl ")]
EXECUTED: Final = [words for words in CLUSTER if "exec" in words]


def test_every_command_is_run_or_excluded() -> None:
    """No command is in none of the tables or in two, and no entry of a table is unused."""
    assert ALL == sorted([*NOT_RUN, *CHECKS, *READINGS, *WRITINGS])
    assert [] == [pattern for pattern in LOOKED_AT if not any(re.match(pattern, line) for line in ALL)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with stand-ins for programs, and the files of `/etc/insights-exporter`."""
    programs = {**PROGRAMS, "insights-exporter": f'exec {shlex.join(command())} "$@"'}
    for name, script in programs.items():
        file = tmp_path / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
    return tmp_path


def run(line: str, folder: Path, **config: str) -> subprocess.CompletedProcess[str]:
    """Run a command as printed, but for the folders of the config and the program."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace(CONFIG_FOLDER, str(folder)).replace("/usr/local/bin/", "")],
        cwd=folder,
        env=dict(clean_environment(folder, {"PATH": path, **config})),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def install(folder: Path, url: str) -> None:
    """Write the files of an installation: environment, token, and a config file."""
    config = {"deployments": [{"name": "main", "url": url, "token_file": str(folder / "coder-token")}]}
    (folder / "environment").write_text(f"CODER_URL={url}\n", encoding="utf-8")
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    token = folder / "coder-token"
    token.touch(0o600)
    token.write_text(DEMO_TOKEN, encoding="utf-8")


@pytest.mark.parametrize("line", CHECKS)
def test_check_finds_config_and_token(folder: Path, line: str) -> None:
    """`check` uses the config and token of the running exporter, in every installation."""
    with serve(coder(rate_limit=-1)) as url:
        install(folder, url)
        inside = {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN} if "docker" in line else {}
        pods = {"INSIGHTS_EXPORTER_CONFIG_FILE": str(folder / "config.yml")} if "kubectl" in line else {}
        done = run(line, folder, **({} if "--config.file" in line else inside | pods))

    assert 0 == done.returncode, (done.stdout, done.stderr)
    assert "daus" in done.stdout
    assert DEMO_TOKEN not in done.stdout + done.stderr


def test_check_uses_a_config_file_that_the_environment_names(folder: Path) -> None:
    """The command for systemd examines the deployments of the config file, as the service does."""
    (line,) = (line for line in CHECKS if line.startswith("sudo "))
    with serve(coder(rate_limit=-1)) as url:
        install(folder, url)
        text = f"INSIGHTS_EXPORTER_CONFIG_FILE={folder / 'config.yml'}\n"
        (folder / "environment").write_text(text, encoding="utf-8")
        done = run(line, folder)

    assert 0 == done.returncode, (done.stdout, done.stderr)
    assert "daus" in done.stdout


def test_responses_contain_the_searched_lines(start_exporter: StartExporter, folder: Path) -> None:
    """Each look at a running exporter finds lines from the first minute on."""
    with serve(coder(rate_limit=100_000)) as url:
        exporter = start_exporter(env={"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN})
        eventually(lambda: "coder_insights_daily_active_users{" in exporter.page())
        done = {line: run(line.replace("http://localhost:12112", exporter.url), folder) for line in READINGS}

    assert {} == {line: each.stderr for line, each in done.items() if each.returncode or not each.stdout}


@pytest.mark.parametrize("line", WRITINGS)
def test_a_new_token_is_readable_by_its_owner_only(folder: Path, line: str) -> None:
    """The file has the token, and who could not read it before cannot read it now."""
    file = folder / ("coder-token" if CONFIG_FOLDER in line else "token")
    file.touch(0o600)
    done = run(line, folder, NEW_TOKEN=DEMO_TOKEN)

    assert (0, "") == (done.returncode, done.stderr)
    assert (DEMO_TOKEN, 0o600) == (file.read_text("utf-8").strip(), stat.S_IMODE(file.stat().st_mode))


@pytest.mark.parametrize("line", WRITINGS)
def test_no_token_is_overwritten_with_nothing(folder: Path, line: str) -> None:
    """If no new token was created, the file keeps the token that it has."""
    file = folder / ("coder-token" if CONFIG_FOLDER in line else "token")
    file.write_text(DEMO_TOKEN, encoding="utf-8")
    done = run(line, folder, NEW_TOKEN="")

    assert 0 != done.returncode
    assert DEMO_TOKEN == file.read_text("utf-8")


def test_no_token_of_a_secret_is_overwritten_with_nothing(folder: Path) -> None:
    """If no new token was created, the command that changes the Secret is not run."""
    (line,) = (line for line in ALL if " patch " in line)
    (folder / "bin/kubectl").write_text("#!/bin/sh\n", encoding="utf-8")

    assert 0 == run(line, folder, NEW_TOKEN=DEMO_TOKEN).returncode
    assert 0 != run(line, folder, NEW_TOKEN="").returncode


def test_tokens_are_removed_by_their_id() -> None:
    """A name is looked up among the tokens of the user who runs the command."""
    assert ["coder tokens remove ID"] == [line for line in ALL if "tokens remove" in line]


def test_port_forward_fits_sharding_too() -> None:
    """Each page that forwards a port names the pod of a shard as well as the Deployment."""
    (shards,) = (one for one in render_objects(SHARDED) if one["kind"] == "StatefulSet")
    targets = {"deployment/insights-exporter", f"pod/{shards['metadata']['name']}-0"}
    named: dict[str, set[str]] = {}
    for page, line in COMMANDS:
        if " port-forward " in line:
            named.setdefault(page, set()).add(line.split()[4])

    assert named
    assert [] == [page for page, found in named.items() if found != targets]


def test_installations_are_those_of_the_docs() -> None:
    """The names that commands use are those that the pages about installing set up."""
    page = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("container.md", "kubernetes.md")}
    unit = (ROOT / "docs/systemd/insights-exporter.service").read_text("utf-8")
    (upgrade,) = (line for line in ALL if line.startswith("helm upgrade "))

    assert f"EnvironmentFile={CONFIG_FOLDER}/environment" in unit
    assert f"LoadCredential=coder-token:{CONFIG_FOLDER}/coder-token" in unit
    assert 2 == page["container.md"].count("--name insights-exporter ")
    assert f"--config.file={CONFIG_FOLDER}/config.yml" in page["container.md"]
    assert upgrade in re.sub(r" \\\n\s+", " ", page["kubernetes.md"])


def test_changing_roles_comes_with_a_warning() -> None:
    """`edit-roles` replaces a user's roles, so each page warns and shows how to list the current ones."""
    pages = [file.read_text("utf-8") for file in RUNBOOKS.glob("*.md")]
    changing = [text for text in pages if "coder users edit-roles" in text]

    assert changing
    assert all("`edit-roles` replaces all site roles" in text for text in changing)
    assert all("coder users show insights-exporter" in text for text in changing)


@pytest.mark.parametrize("words", CLUSTER, ids=" ".join)
def test_command_fits_the_release(words: list[str]) -> None:
    """Commands use the namespace of the Kubernetes pages and labels that the pods have."""
    labels = select_only("Deployment", RELEASE)["spec"]["template"]["metadata"]["labels"]
    selectors = [value.split("=") for key, value in itertools.pairwise(words) if key == "-l"]

    assert ["kubectl", "--namespace", "insights"] == words[:3]
    assert [] == [(key, value) for key, value in selectors if labels.get(key) != value]


@pytest.mark.parametrize("words", CLUSTER, ids=" ".join)
def test_no_secret_is_written_as_a_whole(words: list[str]) -> None:
    """A Secret has the tokens of other deployments too, which must not get lost."""
    assert not {"create", "apply", "replace", "delete"} & set(words)


def test_a_new_token_is_put_where_the_pod_reads_it() -> None:
    """The Secret is the mounted one, and its key is the name of the deployment's token file."""
    (words,) = (words for words in CLUSTER if "patch" in words)
    keys = json.loads(words[-1].removeprefix("--patch="))["stringData"]
    secrets = [volume for volume in find_pod(RELEASE)["volumes"] if "secret" in volume]
    volumes = {volume["secret"]["secretName"]: volume["name"] for volume in secrets}
    mounts = {mount["name"]: mount["mountPath"] for mount in find_container(RELEASE)["volumeMounts"]}
    (deployment,) = read_config(render_objects(RELEASE))["deployments"]

    assert [deployment["name"]] == list(keys)
    assert [deployment["token_file"]] == [f"{mounts[volumes[words[5]]]}/{key}" for key in keys]


def read_config(release: tuple[Object, ...]) -> Object:
    """Return what is in the exporter's config file."""
    (text,) = (one["data"]["config.yaml"] for one in release if "config.yaml" in one.get("data", {}))
    found: Object = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("words", EXECUTED, ids=" ".join)
def test_what_is_executed_in_a_pod_finds_the_config(words: list[str]) -> None:
    """The workload is the release's, with or without sharding, and its environment names the file."""
    workload, executed = words[4], words[words.index("--") + 1 :]
    releases = {"deployment/insights-exporter": RELEASE, "statefulset/insights-exporter": SHARDED}
    kinds = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in render_objects(releases[workload])}
    exporter = find_container(releases[workload])
    file = {one["name"]: one.get("value") for one in exporter["env"]}["INSIGHTS_EXPORTER_CONFIG_FILE"]

    assert workload in kinds
    assert ["insights-exporter", "check"] == executed
    assert file in {f"{one['mountPath']}/config.yaml" for one in exporter["volumeMounts"]}


def test_a_page_has_its_command_for_every_installation() -> None:
    """A page that shows `check` or logs shows them for systemd, a container and Helm."""
    lines_by_name: dict[str, set[str]] = {}
    for name, line in COMMANDS:
        if "insights-exporter check" in line or re.search(r"journalctl|logs", line):
            lines_by_name.setdefault(name, set()).add(line)

    everywhere = [{*CHECKS}, {line for line in ALL if re.search(r"journalctl|logs", line)}]
    assert lines_by_name
    assert [] == [
        name for name, lines in lines_by_name.items() if lines not in (*everywhere, set.union(*everywhere))
    ]


@pytest.mark.parametrize(
    "name",
    ["InsightsDataTooOld", "InsightsDatasetRefused", "InsightsDeploymentNotPolled", "InsightsTokenLacksRole"],
)
def test_remedies_are_those_of_the_table(name: str) -> None:
    """A runbook about failing polls leads to the table of remedies, and advises no new token itself."""
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")

    assert "(../failures.md)" in text
    assert "tokens create" not in text
