"""What the README shows works as it stands there."""

import re
from pathlib import Path

import yaml

from tests.peers.exporter import RunExporter
from tests.peers.promtool import Promtool

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    """Give the README's code blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def test_settings_are_accepted(run_exporter: RunExporter, tmp_path: Path) -> None:
    """The exporter can be started with the file shown, once the tokens are there."""
    (shown,) = [block for block in blocks("yaml") if block.startswith("deployments:")]
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("0123456789-0123456789012345678901", encoding="utf-8")
    file = tmp_path / "config.yml"
    file.write_text(shown.replace("/run/secrets/coder-europe", str(token)), encoding="utf-8")

    done = run_exporter(
        f"--config.file={file}",
        "--config.check",
        env={"CODER_AMERICAS_TOKEN": token.read_text(encoding="utf-8")},
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_scrape_job_is_accepted(promtool: Promtool, tmp_path: Path) -> None:
    """Prometheus can be started with the scrape job shown."""
    (shown,) = [block for block in blocks("yaml") if block.startswith("scrape_configs:")]
    file = tmp_path / "prometheus.yml"
    file.write_text(shown, encoding="utf-8")

    assert 0 == promtool.run("check", "config", str(file)).returncode


def test_queries_are_valid(promtool: Promtool, tmp_path: Path) -> None:
    """Each query shown can be evaluated."""
    rules = [
        {"record": f"shown:query{number}", "expr": query} for number, query in enumerate(blocks("promql"))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}), encoding="utf-8")

    assert 0 == promtool.run("check", "rules", str(file)).returncode
