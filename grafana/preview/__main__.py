"""Pictures of all dashboards over sample data: `python -m grafana.preview`, into docs/images/dashboards.

Needs Prometheus, Chromium and Node.js, and the packages of `npm ci` in this folder.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grafana.build import ROOT
from grafana.dashboards import PROVISIONED
from grafana.preview import sums
from grafana.preview.history import NOW, START, write_history
from grafana.preview.rules import serve_history, write_rules
from grafana.rules import recording
from tests.integration.programs import require

HERE: Final = Path(__file__).parent
HISTORY: Final = ROOT / "build/dashboard-images"


def render(url: str, dashboards: Sequence[Path], output: Path) -> int:
    """Render `dashboards` over the Prometheus at `url` and return the exit status."""
    arguments = (
        "--prometheus",
        url,
        "--at",
        NOW.isoformat(),
        "--browser",
        require("chromium"),
        "--output",
        output,
    )
    return subprocess.run(
        [require("node"), HERE / "render.mjs", *arguments, *dashboards], check=False
    ).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the data, render the pictures, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m grafana.preview", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / sums.PICTURES)
    parser.add_argument("--reuse", action="store_true", help="render over the data of the last run")
    parser.add_argument("dashboards", nargs="*", type=Path)
    chosen = parser.parse_args(arguments)
    if not chosen.reuse:
        shutil.rmtree(HISTORY, ignore_errors=True)
        write_history(HISTORY)
        rules = (*recording.RECORDINGS, *recording.USAGE_RECORDINGS)
        write_rules(rules, HISTORY, START, NOW)
    with serve_history(HISTORY) as prometheus:
        dashboards = chosen.dashboards or sorted((ROOT / PROVISIONED).glob("*.json"))
        status = render(prometheus.url, dashboards, chosen.output)
    if not status and not chosen.dashboards:
        sums.write(dashboards, chosen.output)
    return status


if __name__ == "__main__":
    sys.exit(main())
