"""Files of history: they hold what was written, and any difference is found."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from insights_exporter.backfill.openmetrics import Day, VerificationError, check_file, write_month

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
    """Each series has exactly the value of each day at all timestamps of the day, with the added labels."""
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


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("# EOF\n", ""), id="the end is lost"),
        pytest.param(lambda text: text + "first 1 1\n", id="something follows the end"),
        pytest.param(lambda text: text.replace('first{a="x"} 1 21600\n', ""), id="a sample is lost"),
        pytest.param(lambda text: text.replace(" 1 21600", " 2 21600"), id="a value differs"),
    ],
)
async def test_changed_file_is_found(tmp_path: Path, change: Callable[[str], str]) -> None:
    """A file that differs from what was written is an error with a remedy."""
    written = await write_month(tmp_path / "month.om", NAMES, days([dict.fromkeys(HEADS, 1)]), {})
    before = written.path.read_text()
    written.path.write_text(change(before))

    with pytest.raises(VerificationError, match=r"month\.om: was changed .* --no-resume"):
        await check_file(written)
    assert before != change(before)
