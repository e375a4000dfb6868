"""How a question is spelled for a server: the real one's way, or the published page's."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from insights_exporter.datasets.dataset import Question

Dialect = Literal["rfc3339", "published"]


def _rfc3339(question: Question) -> dict[str, str]:
    if question.span is None:
        return dict(question.extra)
    times = {"start_time": _timestamp(question.span.start), "end_time": _timestamp(question.span.end)}
    return times | dict(question.extra)


def _published(question: Question) -> dict[str, str]:
    if question.span is None:
        return {}
    start, end = question.span.start, question.span.end
    return {"before": str(int(start.timestamp())), "after": str(int(end.timestamp()))}


SPELLINGS: Mapping[Dialect, Callable[[Question], dict[str, str]]] = {
    "rfc3339": _rfc3339,
    "published": _published,
}


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + _offset(moment)


def _offset(moment: datetime) -> str:
    minutes = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    if minutes == 0:
        return "Z"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
