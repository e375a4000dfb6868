"""Write ninety days of sample data into the data folder of a Prometheus.

Three months are backfilled with the `backfill` command; the last day and a
half is recorded from a running exporter, with a short outage. The dates are
fixed, so that the pictures do not depend on the day they are rendered.
"""

import multiprocessing
import subprocess
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from grafana.preview.live import Outage, Recording, record
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration import exporter
from tests.integration.programs import require

NOW: Final = datetime(2026, 5, 20, 14, 20, tzinfo=UTC)
"""A Wednesday afternoon."""

START: Final = NOW.replace(hour=0, minute=0) - timedelta(days=90)
LIVE_SINCE: Final = NOW.replace(hour=0, minute=0) - timedelta(days=1)
OUTAGE: Final = (NOW - timedelta(hours=5), NOW - timedelta(hours=4, minutes=25))

JOB: Final = "insights-exporter"
INSTANCE: Final = "exporter:12112"


def write_history(folder: Path) -> None:
    """Write the history's blocks into `folder/data`."""
    folder.mkdir(parents=True)
    _backfill(folder)
    _record(folder)


def _create_coder() -> EmbeddedCoder:
    return EmbeddedCoder(
        population=Population(users=600, templates=20),
        rate_limit=512,
        token_expires=NOW + timedelta(days=21),
    )


def _dump_config(url: str, **more: Any) -> str:  # noqa: ANN401  any part of the config
    deployment = {
        "name": "demo",
        "url": url,
        "token": DEMO_TOKEN,
        "requests_per_minute": 300,
        "templates": {"users": True},
        **more,
    }
    return yaml.safe_dump({"deployments": [deployment]})


def _backfill(folder: Path) -> None:
    coder = _create_coder()
    coder.now, coder.rate_limit = (lambda: NOW), -1
    config, data = folder / "backfill.yml", folder / "data"
    data.mkdir()
    with serve(coder) as url:
        aggregate = _dump_config(url, users={"detail": "aggregate"}, templates={"users": False})
        config.write_text(aggregate, encoding="utf-8")
        config.chmod(0o600)
        arguments = (
            "backfill",
            f"--config.file={config}",
            f"--since={START:%Y-%m-%d}",
            f"--until={LIVE_SINCE:%Y-%m-%d}",
            "--include=parameters,users",
            "--requests-per-minute=6000",
            f"--label=job={JOB}",
            f"--label=instance={INSTANCE}",
            f"--output={folder / 'backfill'}",
            "--import",
            f"--tsdb={data}",
        )
        done = exporter.run(folder, *arguments, seconds=1800)
    if done.returncode:
        raise RuntimeError(f"backfill ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _record(folder: Path) -> None:
    """Record the last day and a half, and the daily users of the same day a week ago."""
    week_ago = NOW.replace(hour=0, minute=0) - timedelta(weeks=1)
    target = f'job="{JOB}",instance="{INSTANCE}"'
    recordings = (
        Recording(
            make_coder=_create_coder,
            config=_dump_config("{url}", datasets={name: {"enabled": name == "daus"} for name in DATASETS}),
            start=week_ago,
            end=week_ago + timedelta(days=1),
            labels=target,
        ),
        Recording(
            make_coder=_create_coder,
            config=_dump_config("{url}", datasets={"groups": {"enabled": True}}),
            start=LIVE_SINCE,
            end=NOW,
            labels=target,
            outage=Outage(path="/insights/templates", start=OUTAGE[0], end=OUTAGE[1]),
        ),
    )
    spawn = multiprocessing.get_context("spawn")
    for recording in recordings:
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            file = process.submit(record, recording, folder).result()
        arguments = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", "--quiet")
        subprocess.run([require("promtool"), *arguments, file, folder / "data"], check=True)
        file.unlink()
