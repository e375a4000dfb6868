"""The workflows: linted, pinned, and with minimal permissions."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.integration.programs import require
from tests.workflows.workflow import FILES, ROOT, WRITES, Job, jobs, steps, workflow

NAMES = [str(file.relative_to(ROOT)) for file in FILES]
PINNED = re.compile(r"^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SUPPORTED = r"Python :: (3\.\d+)"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("actionlint", "-no-color", *NAMES), id="actionlint"),
        pytest.param(("zizmor", "--offline", "--quiet", "--persona=auditor", ".github"), id="zizmor"),
        pytest.param(
            ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *NAMES), id="workflow schema"
        ),
        pytest.param(
            ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
            id="dependabot schema",
        ),
    ],
)
def test_linters_report_nothing(words: tuple[str, ...]) -> None:
    """The linters report nothing; actionlint runs shellcheck on scripts."""
    program, shellcheck = require(words[0]), require("shellcheck")
    flags = (f"-shellcheck={shellcheck}",) if words[0] == "actionlint" else ()
    done = subprocess.run(
        [program, *flags, *words[1:]], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned(file: Path) -> None:
    """Third-party actions are pinned to a commit, with the release in a comment."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert [] == [line for line in lines if "uses: ./" not in line and not PINNED.match(line)]


def test_an_action_has_one_version() -> None:
    """All jobs use the same commit of an action."""
    used = {step["uses"] for step in steps() if "uses" in step}

    assert len(used) == len({action.partition("@")[0] for action in used})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_is_allowed_by_default(file: Path) -> None:
    """Jobs have no permissions by default."""
    assert {} == workflow(file)["permissions"]


@pytest.mark.parametrize("job", list(jobs()), ids=lambda job: f"{job.file}: {job.name}")
def test_a_job_may_write_what_it_must(job: Job) -> None:
    """The table of what a job's token may write is complete."""
    granted = {name for name, level in job.content["permissions"].items() if level == "write"}

    assert WRITES.get((job.file, job.name), set()) == granted


@pytest.mark.parametrize("job", list(jobs()), ids=lambda job: f"{job.file}: {job.name}")
def test_a_job_ends(job: Job) -> None:
    """No job runs for ever; one that calls another workflow ends with it."""
    assert "uses" in job.content or 0 < int(job.content["timeout-minutes"]) <= 90


def test_checkout_keeps_no_credentials() -> None:
    """What runs after a checkout finds no token in its configuration."""
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]

    assert checkouts
    assert {"false"} == {step["with"]["persist-credentials"] for step in checkouts}


def test_scripts_hold_no_expressions() -> None:
    """Scripts read values of the event from variables, which the shell does not evaluate."""
    assert [] == [step["run"] for step in steps() if "${{" in step.get("run", "")]


def test_every_supported_python_is_tested() -> None:
    """The matrix has the Python versions of the package's classifiers."""
    supported = re.findall(SUPPORTED, (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    job = workflow(ROOT / ".github/workflows/tests.yml")["jobs"]["test"]

    assert supported == job["strategy"]["matrix"]["python"]


def test_workflows_run_the_make_targets() -> None:
    """The workflows run the same make targets as developers."""
    job = workflow(ROOT / ".github/workflows/tests.yml")["jobs"]["test"]

    assert ["bash .ci/run"] == [step["run"] for step in job["steps"] if "run" in step]


def test_coverage_is_measured() -> None:
    """One job fails if the tests cover less than the threshold."""
    job = workflow(ROOT / ".github/workflows/tests.yml")["jobs"]["coverage"]
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

    assert ["make coverage"] == [step["run"] for step in job["steps"] if "run" in step]
    assert 95 <= tools["coverage"]["report"]["fail_under"]


def test_a_release_begins_with_the_tests() -> None:
    """Nothing is built before all tests passed, and nothing is drafted before all was built."""
    released = workflow(ROOT / ".github/workflows/release.yml")["jobs"]

    assert "./.github/workflows/tests.yml" == released["tests"]["uses"]
    assert ["tests", "wheel", "image"] == [released[job]["needs"] for job in ("wheel", "image", "chart")]
    assert ["wheel", "image", "chart"] == released["draft"]["needs"]


def test_image_has_sbom_and_signature() -> None:
    """The image is built from the tested wheel, with SBOM, provenance and signature."""
    image = workflow(ROOT / ".github/workflows/release.yml")["jobs"]["image"]["steps"]
    (build,) = [
        step["with"] for step in image if step.get("uses", "").startswith("docker/build-push-action@")
    ]

    assert ("true", "mode=max", "wheel=dist") == (
        build["sbom"],
        build["provenance"],
        build["build-contexts"],
    )
    assert ['cosign sign --yes "$IMAGE@$DIGEST"'] == [step["run"] for step in image if "run" in step]


def test_addresses_are_the_projects() -> None:
    """The workflow pushes to the addresses that the chart and the README name."""
    env = workflow(ROOT / ".github/workflows/release.yml")["env"]
    values = (ROOT / "helm/insights-exporter/values.yaml").read_text(encoding="utf-8")
    guide = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")

    registry, _, repository = env["IMAGE"].partition("/")
    assert f"registry: {registry}\n" in values
    assert f"repository: {repository}\n" in values
    assert f"oci://{env['CHARTS']}/insights-exporter" in guide
