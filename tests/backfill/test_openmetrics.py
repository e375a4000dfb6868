"""Files of history: they hold what was written, and any difference is found."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from insights_exporter.backfill.openmetrics import (
    Day,
    FileStats,
    VerificationError,
    check_file,
    write_month,
)

NAMES = {"first": "One.", "second": 'Another "one".'}
HEADS = ('first{a="x"}', 'first{a="y z"}', 'second{a="back\\\\slash"}')


def lines(values: Mapping[str, int]) -> dict[str, str]:
    """Return a day's lines from values by series."""
    blocks: dict[str, str] = {}
    for head, value in values.items():
        name = head.partition("{")[0]
        blocks[name] = blocks.get(name, "") + f"{head} {value}\n"
    return blocks


def days(values: Sequence[Mapping[str, int]]) -> list[Day]:
    """Return consecutive days of four samples each."""
    starts = [86_400 * number for number in range(len(values))]
    return [
        Day(lines(one), [str(start + 21_600 * part) for part in range(4)])
        for one, start in zip(values, starts, strict=True)
    ]


@hypothesis.given(st.lists(st.dictionaries(st.sampled_from(HEADS), st.integers(0, 9)), max_size=4))
def test_file_holds_each_day_of_each_series(values: list[dict[str, int]]) -> None:
    """Each series has its value of each day at all its seconds, with the added labels, and nothing else."""
    with TemporaryDirectory() as folder:
        written = asyncio.run(write_month(Path(folder) / "month.om", NAMES, days(values), {"job": 'a"b'}))
        asyncio.run(check_file(written))
        text = written.path.read_text()

    found = {
        (sample.name, sample.labels["a"], float(sample.timestamp)): sample.value
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # not typed there
        for sample in family.samples
    }
    expected = {
        (
            head.partition("{")[0],
            {"x": "x", "y z": "y z"}.get(head[9:-2], "back\\slash"),
            86_400 * day + 21_600 * part,
        ): value
        for day, one in enumerate(values)
        for head, value in one.items()
        for part in range(4)
    }
    assert expected == found
    assert written.samples == len(found)
    assert 'job="a\\"b"' in text or not found


async def test_cancelled_file_does_not_appear(tmp_path: Path) -> None:
    """Writing ends at the next series, and nothing is under the final name."""
    path = tmp_path / "month.om"
    task = asyncio.create_task(write_month(path, NAMES, days([dict.fromkeys(HEADS, 1)]), {}))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert not path.exists()


GOOD = '# TYPE first gauge\nfirst{a="x"} 1 100\nfirst{a="x"} 1 200\nfirst{a="y"} 1 100\n# EOF\n'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(GOOD.replace("200", "100"), "time does not increase", id="a second twice"),
        pytest.param(GOOD.replace("200", "50"), "time does not increase", id="backwards"),
        pytest.param(GOOD.replace("200", "200000000000000"), "not a time in seconds", id="milliseconds"),
        pytest.param(GOOD.replace(" 200", ""), "is not a value", id="no time"),
        pytest.param(GOOD.replace("1 200", "one 200"), "is not a value", id="no number"),
        pytest.param(GOOD.replace(" 100", " 101"), "from 101 to 200", id="another day"),
        pytest.param(GOOD.replace(" 200", " 201"), "from 100 to 201", id="another end"),
        pytest.param(GOOD.replace("# EOF\n", ""), "does not end with # EOF", id="no end"),
        pytest.param(GOOD + "first 1 1\n", "continues after # EOF", id="more after the end"),
        pytest.param(GOOD.replace('first{a="x"} 1 200\n', ""), ", expected", id="a sample lost"),
        pytest.param(
            GOOD.replace('first{a="y"} 1 100', 'first{a="y"} 1 100\nfirst{a="x"} 1 300'),
            "continues after another",
            id="a series in two places",
        ),
    ],
)
async def test_bad_file_is_found(tmp_path: Path, text: str, error: str) -> None:
    """What promtool would drop silently is found before."""
    path = tmp_path / "month.om"
    path.write_text(text)

    with pytest.raises(VerificationError, match=error):
        await check_file(FileStats(path, 2, 3, 100, 200))


async def test_good_file_passes(tmp_path: Path) -> None:
    """A file that holds what was written passes."""
    path = tmp_path / "month.om"
    path.write_text(GOOD)

    await check_file(FileStats(path, 2, 3, 100, 200))
