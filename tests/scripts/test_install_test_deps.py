"""External programs: found, reported if missing, and never started as services."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import install_test_deps as parts
from tests.integration import programs as peers

TESTS = Path(__file__).resolve().parents[1]


def test_parts_are_named_once() -> None:
    """Each command is in the table once."""
    commands = [part.command for part in (*parts.PARTS, *parts.GO_PARTS)]

    assert sorted(set(commands)) == sorted(commands)


def test_every_program_that_a_test_requires_is_in_the_table() -> None:
    """The table has every program that tests require, except those of Python packages."""
    sources = [path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")]
    required = {name for source in sources for name in re.findall(r"\brequire\(\"([^\"]+)\"\)", source)}

    known = {part.command for part in (*parts.PARTS, *parts.GO_PARTS)}
    others = required - known - {"no-such-program"}

    assert set() == {name for name in others if not shutil.which(name, path=parts.BESIDE)}


def test_go_programs_have_a_version() -> None:
    """What is built is the same on every machine."""
    assert [] == [part.module for part in parts.GO_PARTS if not re.search(r"@v\d+\.\d+\.\d+$", part.module)]


def test_missing_go_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go program is missing because Go is."""
    monkeypatch.setattr(parts, "find", lambda _: None)

    assert "building needs go" == parts.build(parts.GO_PARTS[0])


def test_a_program_in_sbin_is_found() -> None:
    """Programs in sbin are found, although they are not on PATH."""
    assert "/usr/sbin" in parts.PATH.split(":")


def test_services_are_refused_only_while_installing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy that prevents services from starting exists only until the block ends."""
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(parts, "POLICY", policy)

    with parts.no_services():
        refusal = subprocess.run([policy], check=False).returncode

    assert 101 == refusal
    assert not policy.exists()


def test_a_policy_that_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's policy is neither replaced nor removed."""
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs", encoding="utf-8")
    monkeypatch.setattr(parts, "POLICY", policy)

    with parts.no_services():
        pass

    assert "theirs" == policy.read_text(encoding="utf-8")


def test_missing_program_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CI is not set, a test that needs a missing program is skipped, with its name."""
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="needs the program no-such-program"):
        peers.require("no-such-program")


def test_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true no test may be skipped."""
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="needs the program no-such-program"):
        peers.require("no-such-program")


def test_summary_of_skips_has_program_count_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary has one line per missing program and one per other reason."""
    reasons = tmp_path / "missing-parts.txt"
    reasons.write_text("chromium: installing needs root: sudo make parts\n", encoding="utf-8")
    monkeypatch.setattr(peers, "MISSING", reasons)
    skipped = ["Skipped: needs the program chromium"] * 2 + ["Skipped: only on Windows"]

    assert [
        "not run: 2 test(s) that need chromium (installing needs root: sudo make parts)",
        "not run: 1 test(s) (only on Windows)",
    ] == peers.summarize_skips(skipped)


SKIPS = {
    "nothing": ("", 0),
    "a program": ("not run: 2 test(s) that need curl (make parts installs it)\n", 2),
    "another reason": ("not run: 1 test(s) (only root can give a file away)\n", 2),
    "what no set-up can install": (f"not run: 1 test(s) ({peers.NOT_INSTALLABLE}golden responses)\n", 0),
    "what make test does not need": (f"not run: 1 test(s) ({peers.OPTIONAL}Node.js)\n", 0),
}


@pytest.mark.parametrize(("skipped", "status"), SKIPS.values(), ids=SKIPS)
def test_skipped_tests_fail_ci(tmp_path: Path, skipped: str, status: int) -> None:
    """`make skipped` lists all skips, and fails with CI=true for those that can be avoided."""
    shutil.copy(TESTS.parent / "Makefile", tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / peers.SKIPPED_TESTS).write_text(skipped, encoding="utf-8")

    done = subprocess.run(
        [peers.require("make"), "--no-print-directory", "skipped"],
        cwd=tmp_path,
        env={**os.environ, "CI": "true"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert (status, skipped) == (done.returncode, done.stdout)


def test_no_skip_is_hidden_from_ci() -> None:
    """Tests skip themselves with `skip`, except those that depend on how the tests are run."""
    bare = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if "pytest.skip(" in path.read_text(encoding="utf-8")
    }

    assert {"integration/programs.py", "test_repo.py", "scripts/test_install_test_deps.py"} == bare


def test_setup_with_all_programs_installs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If all programs are present, nothing is installed and no reason is written."""
    monkeypatch.setattr(parts, "PARTS", (parts.Part(Path(sys.executable).name, "python3"),))
    monkeypatch.setattr(parts, "GO_PARTS", ())
    monkeypatch.setattr(parts, "PATH", str(Path(sys.executable).parent))
    monkeypatch.setattr(parts, "MISSING", tmp_path / "build" / "missing-parts.txt")

    parts.main()

    assert "" == parts.MISSING.read_text(encoding="utf-8")
