"""The pictures of the dashboards: for each one, small, and of what it is now; and the renderer's packages."""

import json
import struct
import subprocess
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from grafana.preview import sums
from grafana.preview.live import SCRAPE_INTERVAL, Recording, record
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population
from tests.grafana.dashboard_files import ROOT, Json, list_files, list_panels
from tests.grafana.dashboard_files import load as read
from tests.integration.programs import require_optional

PREVIEW = ROOT / "grafana/preview"
PICTURES = ROOT / sums.PICTURES
WIDTH = 1600
LARGEST = 300_000


def load(name: str) -> dict[str, Any]:
    """Return a JSON file of the renderer."""
    content: dict[str, Any] = json.loads((PREVIEW / name).read_text(encoding="utf-8"))
    return content


def test_each_dashboard_has_pictures_in_both_themes() -> None:
    """No dashboard lacks its pictures, and no picture its dashboard."""
    expected = {f"{file.stem}-{mode}.png" for file in list_files() for mode in ("light", "dark")}

    assert expected == {picture.name for picture in PICTURES.glob("*.png")}


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.png")), ids=lambda picture: picture.stem)
def test_picture_is_wide_and_small(picture: Path) -> None:
    """A picture is 1600 pixels wide and no burden for a clone."""
    content = picture.read_bytes()

    assert b"\x89PNG\r\n\x1a\n" == content[:8]
    assert (WIDTH,) == struct.unpack(">I", content[16:20])
    assert len(content) < LARGEST


def test_hashes_name_each_dashboard() -> None:
    """The file alongside the pictures has a line for each dashboard, as sha256sum writes it."""
    lines = (PICTURES / sums.SUMS).read_text(encoding="utf-8").splitlines()

    assert [file.name for file in list_files()] == [line[66:] for line in lines]
    assert {64} == {len(line.split("  ")[0]) for line in lines}


def test_outdated_pictures_are_named(tmp_path: Path) -> None:
    """Dashboards that were changed, added or removed since the last rendering are listed."""
    for name in ("same", "changed", "gone"):
        (tmp_path / f"{name}.json").write_text("{}", encoding="utf-8")
    sums.write(sorted(tmp_path.glob("*.json")), tmp_path)

    dashboards = {"a/same.json": "{}", "a/changed.json": "[]", "a/new.json": "{}"}

    assert ["changed.json", "gone.json", "new.json"] == sums.find_outdated(dashboards, tmp_path)


def small_coder() -> EmbeddedCoder:
    """Return a Coder of a few users."""
    return EmbeddedCoder(population=Population(users=8, templates=2))


def test_recording_skips_waiting_and_nothing_else(tmp_path: Path) -> None:
    """An hour of an exporter is recorded in seconds: with all scrapes, and no poll took minutes of it."""
    start, hour = datetime(2026, 5, 20, 10, tzinfo=UTC), timedelta(hours=1)
    config = (
        f"deployments: [{{name: main, url: '{{url}}', token: '{DEMO_TOKEN}', requests_per_minute: 6000}}]"
    )
    recording = Recording(
        make_coder=small_coder, config=config, start=start, end=start + hour, labels='job="a",instance="b"'
    )

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        *lines, end = process.submit(record, recording, tmp_path).result().read_text().splitlines()

    times = sorted({int(line.rsplit(" ", 1)[1]) for line in lines})
    polls = [float(line.split()[-2]) for line in lines if "poll_duration_seconds{" in line]
    assert "# EOF" == end
    assert hour.total_seconds() / SCRAPE_INTERVAL == len(times)
    assert start + hour - timedelta(seconds=SCRAPE_INTERVAL) < datetime.fromtimestamp(times[-1], UTC)
    assert max(polls) < SCRAPE_INTERVAL
    assert all('{job="a",instance="b"' in line for line in lines)


def test_packages_are_locked_without_addresses() -> None:
    """Every package has its hash in the lock, and none the address that it came from."""
    packages = {name: one for name, one in load("package-lock.json")["packages"].items() if name}

    assert [] == [name for name, one in packages.items() if "resolved" in one]
    assert [] == [name for name, one in packages.items() if not one["integrity"].startswith("sha512-")]


def test_packages_are_of_the_grafana_that_dashboards_are_built_for() -> None:
    """The components are of the version that the SDK is made for, and every version is exact."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = load("package.json")["dependencies"]
    locked = load("package-lock.json")["packages"]
    grafana = {version for name, version in wanted.items() if name.startswith("@grafana/")}

    assert 1 == len(grafana)
    assert f'!{grafana.pop()}"' in pyproject
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}


FIND_UNSUPPORTED = """
import { readFileSync } from "node:fs";
const { findUnsupported } = await import(process.argv[1]);
const panels = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(panels.flatMap(findUnsupported)));
"""


def find_unsupported(panels: list[Json]) -> Any:  # noqa: ANN401  the result of a script
    """Return what the preview does not render of some panels."""
    words = (require_optional("node", "dashboard-images"), "--input-type=module", "--eval", FIND_UNSUPPORTED)
    done = subprocess.run(
        [*words, (PREVIEW / "src/supported.js").as_uri()],
        check=True,
        input=json.dumps(panels),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_preview_renders_all_options_of_the_dashboards() -> None:
    """No dashboard sets an option that would be missing in its picture."""
    assert [] == find_unsupported([panel for file in list_files() for panel in list_panels(read(file))])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "heatmap"}, "type: heatmap"),
        ({"options": {"showHeader": False}}, "options.showHeader: false"),
        (
            {"fieldConfig": {"defaults": {"custom": {"hidden": True}}, "overrides": []}},
            "field option: custom.hidden",
        ),
        (
            {"fieldConfig": {"defaults": {}, "overrides": [{"matcher": {"id": "byType"}, "properties": []}]}},
            "matcher: byType",
        ),
    ],
    ids=["type", "option", "field option", "matcher"],
)
def test_unsupported_options_are_named(change: Json, expected: str) -> None:
    """What the preview does not render is named, for the panel and the output."""
    table = {"type": "table", "fieldConfig": {"defaults": {}, "overrides": []}}

    assert [expected] == find_unsupported([{**table, **change}])
