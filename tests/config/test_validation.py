"""Files that a config names: secrets that others can read, and unusable files."""

import os
from pathlib import Path

import pytest

from insights_exporter.config.models import Deployment
from insights_exporter.config.validation import find_unusable_key_log, find_world_readable_files
from tests.config.folder import create_files, load_text

SHARED_FILE = """
deployments:
  - {url: https://a.example.com, token_file: token}
  - {url: https://b.example.com, token_file: token}
"""


@pytest.mark.parametrize(
    ("mode", "warned"),
    [(0o600, False), (0o400, False), (0o640, True), (0o644, True), (0o602, True)],
    ids=oct,
)
def test_file_readable_by_others_causes_one_warning(mode: int, warned: bool, tmp_path: Path) -> None:
    """There is one warning, however many deployments name the file."""
    token = create_files(tmp_path) / "token"
    token.chmod(mode)
    what = f"{token} is readable by other users (mode {mode:04o})"

    assert ([what] if warned else []) == [one.what for one in load_text(tmp_path, SHARED_FILE).warnings]


def test_group_may_read_files_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods read Kubernetes' secrets as members of the group."""
    (create_files(tmp_path) / "token").chmod(0o440)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)

    assert () == load_text(tmp_path, SHARED_FILE).warnings


def test_vanished_file_causes_no_warning(tmp_path: Path) -> None:
    """A file may vanish between two checks; reading it is the error."""
    deployment = Deployment(url="https://coder.example.com", token_file=tmp_path / "gone")

    assert [] == list(find_world_readable_files(deployment))


@pytest.mark.parametrize("name", ["client-key.pem", "key"])
def test_all_files_with_secrets_are_checked(name: str, tmp_path: Path) -> None:
    """Keys count as much as tokens."""
    (create_files(tmp_path) / name).chmod(0o644)
    text = """
deployments:
  - url: https://coder.example.com
    token_env: TOKEN
    tls: {cert_file: client.pem, key_file: client-key.pem}
    users: {key_file: key}
"""

    assert [f"chmod 600 {tmp_path / name}"] == [one.remedy for one in load_text(tmp_path, text).warnings]


def test_unwritable_key_log_is_found(tmp_path: Path) -> None:
    """Python writes TLS keys to `SSLKEYLOGFILE` when it creates a context, and would fail then."""
    found = list(find_unusable_key_log({"SSLKEYLOGFILE": str(tmp_path / "missing" / "keys")}))

    line = "SSLKEYLOGFILE: cannot be written: no such file or directory; unset it, or name another file"
    assert [line] == [str(problem) for problem in found]


@pytest.mark.parametrize("name", ["SSLKEYLOGFILE", "OTHER"])
def test_writable_key_log_is_unchanged(tmp_path: Path, name: str) -> None:
    """Its content stays, since Python appends."""
    keys = tmp_path / "keys"
    keys.write_text("before", encoding="utf-8")

    assert [] == list(find_unusable_key_log({name: str(keys)}))
    assert "before" == keys.read_text(encoding="utf-8")
