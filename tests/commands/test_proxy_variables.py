"""Proxy variables, in every command."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from insights_exporter.demo import DEMO_TOKEN, serve
from tests.demo.client import coder
from tests.integration.exporter import RunExporter
from tests.integration.processes import free_port
from tests.support.proxy import proxying

ENV = {"CODER_URL": "https://coder.invalid", "CODER_SESSION_TOKEN": DEMO_TOKEN}
COMMANDS = [(), ("check",), ("backfill", "--since=2026-01-01", "--dry-run")]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "serve")
def test_invalid_proxy_fails_every_command(run_exporter: RunExporter, words: Sequence[str]) -> None:
    """The status is 2, with one plain line without the password."""
    proxy = "socks5://user:hidden-secret@proxy.example.com:1080"
    ended = run_exporter(*words, env={**ENV, "ALL_PROXY": proxy})

    assert 2 == ended.returncode
    assert "ALL_PROXY: is a SOCKS proxy, which is not supported; use an HTTP proxy" in ended.stderr
    assert 1 == len(ended.stderr.splitlines())
    assert "hidden-secret" not in ended.stdout + ended.stderr


def test_unwritable_key_log(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A variable that Python reads when it creates clients is checked as well."""
    keys = tmp_path / "keys"
    keys.mkdir()
    ended = run_exporter("check", env={**ENV, "SSLKEYLOGFILE": str(keys)})

    assert 2 == ended.returncode
    assert "SSLKEYLOGFILE: cannot be written: is a directory" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_skipped_entry_is_a_warning(run_exporter: RunExporter) -> None:
    """`--config.check` names the entry and succeeds; one for other tools is harmless."""
    ended = run_exporter("--config.check", env={**ENV, "NO_PROXY": "fd00::/129,fd00::/8"})

    (line,) = ended.stderr.splitlines()
    assert 0 == ended.returncode
    assert "NO_PROXY: 'fd00::/129' is invalid and is skipped" in line


def test_scrape_goes_through_the_proxy(run_exporter: RunExporter) -> None:
    """A command connects to Coder through the proxy of the environment."""
    with serve(coder()) as url, proxying("127.0.0.1", urlsplit(url).port or 0) as proxy:
        env = {**ENV, "CODER_URL": "http://coder.invalid", "HTTP_PROXY": proxy.url}
        ended = run_exporter("scrape", env=env)

    assert (0, {"coder.invalid"}) == (ended.returncode, set(proxy.targets)), ended.stderr


def test_health_never_uses_a_proxy(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The exporter itself is requested directly, despite proxy variables."""
    with proxying("127.0.0.1", free_port()) as proxy:
        address = f"--web.listen-address=exporter.invalid:{free_port()}"
        env = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        file = tmp_path / "web.yml"
        file.write_text("tls_server_config: {cert_file: x, key_file: y}\n", encoding="utf-8")
        statuses = [
            run_exporter("health", address, *more, env=env).returncode
            for more in ((), (f"--web.config.file={file}",))
        ]

    assert ([1, 1], []) == (statuses, proxy.targets)
