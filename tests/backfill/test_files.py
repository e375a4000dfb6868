"""Files of history: what is written is what is meant, and anything else is found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from insights_exporter.backfill.cancellation import Cancelled, CancelToken
from insights_exporter.backfill.openmetrics import (
    Day,
    FileStats,
    VerificationError,
    check_file,
    times_of,
    write_month,
)

NAMES = {"first": "One.", "second": 'Another "one".'}
HEADS = ('first{a="x"}', 'first{a="y z"}', 'second{a="back\\\\slash"}')


def lines(values: Mapping[str, int]) -> dict[str, str]:
    """Give a day's lines from values by series."""
    blocks: dict[str, str] = {}
    for head, value in values.items():
        name = head.partition("{")[0]
        blocks[name] = blocks.get(name, "") + f"{head} {value}\n"
    return blocks


def days(values: Sequence[Mapping[str, int]]) -> list[Day]:
    """Give days that follow each other, four samples each."""
    starts = [86_400 * number for number in range(len(values))]
    return [
        Day(lines(one), times_of(start, start + 86_400, 21_600))
        for one, start in zip(values, starts, strict=True)
    ]


@hypothesis.given(st.lists(st.dictionaries(st.sampled_from(HEADS), st.integers(0, 9)), max_size=4))
def test_file_holds_each_day_of_each_series(values: list[dict[str, int]]) -> None:
    """Each series has its value of each day at all its seconds, with the added labels, and nothing else."""
    with TemporaryDirectory() as folder:
        written = write_month(Path(folder) / "month.om", NAMES, days(values), {"job": 'a"b'}, CancelToken())
        check_file(written, CancelToken())
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


def test_file_appears_whole(tmp_path: Path) -> None:
    """Nothing stands under the final name before the file is finished."""
    broken = [Day({"first": 'first{a="x"} 1\n'}, ["1", "2"]), Day({"first": "no value at all"}, ["3"])]
    path = tmp_path / "month.om"

    class Stop(Exception):
        pass

    class Breaking(dict[str, str]):
        def get(self, *_: object) -> str:
            raise Stop

    with pytest.raises(Stop):
        write_month(path, NAMES, [broken[0], replace(broken[1], lines=Breaking())], {}, CancelToken())

    assert not path.exists()


GOOD = '# TYPE first gauge\nfirst{a="x"} 1 100\nfirst{a="x"} 1 200\nfirst{a="y"} 1 100\n# EOF\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(GOOD.replace("200", "100"), "time does not go on", id="a second twice"),
        pytest.param(GOOD.replace("200", "50"), "time does not go on", id="backwards"),
        pytest.param(GOOD.replace("200", "200000000000000"), "no time in seconds", id="milliseconds"),
        pytest.param(GOOD.replace(" 200", ""), "is no value", id="no time"),
        pytest.param(GOOD.replace("1 200", "one 200"), "is no value", id="no number"),
        pytest.param(GOOD.replace(" 100", " 101"), "from 101 to 200", id="another day"),
        pytest.param(GOOD.replace(" 200", " 201"), "from 100 to 201", id="another end"),
        pytest.param(GOOD.replace("# EOF\n", ""), "does not end with # EOF", id="no end"),
        pytest.param(GOOD + "first 1 1\n", "goes on after # EOF", id="more after the end"),
        pytest.param(GOOD.replace('first{a="x"} 1 200\n', ""), "meant were", id="a sample lost"),
        pytest.param(
            GOOD.replace('first{a="y"} 1 100', 'first{a="y"} 1 100\nfirst{a="x"} 1 300'),
            "goes on after another",
            id="a series in two places",
        ),
    ],
)
def test_bad_file_is_found(tmp_path: Path, text: str, told: str) -> None:
    """What promtool would lose without a word is found before."""
    path = tmp_path / "month.om"
    path.write_text(text)

    with pytest.raises(VerificationError, match=told):
        check_file(FileStats(path, 2, 3, 100, 200), CancelToken())


def test_good_file_passes(tmp_path: Path) -> None:
    """A file that is what was meant passes."""
    path = tmp_path / "month.om"
    path.write_text(GOOD)

    check_file(FileStats(path, 2, 3, 100, 200), CancelToken())


def test_no_work_goes_on_after_it_was_called_off(tmp_path: Path) -> None:
    """Writing ends at the next series, and nothing stands under the final name."""
    cancel_token = CancelToken()
    cancel_token.call_off()

    with pytest.raises(Cancelled):
        write_month(tmp_path / "month.om", NAMES, days([{HEADS[0]: 1}]), {}, cancel_token)

    assert not (tmp_path / "month.om").exists()
