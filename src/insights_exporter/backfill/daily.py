"""Users of days as the dataset `daus` counts them, where its one answer reaches back to them.

A report on the day, which is asked otherwise, counts users of apps and
ports too: it may be a little more.
"""

from collections.abc import Mapping
from datetime import date

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import RequestFailed
from insights_exporter.datasets import daus
from insights_exporter.datasets.dataset import Answer, InvalidAnswer, View
from insights_exporter.datasets.dates import day_seconds
from insights_exporter.exposition.samples import Samples


async def users_by_day(coder: Coder, view: View, errand: Errand) -> Mapping[int, float]:
    """Ask for what live scraping shows as `yesterday`, and give it by the day's ordinal.

    It is empty where live scraping asks for a report too, and where the
    token may not ask for it.

    Raises:
        RequestFailed: there is no answer for now.
    """
    question, *others = daus.DATASET.questions(view)
    if others or question.path != daus.PATH:
        return {}
    try:
        body = await coder.ask(question, errand)
        return dict(daus.DATASET.convert(view, [Answer(question, body)]).daily_users)
    except RequestFailed as failure:
        if failure.transient or failure.reason == "unauthorized":
            raise
        return {}
    except InvalidAnswer:
        return {}


def yesterday(today: date, users: Mapping[int, float]) -> tuple[Samples, ...]:
    """Give what was shown on `today` of the day before it, nothing where it is not known."""
    day = today.toordinal() - 1
    if day not in users:
        return ()
    return (
        Samples(daus.DAILY_ACTIVE_USERS, [((daus.YESTERDAY,), users[day])]),
        Samples(daus.DAY_START, [((daus.YESTERDAY,), day_seconds(day))]),
    )
