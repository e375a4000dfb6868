"""Files with secrets that others can read."""

import os
from pathlib import Path

import pytest

from insights_exporter.config.models import Deployment
from insights_exporter.config.validation import unusable_key_log, world_readable_files
from tests.config.folder import furnish, loaded

TWO_OF_ONE_FILE = """
deployments:
  - {url: https://a.example.com, token_file: token}
  - {url: https://b.example.com, token_file: token}
"""


@pytest.mark.parametrize(
    ("mode", "told"),
    [(0o600, False), (0o400, False), (0o640, True), (0o644, True), (0o602, True)],
    ids=oct,
)
def test_file_open_to_others_gives_one_warning(mode: int, told: bool, tmp_path: Path) -> None:
    """However many deployments name the file, it is told once."""
    token = furnish(tmp_path) / "token"
    token.chmod(mode)
    what = f"{token} is open to others (mode {mode:04o})"

    assert ([what] if told else []) == [one.what for one in loaded(tmp_path, TWO_OF_ONE_FILE).warnings]


def test_group_may_read_what_belongs_to_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is by the group that Kubernetes lets a pod read its secrets."""
    (furnish(tmp_path) / "token").chmod(0o440)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)

    assert () == loaded(tmp_path, TWO_OF_ONE_FILE).warnings


def test_file_that_went_away_is_open_to_nobody(tmp_path: Path) -> None:
    """Between two looks at a file it may vanish; the next reading tells."""
    deployment = Deployment(url="https://coder.example.com", token_file=tmp_path / "gone")

    assert [] == list(world_readable_files(deployment))


@pytest.mark.parametrize("name", ["client-key.pem", "key"])
def test_all_files_with_secrets_are_looked_at(name: str, tmp_path: Path) -> None:
    """Keys count as much as tokens."""
    (furnish(tmp_path) / name).chmod(0o644)
    text = """
deployments:
  - url: https://coder.example.com
    token_env: TOKEN
    tls: {cert_file: client.pem, key_file: client-key.pem}
    users: {key_file: key}
"""

    assert [f"chmod 600 {tmp_path / name}"] == [one.remedy for one in loaded(tmp_path, text).warnings]


def test_key_log_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    """Python writes TLS keys to `SSLKEYLOGFILE` when it makes a context, and would fail there."""
    found = list(unusable_key_log({"SSLKEYLOGFILE": str(tmp_path / "missing" / "keys")}))

    line = "SSLKEYLOGFILE: cannot be written: no such file or directory; unset it, or name another file"
    assert [line] == [str(problem) for problem in found]


@pytest.mark.parametrize("name", ["SSLKEYLOGFILE", "OTHER"])
def test_key_log_that_can_be_written_is_no_problem(tmp_path: Path, name: str) -> None:
    """What is there stays, as Python appends."""
    keys = tmp_path / "keys"
    keys.write_text("before", encoding="utf-8")

    assert [] == list(unusable_key_log({name: str(keys)}))
    assert "before" == keys.read_text(encoding="utf-8")
