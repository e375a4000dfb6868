"""A changed file is taken if it is right; a wrong one leaves what was, is told once, and is counted."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from insights_exporter.web.webconfig import ReloadingConfig, WebConfigError
from insights_exporter.web.webconfig.loader import CHECK_INTERVAL, DRAIN_SECONDS
from tests.web.webconfig.certificates import write_case
from tests.web.webconfig.server import Clock

DENY = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
SAMEORIGIN = "http_server_config: {headers: {X-Frame-Options: sameorigin}}\n"
WRONG = "http_server_config: {headers: {X-Frame-Options: none}}\n"


class Followed:
    """A file, and what is known of it after each change."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.clock = Clock()
        self.config = ReloadingConfig(file, self.clock)

    def write(self, text: str) -> None:
        """Write the file anew; a second goes by."""
        self.file.write_text(text, encoding="utf-8")
        self.clock.now += CHECK_INTERVAL

    def option(self) -> str:
        """Give the header that holds now."""
        return dict(self.config.current().headers)["X-Frame-Options"]


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    """Give a file that sets a header."""
    file = tmp_path / "web.yml"
    file.write_text(DENY, encoding="utf-8")
    return Followed(file)


def test_a_wrong_file_is_refused_at_the_start(directory: Path) -> None:
    """There is nothing to fall back on."""
    with pytest.raises(WebConfigError, match="cert_filse"):
        ReloadingConfig(write_case(directory, "bad-unknown-tls-key.yml"))


def test_a_right_file_is_taken(followed: Followed) -> None:
    """It holds from the next look on, and nothing is counted."""
    followed.write(SAMEORIGIN)

    assert "sameorigin" == followed.option()
    assert 0 == followed.config.reload_failures


def test_files_are_looked_at_once_a_second(followed: Followed) -> None:
    """However many requests come, the disk is left alone in between."""
    followed.clock.now += CHECK_INTERVAL
    followed.config.current()
    followed.file.write_text(SAMEORIGIN, encoding="utf-8")
    followed.clock.now += CHECK_INTERVAL / 2
    between = followed.option()
    followed.clock.now += CHECK_INTERVAL / 2

    assert "deny" == between
    assert "sameorigin" == followed.option()


def test_a_wrong_file_leaves_what_was(followed: Followed) -> None:
    """The header stays as it was set before."""
    followed.write(WRONG)

    assert "deny" == followed.option()


def test_a_wrong_file_is_told_and_counted_once(followed: Followed) -> None:
    """However long it stays, there is one log line with all that is wrong."""
    with capture_logs() as logs:
        followed.write(WRONG)
        for _ in range(3):
            followed.config.current()
            followed.clock.now += CHECK_INTERVAL

    place = "http_server_config.headers.X-Frame-Options"
    problem = f"{followed.file}: {place}: is not a known value; write deny or sameorigin"
    refused = {
        "event": "web config reload failed, keeping previous config",
        "log_level": "error",
        "file": str(followed.file),
        "err": [problem],
    }
    assert [refused] == logs
    assert 1 == followed.config.reload_failures


def test_a_mended_file_is_taken(followed: Followed) -> None:
    """A failure is over with the next right file; the count stays."""
    followed.write(WRONG)
    followed.config.current()
    followed.write(SAMEORIGIN)

    assert "sameorigin" == followed.option()
    assert 1 == followed.config.reload_failures


def test_a_file_that_is_gone_leaves_what_was(followed: Followed) -> None:
    """An orchestrator may take it away for a moment."""
    followed.file.unlink()
    followed.clock.now += CHECK_INTERVAL

    assert "deny" == followed.option()
    assert 1 == followed.config.reload_failures


def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    """Kubernetes puts a new directory under an old link."""
    for name, text in (("old", DENY), ("new", SAMEORIGIN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.yml").write_text(text, encoding="utf-8")
    (tmp_path / "data").symlink_to("old")
    (tmp_path / "web.yml").symlink_to("data/web.yml")
    followed = Followed(tmp_path / "web.yml")
    (tmp_path / "fresh").symlink_to("new")
    (tmp_path / "fresh").replace(tmp_path / "data")
    followed.clock.now += CHECK_INTERVAL

    assert "sameorigin" == followed.option()


@pytest.mark.parametrize("part", ["server.crt", "server.key", "client-ca.crt"])
def test_a_part_that_is_touched_is_a_change(part: str, directory: Path) -> None:
    """The files that the file names are followed as itself is."""
    followed = Followed(write_case(directory, "good-client-require-and-verify.yml"))
    before = followed.config.current().tls
    os.utime(directory / part, ns=(0, 0))
    followed.clock.now += CHECK_INTERVAL

    assert before is not followed.config.current().tls


@pytest.mark.parametrize(
    ("name", "after", "told"),
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
def test_protection_as_a_whole_does_not_change(name: str, after: str, told: str, directory: Path) -> None:
    """A file that is caught empty opens nothing."""
    tls = write_case(directory, "good-tls.yml").read_text(encoding="utf-8")
    followed = Followed(write_case(directory, name))
    before = followed.config.current()
    with capture_logs() as logs:
        followed.write(tls if after else "")
        unchanged = followed.config.current()

    assert before is unchanged
    assert told in logs[0]["err"][0]
    assert logs[0]["err"][0].endswith("restart the exporter if that is intended")


def test_a_single_user_may_go(directory: Path) -> None:
    """Only the last one is kept."""
    followed = Followed(write_case(directory, "good-users.yml"))
    lines = followed.file.read_text(encoding="utf-8").splitlines(keepends=True)
    followed.write("".join(line for line in lines if "bob" not in line))

    assert {b"alice"} == followed.config.current().users.keys()


def test_connections_turn_over_for_a_while_after_a_change(followed: Followed) -> None:
    """Long enough for each to have had an answer."""
    before = followed.config.is_draining
    followed.write(SAMEORIGIN)
    followed.config.current()
    during = followed.config.is_draining
    followed.clock.now += DRAIN_SECONDS

    assert (False, True, False) == (before, during, followed.config.is_draining)


def test_warnings_are_logged_at_the_start_and_with_each_change(directory: Path) -> None:
    """What has no effect is told by name."""
    warning = {
        "event": "web config warning",
        "log_level": "warning",
        "place": "http_server_config.http2",
        "err": "has no effect: the exporter speaks HTTP/1.1 only",
        "remedy": "remove it or set it to false",
    }
    with capture_logs() as at_start:
        followed = Followed(write_case(directory, "good-http2-on.yml"))
    with capture_logs() as later:
        followed.write("http_server_config: {http2: true}")
        followed.config.current()
        followed.config.current()

    assert [{**warning, "file": str(followed.file)}] == at_start
    assert ["web config reloaded", "web config warning"] == [line["event"] for line in later]
