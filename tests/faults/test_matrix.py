"""Every fault of a server: how it is reported, what is served meanwhile, what it affects, its end.

All faults are in one run of the exporter, which takes most of a minute: no other file uses it.
"""

from collections.abc import Iterator

import pytest

from insights_exporter.demo.faults import FAULTS
from tests.faults.cases import CASES, DATASETS, LIKE_OTHERS, FaultCase
from tests.faults.environment import HEALTHY, MAX_AGE, FaultRun, run_cases

pytestmark = pytest.mark.timeout(300)

HARD_TO_FAKE = {"dns", "expired-certificate", "self-signed-certificate"}
CLOCKS_DIFFER = 1.0
"""Seconds by which an exposition may be requested before it is built."""
MOST_GROWTH = 96 * 1024 * 1024


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultRun]:
    """Provide what was seen of an exporter while each of its deployments had a fault."""
    with run_cases(tmp_path_factory.mktemp("faults")) as seen:
        yield seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault(run: FaultRun, case: FaultCase) -> None:
    """A fault is reported by its reason, keeps the last good data until max_age, and ends by itself."""
    seen = run.during(case.deployment, case.dataset)
    at_last = seen[-1][1]
    counted = {reason for reason, count in at_last.failures.items() if count}
    served_while_failing = [poll for _, poll in seen if poll.failures.get(case.reason) and poll.data]
    ages_without_data = [at - poll.last_success for at, poll in seen if poll.last_success and not poll.data]
    after = run.observations[-1].polls[case.deployment, case.dataset]

    if not case.reason:
        # What says `today` goes with the day that ended by the jump, and is back with the next poll.
        assert (1, True) == (at_last.success, at_last.data)
        return
    assert case.reason in counted
    assert (None if not case.available else 0) == at_last.success
    assert ("" if case.available else case.reason) == at_last.unavailable
    assert bool(served_while_failing) is not case.from_start
    assert not at_last.data
    assert all(age > MAX_AGE - CLOCKS_DIFFER for age in ages_without_data)
    if not case.patient:  # others may be back by now on a slow machine
        assert (1, True) == (after.success, after.data)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_other_datasets_are_unharmed(run: FaultRun, case: FaultCase) -> None:
    """A fault of one path does not affect other paths."""
    polls = [poll for name in case.well for poll in run.always(case.deployment, name)]

    assert all(poll.success == 1 and poll.data for poll in polls)


@pytest.mark.parametrize("dataset", DATASETS)
def test_other_deployments_are_unharmed(run: FaultRun, dataset: str) -> None:
    """Faults of thirty deployments do not affect another one."""
    polls = run.always(HEALTHY, dataset)

    assert len(polls) > 10
    assert all(poll.success == 1 and poll.data for poll in polls)
    assert polls[-1].requests > polls[0].requests


def test_memory_is_bounded(run: FaultRun) -> None:
    """Endless responses every second, compressed or not, do not exceed the memory limit."""
    before = run.observations[run.began].memory
    highest = max(one.memory for one in run.observations)

    assert highest - before < MOST_GROWTH


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault_is_logged_once(run: FaultRun, case: FaultCase) -> None:
    """A fault is logged once with reason and remedy, and its end once; polls in between are not logged."""
    lines = [line for line in run.output.splitlines() if f"deployment={case.deployment} " in line]
    event = "poll failed" if case.available else "dataset not available"
    failed = [line for line in lines if f'msg="{event}"' in line and f"reason={case.reason}" in line]
    over = [line for line in lines if 'msg="poll recovered"' in line]

    if case.reason:
        assert len(failed) == 1
        assert case.available is ("remedy=" in failed[0])
        assert f"dataset={case.dataset}" in failed[0] or case.whole_server
        assert len(over) == 1 or (case.patient and not over)


def test_no_secret_in_any_output(run: FaultRun) -> None:
    """Debug logs and all pages contain no secret, during all faults and with servers that echo requests."""
    everything = "\n".join((run.output, *run.pages.values(), *run.failing.values()))
    parts = {part for secret in run.secrets for part in (secret, secret.partition("-")[2])}

    assert len(run.secrets) > 60
    assert {"/", "/config", "/metrics", "openmetrics", "reload"} == run.pages.keys()
    assert [] == [part for part in parts if part in everything]


@pytest.mark.parametrize("case", [case for case in CASES if case.reason], ids=lambda case: case.name)
def test_status_page_shows_failures(run: FaultRun, case: FaultCase) -> None:
    """The status page shows the reason of each fault."""
    page = run.failing[case.deployment]

    assert "failing" in page or not case.available
    assert case.reason in page or not case.available


@pytest.mark.parametrize("deployment", ["echo", "echoing proxy", "tunnelling proxy"])
def test_status_page_shows_echoed_text(run: FaultRun, deployment: str) -> None:
    """Text that servers echo is shown without the secrets."""
    assert "***" in run.failing[deployment]


@pytest.mark.parametrize("deployment", ["echo", '"echoing proxy"', '"tunnelling proxy"'])
def test_echoed_text_is_logged(run: FaultRun, deployment: str) -> None:
    """The log contains the text of servers that echo secrets, without these."""
    failure_lines = [line for line in run.output.splitlines() if f"deployment={deployment} " in line]

    assert any('msg="poll failed"' in line and "***" in line for line in failure_lines)


def test_table_has_every_fault() -> None:
    """The table has every fault of the embedded Coder."""
    tried = {case.name for case in CASES} | {case.name.removesuffix(f"-{case.dataset}") for case in CASES}

    assert set(FAULTS) <= tried | LIKE_OTHERS.keys()
    assert tried >= set(LIKE_OTHERS.values())
    assert tried - set(FAULTS) - {"400-templates", "404-route-user-status-counts"} == HARD_TO_FAKE
