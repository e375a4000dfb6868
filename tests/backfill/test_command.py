"""The command: errors, output, and how it continues."""

import re
import resource
import signal
import stat
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.coder.errors import REMEDIES
from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.integration.waiting import eventually
from tests.support.backfill import NOW, Backfill, samples
from tests.support.in_process import run_in_process

UNREACHED = {"CODER_URL": "https://coder.example.com", "CODER_SESSION_TOKEN": "x-x"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--include=everything"], "parameters, users"),
        (["--step=10m"], "below 5m"),
        (["--label=job"], "'job' is not a label; write NAME=VALUE, such as job=insights-exporter"),
        (["--label=__name__=x"], "is not a label; write NAME=VALUE"),
        (["--label=window=7d"], "'window' is already a label of the series; use one that the scrape adds"),
        (["--label=job=a", "--label=job=b"], "'job' is already a label of the series"),
        (["--import"], "--tsdb"),
        (["--output=-"], "--output: - is not a folder"),
        ([f"--output={__file__}"], "test_command.py is not a folder"),
        (["--deployment=unknown"], "unknown deployment 'unknown'; the config has "),
        (
            ["--remote-write=prometheus"],
            "is not a URL; write one such as http://prometheus:9090/api/v1/write",
        ),
        (["--remote-write-header=secret"], "Name=value"),
        (
            ["--remote-write-header=Authorization=@missing"],
            "--remote-write-header: missing cannot be read: no such file",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_invalid_flag(tmp_path: Path, flags: list[str], message: str) -> None:
    """An invalid flag ends with status 2 and a remedy."""
    ended = run_in_process(tmp_path, "backfill", "--since=2026-01-01", *flags, env=UNREACHED)

    assert 2 == ended.returncode
    assert message in ended.stderr


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfeB\x00e\x00a\x00r\x00e\x00r\x00", id="UTF-16"),
        pytest.param("Bearer geh\u00e4im".encode(), id="a letter that no header has"),
        pytest.param(b"Bearer secret\nX-Other: secret", id="two lines"),
        pytest.param(b"\n", id="nothing"),
    ],
)
def test_invalid_header_file(tmp_path: Path, content: bytes) -> None:
    """A file without a header value is named in one line, without its content."""
    file = tmp_path / "header"
    file.write_bytes(content)

    arguments = ("backfill", "--since=2026-01-01", f"--remote-write-header=Authorization=@{file}")
    ended = run_in_process(tmp_path, *arguments, env=UNREACHED)

    (line,) = ended.stderr.splitlines()
    assert 2 == ended.returncode
    assert f"--remote-write-header: {file} has no value" in line
    assert "Bearer" not in line


def test_unwritable_file_is_named(backfill: Backfill) -> None:
    """A file that cannot be written stops the run with its path, the cause and a remedy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        ended = backfill("2026-04-08")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert 1 == ended.returncode
    assert re.search(
        rf'msg="backfill stopped" .*err="{backfill.out}/.*2026-04-08.json: file too large" '
        r'remedy="raise the limit of file sizes \(ulimit -f\); run it again to continue',
        ended.stderr,
    )


def test_import_without_promtool(tmp_path: Path) -> None:
    """Without promtool nothing is requested, and one line has the remedy."""
    env = {**UNREACHED, "PATH": str(tmp_path)}

    arguments = ("backfill", "--since=2026-01-01", "--import", f"--tsdb={tmp_path}")
    ended = run_in_process(tmp_path, *arguments, env=env)

    (line,) = ended.stderr.splitlines()
    assert 2 == ended.returncode
    assert "--import: promtool is not installed; install Prometheus" in line


@pytest.mark.parametrize("since", ["0001-01-01", "1970-01-01"])
def test_history_before_coder(since: str, tmp_path: Path) -> None:
    """A first day without any Coder would be weeks of requests, so it is refused before the first one."""
    ended = run_in_process(tmp_path, "backfill", f"--since={since}", env=UNREACHED)

    assert 2 == ended.returncode
    assert f"--since: {since} is before the first release of Coder; write 2021-01-01 or later" in ended.stderr


def test_history_without_days(backfill: Backfill) -> None:
    """Without a day between start and end the command fails."""
    ended = backfill("2026-04-10", "--until=2026-04-10")

    assert 2 == ended.returncode
    assert 'msg="invalid config"' in ended.stderr
    assert "2026-04-10 is not before the end of the history, 2026-04-10 00:00 UTC" in ended.stderr


def test_dry_run_estimates_what_is_written(backfill: Backfill) -> None:
    """A dry run writes nothing, and its samples and bytes are within 10% of what a run writes."""
    dry = backfill("2026-03-25", "--dry-run")

    assert 0 == dry.returncode, dry.stderr
    assert not backfill.out.exists()
    found = re.search(
        r": 17 days, at most \d+ requests in \d+ min, about ([\d,]+) samples, (\d+\.\d) MB of text$",
        dry.stdout.strip(),
    )
    assert found
    estimated_samples, estimated_bytes = int(found[1].replace(",", "")), float(found[2]) * 1e6

    assert 0 == backfill("2026-03-25").returncode
    text = [file.read_bytes() for file in backfill.files()]
    written = sum(line.startswith(b"coder_") for each in text for line in each.splitlines())

    assert pytest.approx(written, rel=0.1) == estimated_samples
    assert pytest.approx(sum(map(len, text)), rel=0.1) == estimated_bytes


def test_datasets_without_history_are_named(backfill: Backfill) -> None:
    """Polled datasets without a history are logged as missing."""
    backfill.config = f"""\
deployments:
  - name: main
    url: {backfill.url}
    token_env: CODER_SESSION_TOKEN
    datasets: {{groups: {{enabled: true}}, license: {{enabled: false}}}}
"""
    ended = backfill("2026-04-09", "--dry-run")

    (names,) = re.findall(r"main: no history of (.+?): Coder", ended.stderr)
    assert ["user-status-counts", "template-list", "groups"] == names.split(", ")[:3]
    assert "license" not in names


def test_each_month_is_one_line(backfill: Backfill) -> None:
    """Without a terminal there is one line per month, and the command that imports it."""
    ended = backfill("2026-03-30")

    _, *lines = ended.stderr.splitlines()
    assert [True, True] == [" series, " in line and " samples; " in line for line in lines]
    assert ["2 of 12 days", "12 of 12 days"] == [line.rpartition("; ")[2] for line in lines]
    assert ["2026-03.om", "2026-04.om"] == [Path(line.split()[-2]).name for line in ended.stdout.splitlines()]
    assert all(line.startswith("promtool tsdb create-blocks-from") for line in ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        pytest.param("UTC", 20, 24, id="UTC"),
        pytest.param("America/New_York", 8, 23, id="clocks go forward"),
        pytest.param("Asia/Kolkata", 20, 24, id="half an hour"),
    ],
)
def test_until_is_a_midnight_of_the_deployment(backfill: Backfill, zone: str, day: int, hours: int) -> None:
    """History reaches from the first instant of one day to that of another, in the deployment's zone."""
    backfill.config = (
        "defaults: {token_env: CODER_SESSION_TOKEN}\n"
        f"deployments: [{{name: acme, url: '{backfill.url}', timezone: {zone}}}]"
    )

    ended = backfill(f"2026-03-{day:02}", f"--until=2026-03-{day + 1:02}")

    assert 0 == ended.returncode, ended.stderr
    (file,) = backfill.files()
    seconds = {second for values in samples(file).values() for second in values}
    first = datetime(2026, 3, day, tzinfo=ZoneInfo(zone)).timestamp()
    assert set(range(int(first), int(first) + hours * 3600, 285)) == seconds


def test_response_of_an_unknown_shape_has_a_remedy(backfill: Backfill) -> None:
    """Running it again does not help then, so the remedy of the cause comes first."""
    backfill.coder.fail("wrong-shape", "/insights/templates")

    stopped = backfill("2026-03-30")

    assert 1 == stopped.returncode
    assert f'remedy="{REMEDIES["invalid"]}; run it again to continue' in stopped.stderr


def test_next_run_continues_after_an_error(backfill: Backfill) -> None:
    """A run after an error requests only missing days, and no incomplete file has a final name."""
    backfill.coder.fail("400", "/insights/templates")
    stopped = backfill("2026-03-30")
    backfill.coder.clear_faults()
    first = backfill("2026-03-30")
    requested = len(backfill.report_queries())
    second = backfill("2026-03-30")

    assert (1, 0, 0) == (stopped.returncode, first.returncode, second.returncode)
    assert "run it again to continue" in stopped.stderr
    assert {".om"} == {path.suffix for path in backfill.out.glob("*/*") if path.is_file()}
    assert requested == len(backfill.report_queries())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_next_run_continues_after_a_signal(backfill: Backfill, how: signal.Signals) -> None:
    """However a run ends, the next one requests no day again."""
    backfill.rate = ["--requests-per-minute=600"]
    with backfill.start("2026-03-20") as process:
        eventually(lambda: len(list(backfill.out.rglob("2026-*.json"))) > 5)
        status = process.stop(how)
        output = process.output()
    half = backfill.files()
    requested = backfill.report_queries()
    backfill.rate = ["--requests-per-minute=100000"]

    ended = backfill("2026-03-20")

    twice = find_template_days(requested) & find_template_days(backfill.report_queries()[len(requested) :])
    assert 0 == ended.returncode, ended.stderr
    assert (-signal.SIGKILL if how is signal.SIGKILL else 1) == status
    assert ("run it again to continue" in output) is (how is not signal.SIGKILL)
    assert [] == half
    assert len(find_template_days(requested)) > 5
    assert len(twice) <= 1, "only the day that was being requested"
    assert 2 == len(backfill.files())


def find_template_days(queries: list[str]) -> set[str]:
    """Return the days with requests for single templates."""
    return {dict(parse_qsl(query))["end_time"] for query in queries if "template_ids" in query}


def test_later_run_writes_only_new_days(backfill: Backfill) -> None:
    """New days of a month are written to another file, without samples of the first one."""
    backfill("2026-04-01", "--until=2026-04-05")
    backfill("2026-04-01", "--until=2026-04-07")

    parts = {file.name: samples(file) for file in backfill.files()}
    end = max(map(max, parts["2026-04.om"].values()))
    start = min(map(min, parts["2026-04-05T0000Z.om"].values()))
    assert 2 == len(parts)
    assert 0 < start - end < 300


def test_days_are_private_and_temporary(backfill: Backfill) -> None:
    """Stored days may name users: only the owner can read them, and they are removed with the month."""
    backfill.coder.fail("400", "/insights/user-latency")
    backfill("2026-04-07", "--include=users")
    (state,) = backfill.out.rglob(".journal")
    mode = stat.S_IMODE(state.stat().st_mode)
    backfill.coder.clear_faults()
    backfill("2026-04-07", "--include=users")

    assert 0o700 == mode
    assert [] == list(state.rglob("2026-*.json"))


def test_days_of_another_config_are_removed(backfill: Backfill) -> None:
    """Days with users of an unfinished run are removed by a run without them."""
    backfill.rate = ["--requests-per-minute=600"]
    with backfill.start("2026-03-20", "--include=users") as process:
        eventually(lambda: list(backfill.out.rglob("2026-*.json")))
        process.stop()
    backfill.rate = ["--requests-per-minute=100000"]
    backfill("2026-04-08")

    assert [] == list(backfill.out.rglob("2026-*.json"))


def test_second_run_in_the_same_folder_is_refused(backfill: Backfill) -> None:
    """Two runs cannot write to one folder at once."""
    backfill.rate = ["--requests-per-minute=600"]
    with backfill.start("2026-03-01"):
        eventually(lambda: list(backfill.out.rglob("2026-*.json")))
        ended = backfill("2026-03-01")

    assert 1 == ended.returncode
    assert "another backfill writes there" in ended.stderr


def test_failed_deployment_does_not_stop_the_others(backfill: Backfill) -> None:
    """Each deployment has its own folder and result."""
    other = EmbeddedCoder(population=Population(seed=4, users=3, templates=1), now=lambda: NOW, rate_limit=-1)
    backfill.coder.fail("401")
    with serve(other) as url:
        backfill.config = (
            "defaults: {token_env: CODER_SESSION_TOKEN}\n"
            f"deployments: [{{name: bad, url: '{backfill.url}'}}, {{name: good, url: '{url}'}}]"
        )
        ended = backfill("2026-04-08")

    assert 1 == ended.returncode
    assert "deployment=bad" in ended.stderr
    assert "remedy=" in ended.stderr
    assert [Path("good/2026-04.om")] == [file.relative_to(backfill.out) for file in backfill.files()]
