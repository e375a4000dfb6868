"""Sharding: each deployment is polled by exactly one shard, and a new shard moves few of them."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.polling.sharding import find_shard_index, select_owned

NAMES = st.lists(st.text(), max_size=40, unique=True)
TOTALS = st.integers(min_value=1, max_value=12)
FLEET = tuple(f"coder-{number}.example.com" for number in range(10_000))
OWNERS = {
    "main": (0, 0, 0, 3, 3, 3, 3, 3),
    "staging": (0, 1, 1, 1, 1, 1, 1, 1),
    "coder.example.com": (0, 0, 2, 2, 2, 2, 2, 2),
    "coder.example.com:8443": (0, 0, 2, 2, 2, 2, 6, 6),
    "Zürich": (0, 1, 1, 1, 1, 1, 1, 7),
    "東京": (0, 1, 1, 1, 1, 1, 1, 1),
}


def owner(name: str, total: int) -> int:
    """Return the one shard of `total` that has `name`."""
    (found,) = [shard for shard in range(total) if select_owned([name], shard, total)]
    return found


@given(names=NAMES, total=TOTALS)
def test_each_deployment_belongs_to_exactly_one_shard(names: list[str], total: int) -> None:
    """Together the shards poll everything, and nothing twice."""
    shares = [select_owned(names, shard, total) for shard in range(total)]

    assert sorted(names) == sorted(name for share in shares for name in share)


@given(names=NAMES, total=TOTALS)
def test_shard_keeps_the_order_of_the_config(names: list[str], total: int) -> None:
    """The deployments of a shard are in the order of the config."""
    share = select_owned(names, total - 1, total)

    assert [name for name in names if name in share] == list(share)


@given(names=NAMES, total=TOTALS)
def test_owner_depends_on_the_name_alone(names: list[str], total: int) -> None:
    """The owner of a deployment depends on its name and the number of shards only."""
    together = {name for name in names if name in select_owned(names, 0, total)}

    assert together == {name for name in names if select_owned([name], 0, total)}


@given(names=NAMES, total=TOTALS)
def test_new_shard_moves_only_what_it_takes(names: list[str], total: int) -> None:
    """A deployment that moves, moves to the new shard."""
    taken = select_owned(names, total, total + 1)

    assert {
        shard: tuple(name for name in select_owned(names, shard, total) if name not in taken)
        for shard in range(total)
    } == {shard: select_owned(names, shard, total + 1) for shard in range(total)}


@pytest.mark.parametrize("total", [1, 2, 3, 4, 8, 16])
def test_new_shard_takes_its_fair_share(total: int) -> None:
    """From N to N+1 shards about 1/(N+1) of the deployments move, within a tenth."""
    fair = len(FLEET) / (total + 1)

    assert fair == pytest.approx(len(select_owned(FLEET, total, total + 1)), rel=0.1)


@pytest.mark.parametrize("name", OWNERS)
def test_owners_never_change(name: str) -> None:
    """A release with other owners would move every deployment at once."""
    assert OWNERS[name] == tuple(owner(name, total) for total in range(1, 9))


def test_owners_do_not_depend_on_the_process() -> None:
    """Processes with different hash seeds agree."""
    program = (
        "from insights_exporter.polling.sharding import select_owned; "
        "print(select_owned(map(str, range(200)), 1, 4))"
    )
    responses = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("0", "1", "4294967295")
    }

    assert {str(select_owned(map(str, range(200)), 1, 4))} == responses


@pytest.mark.parametrize(
    ("shard", "total", "words"),
    [
        pytest.param(
            4, 4, "--shard=4 is not one of --total-shards=4, which are numbered 0 to 3", id="beyond"
        ),
        pytest.param(-1, 4, "--shard=-1 is not one of --total-shards=4", id="negative"),
        pytest.param(0, 0, "--total-shards=0 leaves no shard to poll", id="no shards"),
    ],
)
def test_impossible_shard_is_rejected(shard: int, total: int, words: str) -> None:
    """The error names the flags and the valid values."""
    with pytest.raises(ValueError, match=words):
        select_owned(["main"], shard, total)


@pytest.mark.parametrize(
    ("shard", "hostname", "expected"),
    [
        pytest.param("2", "anything", 2, id="number"),
        pytest.param("auto", "insights-exporter-0", 0, id="first pod"),
        pytest.param("auto", "team-7-insights-exporter-12", 12, id="last number counts"),
        pytest.param("auto", "insights-exporter-3.shards.default.svc", 3, id="full name"),
    ],
)
def test_shard_index(shard: str, hostname: str, expected: int) -> None:
    """A number is used as it is; `auto` reads the ordinal of the pod."""
    assert expected == find_shard_index(shard, hostname)


@pytest.mark.parametrize(
    ("shard", "hostname", "words"),
    [
        pytest.param(
            "auto", "laptop", "this host is called 'laptop'; set --shard to a number", id="no ordinal"
        ),
        pytest.param("auto", "host.example-1", "this host is called", id="ordinal in the domain"),
        pytest.param("first", "pod-0", "--shard=first is neither a number from 0 on nor auto", id="word"),
        pytest.param("-1", "pod-0", "--shard=-1 is neither", id="negative"),
        pytest.param("²", "pod-0", "--shard=² is neither", id="not an ASCII digit"),
        pytest.param("", "pod-0", "--shard= is neither", id="empty"),
    ],
)
def test_unknown_shard_index_is_an_error(shard: str, hostname: str, words: str) -> None:
    """The error explains what `auto` needs, or which values are valid."""
    with pytest.raises(ValueError, match=words):
        find_shard_index(shard, hostname)
