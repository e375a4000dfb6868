"""A run over one deployment: day by day into the journal, month by month into files."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from insights_exporter.backfill.calendar import Month, Range
from insights_exporter.backfill.checking import check_file
from insights_exporter.backfill.day import Past, sample_names
from insights_exporter.backfill.journal import Journal
from insights_exporter.backfill.writing import Day, Written, write_month
from insights_exporter.coder.exchange import Errand
from insights_exporter.datasets.table import FAMILIES

SAMPLES: Mapping[str, str] = {name: family.help for family in FAMILIES for name in sample_names(family)}
"""HELP by the name of each sample, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is written of one deployment, and where."""

    deployment: str
    span: Range
    labels: Mapping[str, str]
    folder: Path
    finish: Callable[[Written], None]
    """Takes each finished file: prints how it is imported, or imports it."""


async def run(plan: Plan, past: Past, journal: Journal, errand: Errand, told: Callable[[date], None]) -> None:
    """Ask, write and check everything that is not done; call `told` with each day that is finished.

    Raises:
        RequestFailed, InvalidAnswer: Coder does not tell a day; what is finished stays.
        BadFile: what was written is not what was meant.
    """
    for month in plan.span.months:
        if not journal.is_done(month.name, _end(plan, month)):
            await _ask(month, past, journal, errand, told)
            written = await asyncio.to_thread(_write, plan, month, journal)
            plan.finish(written)
            journal.done(month.name, _end(plan, month))
            journal.forget(month.days)


async def _ask(
    month: Month, past: Past, journal: Journal, errand: Errand, told: Callable[[date], None]
) -> None:
    for day in month.days:
        if not journal.has(day):
            journal.write(day, await past.lines(day, errand))
        told(day)


def _write(plan: Plan, month: Month, journal: Journal) -> Written:
    days = [Day(journal.read(day), plan.span.times(day)) for day in month.days]
    written = write_month(plan.folder / f"{month.name}.om", SAMPLES, days, plan.labels)
    check_file(written)
    return written


def _end(plan: Plan, month: Month) -> str:
    """Give the last second of a month's file: a month that has gone on since is not done."""
    return next((times[-1] for times in _times(plan, month) if times), "")


def _times(plan: Plan, month: Month) -> Iterator[tuple[str, ...]]:
    return (tuple(plan.span.times(day)) for day in reversed(month.days))
