"""A run over one deployment: days into the state, months into files, files to their sinks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from insights_exporter.backfill.fetch import HistoryFetcher
from insights_exporter.backfill.openmetrics import Day, FileStats, check_file, write_month
from insights_exporter.backfill.state import BackfillState, OutputFile
from insights_exporter.backfill.timeline import BackfillRange, MonthSlice
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import list_data_families
from insights_exporter.exposition.text import list_sample_names


class Sink(Protocol):
    """Where files are delivered, such as the data folder of a Prometheus."""

    @property
    def name(self) -> str:
        """Name in the state: what was delivered is not delivered again."""

    async def deliver(self, stats: FileStats) -> None:
        """Deliver a file; after an interruption, a call with the same file continues."""

    def forget(self, stats: FileStats) -> None:
        """Remove what was needed to continue."""


class ProgressListener(Protocol):
    """Gets the progress of a run."""

    def on_days(self, count: int) -> None:
        """Count finished days, of this run or an earlier one."""

    def on_file(self, stats: FileStats) -> None:
        """Report a file that is written and delivered."""


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What is written of one deployment, and where."""

    span: BackfillRange
    labels: Mapping[str, str]
    datasets: Mapping[str, Dataset]
    folder: Path
    sinks: Sequence[Sink] = ()
    listener: ProgressListener = field(kw_only=True)


async def run(plan: BackfillPlan, source: HistoryFetcher, state: BackfillState) -> None:
    """Request, write, check and deliver everything that is not done yet.

    Raises:
        ApiError, InvalidResponse: A day cannot be requested; what is finished stays.
        VerificationError: A file is not as written, or was removed before it was delivered.
    """
    for month in plan.span.months:
        files = state.list_files(month.name)
        for file in files:
            if _find_missing(plan, file):
                await check_file(file.build_stats(plan.folder))
            await _deliver(plan, state, file)
        left = month.select_after(files[-1].until) if files else month
        plan.listener.on_days(len(month.days) - len(left.days))
        if left.days:
            for day, _ in left.days:
                if not state.has_day(day):
                    state.write_day(day, await source.fetch(day))
                plan.listener.on_days(1)
            await _finish_month(plan, month.name, left, state)


async def _finish_month(plan: BackfillPlan, month: str, part: MonthSlice, state: BackfillState) -> None:
    """Write, check and deliver the file of a month, and remove its days."""
    days = [Day(state.read_day(day), times) for day, times in part.days]
    help_texts = {
        name: family.help
        for family in list_data_families(plan.datasets)
        for name in list_sample_names(family)
    }
    stats = await write_month(plan.folder / f"{part.name}.om", help_texts, days, plan.labels)
    await check_file(stats)
    file = OutputFile(month, stats.path.name, stats.series, stats.samples, stats.digest, part.last)
    state.record(file)
    state.remove_days(day for day, _ in part.days)
    await _deliver(plan, state, file)
    plan.listener.on_file(stats)


async def _deliver(plan: BackfillPlan, state: BackfillState, file: OutputFile) -> None:
    """Deliver a file to the sinks that do not have it, and then remove it."""
    missing, stats = _find_missing(plan, file), file.build_stats(plan.folder)
    for sink in missing:
        if file.samples:
            await sink.deliver(stats)
        file = msgspec.structs.replace(file, delivered=(*file.delivered, sink.name))
        state.record(file)
        sink.forget(stats)
    if missing:
        stats.path.unlink(missing_ok=True)


def _find_missing(plan: BackfillPlan, file: OutputFile) -> list[Sink]:
    """Return the sinks that do not have a file yet."""
    return [sink for sink in plan.sinks if sink.name not in file.delivered]
