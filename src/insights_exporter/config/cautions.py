"""What is allowed and yet better known: each looks at a deployment and tells what to think of."""

from collections.abc import Callable, Iterator

from insights_exporter.config.durations import format_duration
from insights_exporter.config.pace import ROLL_UP_SECONDS, pace, written_intervals
from insights_exporter.config.settings import Deployment
from insights_exporter.config.translation import Found


def fast_polls(deployment: Deployment) -> Iterator[Found]:
    """Polls that bring nothing new, with what they cost."""
    for place, every in written_intervals(deployment):
        if every < ROLL_UP_SECONDS:
            cost, enough = (f"{3600 / seconds:.0f}" for seconds in (every, ROLL_UP_SECONDS))
            what = f"{format_duration(every)} costs Coder {cost} polls an hour where {enough} tell as much"
            yield place, what, f"it renews its statistics every {format_duration(ROLL_UP_SECONDS)}"


def early_ends(deployment: Deployment) -> Iterator[Found]:
    """Values that are gone before the next poll can bring new ones."""
    for index, window in enumerate(deployment.windows):
        chosen = pace(deployment, "templates", window)
        if chosen.max_age < chosen.every:
            served = f"serves {window.name} for {format_duration(chosen.max_age)}"
            what = f"{served} while it is polled every {format_duration(chosen.every)}"
            place = ("windows", index, "max_age") if window.max_age else ("max_age",)
            yield place, what, "its series come and go; write more"
    for name, dataset in deployment.datasets.items():
        if dataset.max_age and dataset.every and dataset.max_age < dataset.every:
            yield ("datasets", name, "max_age"), "is less than every", "its series come and go; write more"


CAUTIONS: tuple[Callable[[Deployment], Iterator[Found]], ...] = (fast_polls, early_ends)
