"""Log, status page, `check` and docs show one remedy for a cause."""

import html
import json
from pathlib import Path

import pytest

from insights_exporter.coder.errors import CAUSES, UNAVAILABLE, Cause
from insights_exporter.demo import EmbeddedCoder, serve
from tests.demo.client import SMALL
from tests.faults.config import write_config
from tests.integration.exporter import RunExporter, StartExporter
from tests.integration.waiting import eventually

DOCS = (Path(__file__).parents[2] / "docs/failures.md").read_text(encoding="utf-8")
CAUSE_OF: dict[str, Cause] = {
    "401": "token_unknown",
    "401-missing": "token_missing",
    "401-malformed": "token_malformed",
    "401-secret": "token_mistyped",
    "401-expired": "token_expired",
    "401-suspended": "user_suspended",
    "401-login": "login_expired",
    "403": "forbidden",
    "403-premium": "not_licensed",
    "403-proxy": "forbidden_by_proxy",
    "405": "refused_by_proxy",
    "407": "refused_by_proxy",
    "413": "refused_by_proxy",
    "421": "refused_by_proxy",
    "431": "refused_by_proxy",
    "451": "refused_by_proxy",
}
"""What each fault of the embedded Coder comes from."""


def test_one_remedy_everywhere(
    start_exporter: StartExporter, run_exporter: RunExporter, tmp_path: Path
) -> None:
    """The remedy of a cause is the same in log, `check`, status page and docs."""
    coders = {fault: EmbeddedCoder(population=SMALL) for fault in CAUSE_OF}
    for fault, coder in coders.items():
        coder.fail(fault, "/insights/daus")
    with serve(coders) as url:
        config = write_config(
            tmp_path / "config.json",
            [{"name": fault, "url": f"{url}/{fault}", "token": coders[fault].token} for fault in coders],
        )
        exporter = start_exporter(f"--config.file={config}", "--log.format=json")
        eventually(lambda: set(CAUSE_OF) == list_logged(exporter.running.output()).keys())
        log = list_logged(exporter.running.output())
        pages = {fault: html.unescape(exporter.page(f"/?deployment={fault}")) for fault in CAUSE_OF}
        checked = run_exporter("check", f"--config.file={config}", "--output=json")

    for deployment in json.loads(checked.stdout):
        fault = deployment["deployment"]
        cause = CAUSES[CAUSE_OF[fault]]
        (found,) = (each for each in deployment["datasets"] if each["dataset"] == "daus")
        assert (cause.reason, cause.remedy) == (found["reason"], found["remedy"])
        assert cause.remedy in DOCS
        if cause.reason in UNAVAILABLE:
            assert (cause.reason, None) == log[fault]
        else:
            assert (cause.reason, cause.remedy) == log[fault]
            assert f"{cause.remedy[:1].upper()}{cause.remedy[1:]}." in pages[fault]


def list_logged(output: str) -> dict[str, tuple[str, str | None]]:
    """Return reason and remedy of the first failure that is logged, by deployment."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    failure_lines = [line for line in reversed(lines) if line.get("dataset") == "daus" and "reason" in line]
    return {line["deployment"]: (line["reason"], line.get("remedy")) for line in failure_lines}


@pytest.mark.parametrize("fault", [fault for fault, cause in CAUSE_OF.items() if cause == "refused_by_proxy"])
def test_refusal_of_a_proxy_is_no_matter_of_the_dialect(
    run_exporter: RunExporter, tmp_path: Path, fault: str
) -> None:
    """What a proxy refuses is not sent again in the other dialect, and its status is in the message."""
    coder = EmbeddedCoder(population=SMALL)
    coder.fail(fault)
    with serve(coder) as url:
        config = write_config(tmp_path / "config.json", [{"name": "one", "url": url, "token": coder.token}])
        checked = run_exporter("check", f"--config.file={config}", "--output=json")
    (deployment,) = json.loads(checked.stdout)
    details = {each["detail"] for each in deployment["datasets"] if each["reason"] == "refused_by_proxy"}

    assert details
    assert all(detail.startswith(f"HTTP {fault} for /insights/") for detail in details)
    assert not [seen for seen in coder.requests if "before=" in seen.query]
