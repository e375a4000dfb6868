"""The Dockerfile: base images, contents, user and labels of the image."""

import re
import subprocess

import pytest

from tests.container.dockerfile import ROOT, parse_stages, read_dockerfile, read_dockerignore
from tests.integration.programs import require

LAST = read_dockerfile()[-1]
LABEL = "org.opencontainers.image."
PROJECT = "https://github.com/insights-exporter/insights-exporter"


def test_linter_is_silent() -> None:
    """Hadolint reports nothing."""
    done = subprocess.run(
        [require("hadolint"), "--failure-threshold=style", "Dockerfile"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_stages_are_read() -> None:
    """Continued lines, comments and flags are read as Docker reads them."""
    (stage,) = parse_stages("# why\nFROM a:1 AS b\nRUN one \\\n    # two\n    && three\nCOPY --from=c / d/\n")

    assert ("a:1", "b") == (stage.base, stage.name)
    assert [("RUN", (), "one && three"), ("COPY", ("--from=c",), "/ d/")] == [
        (each.word, each.flags, each.rest) for each in stage.instructions
    ]


def test_every_base_has_a_tag() -> None:
    """Every base image has a tag other than `latest`."""
    names = {stage.name for stage in read_dockerfile()} | {"scratch"}
    bases = [stage.base for stage in read_dockerfile() if stage.base not in names]

    assert [] == [base for base in bases if not re.search(r":[\w.-]+$", base) or base.endswith(":latest")]


def test_python_is_one_and_the_same() -> None:
    """What is installed by one Python is run by the same version: 3.13 is Debian 13's."""
    assert "docker.io/library/python:3.13-slim-trixie" == read_dockerfile()[0].base
    assert "gcr.io/distroless/python3-debian13:nonroot" == LAST.base


def test_everything_installed_is_locked() -> None:
    """Pip installs what has a hash in a lock, or what was built here."""
    installs = [
        part
        for stage in read_dockerfile()
        for instruction in stage.of("RUN")
        for part in instruction.rest.split("&&")
        if re.search(r"\bpip\b.* install ", part)
    ]

    assert len(installs) == 3
    assert [] == [part for part in installs if not re.search("--require-hashes|--no-index", part)]
    assert [] == [part for part in installs if "--no-deps" not in part or "--no-cache-dir" not in part]


def test_last_stage_needs_no_shell() -> None:
    """The last stage has no RUN instruction, and its command is in exec form."""
    (entrypoint,) = LAST.of("ENTRYPOINT")
    (check,) = LAST.of("HEALTHCHECK")

    assert [] == LAST.of("RUN")
    assert '["insights-exporter"]' == entrypoint.rest
    assert 'CMD ["insights-exporter", "health"]' == check.rest


def test_container_does_not_run_as_root() -> None:
    """The user is a number, so that Kubernetes can see that it is not root."""
    assert ["65532:65532"] == [user.rest for user in LAST.of("USER")]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("title", "insights-exporter"),
        ("description", "Prometheus exporter for Coder's Insights API"),
        ("url", PROJECT),
        ("source", PROJECT),
        ("documentation", f"{PROJECT}/blob/main/docs/container.md"),
        ("vendor", "insights-exporter"),
        ("licenses", "Apache-2.0"),
        ("base.name", LAST.base),
        ("version", "${VERSION}"),
        ("revision", "${REVISION}"),
    ],
)
def test_label(label: str, expected: str) -> None:
    """The image has the labels that registries show."""
    assert expected == LAST.pairs("LABEL")[LABEL + label]


def test_context_is_what_is_copied() -> None:
    """The build sees exactly the files that it copies."""
    copied = {
        source
        for stage in read_dockerfile()
        for instruction in stage.of("COPY")
        if not instruction.flags
        for source in instruction.words()[:-1]
    }

    assert copied == set(read_dockerignore())
    assert [] == [source for source in copied if not (ROOT / source).exists()]
