"""A changed file is loaded if it is valid; otherwise the previous config stays, with one log line."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from insights_exporter.config.errors import ConfigError
from insights_exporter.exposition.family import Samples
from insights_exporter.web.webconfig.loader import (
    CHECK_INTERVAL,
    DRAIN_SECONDS,
    RELOAD_FAILURES,
    ReloadingConfig,
)
from tests.web.webconfig.certificates import write_case
from tests.web.webconfig.server import Clock

DENY = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
SAMEORIGIN = "http_server_config: {headers: {X-Frame-Options: sameorigin}}\n"
WRONG = "http_server_config: {headers: {X-Frame-Options: none}}\n"


class WatchedFile:
    """A web config file with its reloading config."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.clock = Clock()
        self.config = ReloadingConfig(file, self.clock)

    def write(self, text: str) -> None:
        """Replace the file and advance the clock by a second."""
        self.file.write_text(text, encoding="utf-8")
        self.clock.now += CHECK_INTERVAL

    def option(self) -> str:
        """Return the current header."""
        return dict(self.config.get_current().headers)["X-Frame-Options"]


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFile:
    """Return a file that sets a header."""
    file = tmp_path / "web.yml"
    file.write_text(DENY, encoding="utf-8")
    return WatchedFile(file)


def test_invalid_file_at_the_start(directory: Path) -> None:
    """An invalid file at the start is an error."""
    with pytest.raises(ConfigError, match="cert_filse"):
        ReloadingConfig(write_case(directory, "bad-unknown-tls-key.yml"))


def test_valid_file_is_used(watched: WatchedFile) -> None:
    """A valid change is used from the next check on."""
    watched.write(SAMEORIGIN)

    assert "sameorigin" == watched.option()
    assert 0 == watched.config.reload_failures


def test_files_are_checked_once_a_second(watched: WatchedFile) -> None:
    """Files are checked at most once a second."""
    watched.clock.now += CHECK_INTERVAL
    watched.config.get_current()
    watched.file.write_text(SAMEORIGIN, encoding="utf-8")
    watched.clock.now += CHECK_INTERVAL / 2
    between = watched.option()
    watched.clock.now += CHECK_INTERVAL / 2

    assert "deny" == between
    assert "sameorigin" == watched.option()


def test_invalid_file_keeps_the_config(watched: WatchedFile) -> None:
    """An invalid change keeps the previous config."""
    watched.write(WRONG)

    assert "deny" == watched.option()


def test_invalid_file_is_logged_and_counted_once(watched: WatchedFile) -> None:
    """An invalid file is logged and counted once, with all its errors."""
    with capture_logs() as logs:
        watched.write(WRONG)
        for _ in range(3):
            watched.config.get_current()
            watched.clock.now += CHECK_INTERVAL

    place = "http_server_config.headers.X-Frame-Options"
    problem = f"{watched.file}: {place}: is not a known value; write deny or sameorigin"
    refused = {
        "event": "web config reload failed, keeping previous config",
        "log_level": "error",
        "file": str(watched.file),
        "err": [problem],
    }
    assert [refused] == logs
    assert 1 == watched.config.reload_failures


def test_file_that_is_valid_again(watched: WatchedFile) -> None:
    """After a failure the next valid file is used; the counter stays."""
    watched.write(WRONG)
    watched.config.get_current()
    watched.write(SAMEORIGIN)

    assert "sameorigin" == watched.option()
    assert 1 == watched.config.reload_failures


def test_removed_file_keeps_the_config(watched: WatchedFile) -> None:
    """A removed file keeps the previous config."""
    watched.file.unlink()
    watched.clock.now += CHECK_INTERVAL

    assert "deny" == watched.option()
    assert 1 == watched.config.reload_failures


def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    """A swapped symbolic link, as Kubernetes does it, is a change."""
    for name, text in (("old", DENY), ("new", SAMEORIGIN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.yml").write_text(text, encoding="utf-8")
    (tmp_path / "data").symlink_to("old")
    (tmp_path / "web.yml").symlink_to("data/web.yml")
    watched = WatchedFile(tmp_path / "web.yml")
    (tmp_path / "fresh").symlink_to("new")
    (tmp_path / "fresh").replace(tmp_path / "data")
    watched.clock.now += CHECK_INTERVAL

    assert "sameorigin" == watched.option()


@pytest.mark.parametrize("part", ["server.crt", "server.key", "client-ca.crt"])
def test_changed_certificate_is_a_change(part: str, directory: Path) -> None:
    """A change of a file that the config names is a change."""
    watched = WatchedFile(write_case(directory, "good-client-require-and-verify.yml"))
    before = watched.config.get_current().tls
    os.utime(directory / part, ns=(0, 0))
    watched.clock.now += CHECK_INTERVAL

    assert before is not watched.config.get_current().tls


@pytest.mark.parametrize(
    ("name", "after", "expected"),
    [
        pytest.param(
            "good-tls.yml", "", "tls_server_config: was removed, but TLS cannot be turned off", id="TLS off"
        ),
        pytest.param(
            "good-empty.yml", "TLS", "tls_server_config: is new, but TLS cannot be turned on", id="TLS on"
        ),
        pytest.param("good-users.yml", "TLS", "basic_auth_users: were all removed", id="no users"),
    ],
)
def test_protection_is_not_removed(name: str, after: str, expected: str, directory: Path) -> None:
    """A change cannot turn TLS on or off, or remove all users."""
    tls = write_case(directory, "good-tls.yml").read_text(encoding="utf-8")
    watched = WatchedFile(write_case(directory, name))
    before = watched.config.get_current()
    with capture_logs() as logs:
        watched.write(tls if after else "")
        unchanged = watched.config.get_current()

    assert before is unchanged
    assert expected in logs[0]["err"][0]
    assert logs[0]["err"][0].endswith("restart the exporter if this is intended")


@pytest.mark.parametrize(
    ("end", "removed"),
    [
        pytest.param("client_allowed_sans", ["client_allowed_sans"], id="names"),
        pytest.param("client_ca_file", ["client_allowed_sans", "client_ca"], id="CAs and names"),
        pytest.param(
            "client_auth_type", ["client_allowed_sans", "client_auth_type", "client_ca"], id="verification"
        ),
    ],
)
def test_half_written_file_does_not_let_clients_in(end: str, removed: list[str], directory: Path) -> None:
    """A file that ends before a key which refuses clients is not used."""
    watched = WatchedFile(write_case(directory, "good-client-allowed-sans.yml"))
    before = watched.config.get_current()
    watched.write(watched.file.read_text(encoding="utf-8").partition(f"  {end}")[0])

    places = [issue.place for issue in watched.config.reload_if_changed()]

    assert [f"tls_server_config.{key}" for key in removed] == places
    assert before is watched.config.get_current()


def test_another_name_is_allowed(directory: Path) -> None:
    """The allowed names can change."""
    watched = WatchedFile(write_case(directory, "good-client-allowed-sans.yml"))
    text = watched.file.read_text(encoding="utf-8")
    watched.write(text.replace("- prometheus.example.com", "- vmagent.example.com"))

    issues, tls = watched.config.reload_if_changed(), watched.config.get_current().tls

    assert () == issues
    assert tls
    assert "vmagent.example.com" in tls.allowed_names


def test_single_user_can_be_removed(directory: Path) -> None:
    """A single user can be removed."""
    watched = WatchedFile(write_case(directory, "good-users.yml"))
    lines = watched.file.read_text(encoding="utf-8").splitlines(keepends=True)
    watched.write("".join(line for line in lines if "bob" not in line))

    assert {b"alice"} == watched.config.get_current().users.keys()


def test_connections_drain_after_a_change(watched: WatchedFile) -> None:
    """Connections drain for a while after a change."""
    before = watched.config.is_draining
    watched.write(SAMEORIGIN)
    watched.config.get_current()
    during = watched.config.is_draining
    watched.clock.now += DRAIN_SECONDS

    assert (False, True, False) == (before, during, watched.config.is_draining)


def test_warnings_are_logged_at_the_start_and_with_each_change(directory: Path) -> None:
    """Warnings are logged at the start and after each change."""
    warning = {
        "event": "web config warning",
        "log_level": "warning",
        "place": "http_server_config.http2",
        "err": "has no effect: the exporter speaks HTTP/1.1 only",
        "remedy": "remove it or set it to false",
    }
    with capture_logs() as at_start:
        watched = WatchedFile(write_case(directory, "good-http2-on.yml"))
    with capture_logs() as later:
        watched.write("http_server_config: {http2: true}")
        watched.config.get_current()
        watched.config.get_current()

    assert [{**warning, "file": str(watched.file)}] == at_start
    assert ["web config reloaded", "web config warning"] == [line["event"] for line in later]


def test_failed_reloads_are_counted(directory: Path) -> None:
    """The counter exists from the start and increases."""
    live = ReloadingConfig(write_case(directory, "good-empty.yml"))
    before = live.collect_samples()
    live.reload_failures += 1

    assert Samples(RELOAD_FAILURES, [((), 0.0)]) == before
    assert Samples(RELOAD_FAILURES, [((), 1.0)]) == live.collect_samples()
