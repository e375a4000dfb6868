"""The state of each dataset's polls as exposed in one exposition."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from tests.faults.cases import DAUS, STATUSES, TEMPLATES

MARKS = {
    "coder_insights_daily_active_users": DAUS,
    "coder_insights_active_users": TEMPLATES,
    "coder_insights_users": STATUSES,
}
"""Families that are there while a dataset has data."""

_OF_INTEREST = re.compile(
    r"^(?:insights_exporter_(?:poll_success|last_success|request_failures|requests_total|dataset_available)"
    rf"|process_resident|(?:{'|'.join(MARKS)})\{{).*\n",
    re.MULTILINE,
)


@dataclass(slots=True)
class PollState:
    """How one dataset of one deployment was, at one moment."""

    success: float | None = None
    last_success: float = 0.0
    data: bool = False
    requests: float = 0.0
    failures: dict[str, float] = field(default_factory=dict)
    unavailable: str = ""


@dataclass(slots=True)
class Observation:
    """One exposition: the time of its request, and its values."""

    at: float
    memory: float
    polls: dict[tuple[str, str], PollState]


def observe(page: str, at: float) -> Observation:
    """Read one page."""
    polls: dict[tuple[str, str], PollState] = defaultdict(PollState)
    memory = 0.0
    for family in text_string_to_metric_families("".join(_OF_INTEREST.findall(page))):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == "process_resident_memory_bytes":
                memory = sample.value
                continue
            poll = polls[labels["deployment"], labels.get("dataset") or MARKS[sample.name]]
            _note(poll, sample.name.removeprefix("insights_exporter_"), labels, sample.value)
    return Observation(at, memory, polls)


def _note(poll: PollState, name: str, labels: dict[str, str], value: float) -> None:
    match name:
        case "poll_success":
            poll.success = value
        case "last_success_timestamp_seconds":
            poll.last_success = value
        case "requests_total":
            poll.requests = value
        case "request_failures_total":
            poll.failures[labels["reason"]] = value
        case "dataset_available":
            poll.unavailable = labels["reason"]
        case _:
            poll.data = True
