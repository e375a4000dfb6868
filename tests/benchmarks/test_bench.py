"""Smoke tests of all benchmarks; the measured times are not checked."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import TOPICS, main
from benchmarks.peers import PEERS, list_missing_peers
from benchmarks.results import Section, read_tables
from benchmarks.servers import build_environment

HEADINGS = {
    "comparison": ["A scrape", "Prometheus scraping"],
    "polling": ["A poll", "Growth"],
    "load": ["Scrapes during a poll every second", "Memory over many polls"],
    "deployment-count": ["One or many deployments with the same series"],
    "startup": ["Startup", "HTTPS to Coder"],
    "tls": ["TLS", "TLS, scraped by Prometheus"],
    "backfill": ["Backfill"],
    "sizing": ["Deployments by size", "Series by config"],
    "scale": ["Many deployments"],
    "attacks": ["Attacks"],
}


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the small benchmarks in a separate process, in the repository's root."""
    command = [sys.executable, "-m", "benchmarks", "--small", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=build_environment(directory), timeout=100
    )


def test_every_topic_is_tried() -> None:
    """Each topic has its headings in the table of this test."""
    assert list(TOPICS) == list(HEADINGS)


def test_results_before_a_failure_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each section is written as soon as it is measured."""
    output = tmp_path / "results.md"

    def fail(*_: object) -> Iterator[Section]:
        yield Section("Second", [("what",), ("it",)])
        raise RuntimeError("the attack failed")

    topics = {"one": lambda *_: iter([Section("First", [("what",), ("it",)])]), "two": fail}
    monkeypatch.setattr("benchmarks.__main__.TOPICS", topics)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--small", f"--output={output}", "one", "two"])

    with pytest.raises(RuntimeError, match="the attack failed"):
        main()
    assert ["Targets", "First", "Second"] == list(read_tables(output.read_text(encoding="utf-8")))


@pytest.mark.parametrize("topic", TOPICS)
def test_topic_is_measured_and_written_down(tmp_path: Path, topic: str) -> None:
    """Each topic writes its tables and the machine; a missing program is listed."""
    done = run(tmp_path, "--output", str(tmp_path / "results.md"), topic)

    assert 0 == done.returncode, done.stderr
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text == done.stdout
    assert "\nMeasured on " in text
    assert [] == [title for title in HEADINGS[topic] if f"\n## {title}\n\n| " not in text]
    if topic == "comparison":
        assert [] == [name for name in PEERS if f"\n| {name} | " not in text]
        assert [] == [
            name for name in list_missing_peers() if f"\n| {name} | missing |  |  |  |  |\n" not in text
        ]


@pytest.mark.parametrize("flag", ["--small", "--attack=reloads"])
def test_partial_results_are_not_recorded(tmp_path: Path, flag: str) -> None:
    """Runs with small sizes or one attack must name their output."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", flag, "attacks"],
        check=False,
        capture_output=True,
        text=True,
        env=build_environment(tmp_path),
    )

    assert 2 == done.returncode
    assert "--small and --attack need --output" in done.stderr


def test_unknown_topic_is_refused(tmp_path: Path) -> None:
    """The error lists the topics, and nothing is measured."""
    done = run(tmp_path, "everything-else")

    assert 2 == done.returncode
    assert "no such topic: everything-else; there are comparison, " in done.stderr
