"""A run over one deployment: days into the state, months into files, files to their sinks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from insights_exporter.backfill.cancellation import CancelToken, in_thread
from insights_exporter.backfill.fetch import DayLines, sample_names
from insights_exporter.backfill.openmetrics import Day, FileStats, VerificationError, check_file, write_month
from insights_exporter.backfill.state import BackfillState, OutputFile
from insights_exporter.backfill.timeline import BackfillRange, MonthSlice
from insights_exporter.coder.client import RequestOptions
from insights_exporter.coder.errors import ApiError
from insights_exporter.datasets.registry import FAMILIES

SAMPLES: Mapping[str, str] = {name: family.help for family in FAMILIES for name in sample_names(family)}
"""HELP by the name of each sample, in the order of the page."""


PAUSES = (15.0, 60.0, 180.0)
"""Seconds to wait for a server that no longer answers, as an upgrade of Coder takes them."""


class DaySource(Protocol):
    """Who knows the days, as `Past` does."""

    @property
    def has_answered(self) -> bool:
        """Whether there was an answer by now."""

    async def lines(self, day: date, options: RequestOptions) -> DayLines:
        """Give the lines of a day; raises RequestFailed."""


class Sink(Protocol):
    """Where files are brought, such as a Prometheus' data."""

    @property
    def name(self) -> str:
        """Name it in the journal: what has arrived there is not brought again."""

    async def bring(self, written: FileStats, key: str) -> None:
        """Bring a file there; after an interruption, the same `key` goes on."""

    def settle(self, key: str) -> None:
        """Forget what was needed to go on."""


class ProgressListener(Protocol):
    """Who is told how it goes."""

    def days(self, count: int, *, asked: bool) -> None:
        """Days are done: they were `asked` just now, or an earlier run has them."""

    def waits(self, failure: ApiError, seconds: float) -> None:
        """Coder does not answer; it is asked again in a while."""

    def finished(self, written: FileStats) -> None:
        """A file is finished and has arrived wherever it should."""


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What is written of one deployment, and where."""

    span: BackfillRange
    labels: Mapping[str, str]
    folder: Path
    places: Sequence[Sink] = ()
    listener: ProgressListener = field(kw_only=True)
    pauses: Sequence[float] = PAUSES


async def run(plan: BackfillPlan, past: DaySource, state: BackfillState, options: RequestOptions) -> None:
    """Ask, write, check and bring everything that is not done.

    Raises:
        RequestFailed, InvalidAnswer: Coder does not tell a day; what is finished stays.
        BadFile: what was written is not what was meant, or is gone before it has arrived.
    """
    for month in plan.span.months:
        pieces = state.pieces(month.name)
        for piece in pieces:
            await _bring_earlier(plan, state, piece)
        left = month.after(pieces[-1].until) if pieces else month
        plan.listener.days(len(month.days) - len(left.days), asked=False)
        if left.days:
            await _ask(plan, left, past, state, options)
            written = await in_thread(partial(_write, plan, left, state))
            piece = OutputFile.of(written, month.name, left.last)
            state.note(piece)
            state.forget(day for day, _ in left.days)
            await _bring(plan, state, piece)
            plan.listener.finished(written)


async def _ask(
    plan: BackfillPlan, stretch: MonthSlice, past: DaySource, state: BackfillState, options: RequestOptions
) -> None:
    for day, _ in stretch.days:
        known = state.has(day)
        if not known:
            state.write(day, await _lines(plan, day, past, options))
        plan.listener.days(1, asked=not known)


async def _lines(plan: BackfillPlan, day: date, past: DaySource, options: RequestOptions) -> DayLines:
    """Ask for a day; wait while a server that has answered before does not."""
    for pause in plan.pauses:
        try:
            return await past.lines(day, options)
        except ApiError as failure:
            if not (failure.transient and past.has_answered):
                raise
            plan.listener.waits(failure, pause)
            await asyncio.sleep(pause)
    return await past.lines(day, options)


def _write(
    plan: BackfillPlan, stretch: MonthSlice, state: BackfillState, cancel_token: CancelToken
) -> FileStats:
    days = [Day(state.read(day), times) for day, times in stretch.days]
    written = write_month(plan.folder / f"{stretch.name}.om", SAMPLES, days, plan.labels, cancel_token)
    check_file(written, cancel_token)
    return written


async def _bring_earlier(plan: BackfillPlan, state: BackfillState, piece: OutputFile) -> None:
    """Bring a file that an earlier run wrote to where it was not brought by then."""
    if all(place.name in piece.arrived for place in plan.places):
        return
    written = piece.written(plan.folder)
    if not written.path.exists():
        raise VerificationError(
            f"{written.path}: an earlier run wrote it, and it is gone; --no-resume writes all anew"
        )
    await in_thread(partial(check_file, written))
    await _bring(plan, state, piece)


async def _bring(plan: BackfillPlan, state: BackfillState, piece: OutputFile) -> None:
    """Bring a file to each place and remove it, if there is any place."""
    written = piece.written(plan.folder)
    for place in plan.places:
        if place.name not in piece.arrived and piece.samples:
            key = f"{state.key}-{piece.file}"
            await place.bring(written, key)
            piece = msgspec.structs.replace(piece, arrived=(*piece.arrived, place.name))
            state.note(piece)
            place.settle(key)
    if plan.places:
        written.path.unlink(missing_ok=True)
