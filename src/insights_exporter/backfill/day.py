"""One day of one deployment: asked, converted, rendered as lines without a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import chain
from zoneinfo import ZoneInfo

from insights_exporter.backfill.past import Include, Part, datasets_of, part, past_settings
from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.config.settings import Deployment, Window
from insights_exporter.datasets.dataset import Conversion, Question, Template, View
from insights_exporter.datasets.spans import midnight
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.render import render
from insights_exporter.exposition.samples import Samples

DayLines = dict[str, str]
"""Sample lines by the name of the sample, each `name{labels} value`."""


def sample_names(family: Family) -> Sequence[str]:
    """Name the samples of a family: the parts of a distribution are series of their own."""
    suffixes = ("_bucket", "_gcount", "_gsum") if family.kind == "gaugehistogram" else ("",)
    return [family.name + suffix for suffix in suffixes]


class Past:
    """Asks one deployment about its past, day by day.

    An answer about weeks and months serves all the days that ask for it.
    """

    def __init__(
        self,
        deployment: Deployment,
        include: Include,
        coder: Coder,
        templates: Mapping[str, Template],
        key: bytes | None,
    ) -> None:
        self._deployment = past_settings(deployment, include)
        self._include = include
        self._coder = coder
        self._templates = templates
        self._key = key
        self._known: Mapping[str, bytes] = {}

    async def lines(self, day: date, errand: Errand) -> DayLines:
        """Give what a live scrape would have read on `day`.

        Raises:
            RequestFailed: a question has no answer.
            InvalidAnswer: an answer is not what was asked for.
        """
        asking = _Asking(self._coder, errand, self._known)
        in_use: dict[str, tuple[str, ...]] = {}
        written: DayLines = {}
        for dataset in datasets_of(self._deployment, self._include):
            said: list[Conversion] = []
            for window in dataset.windows(self._deployment):
                asked = part(dataset, self._view(day, window, in_use))
                if self._unsupported(asked):
                    continue
                conversion = asked.conversion([await asking.body(question) for _, question in asked.asked])
                said.append(conversion)
                if conversion.in_use is not None and window is not None:
                    in_use[window.name] = conversion.in_use
            self._add(written, chain(*(each.samples for each in said), dataset.across(said)))
        self._known = asking.bodies
        return written

    def _unsupported(self, asked: Part) -> bool:
        return self._coder.dialect == "published" and any(question.needs_extra for _, question in asked.asked)

    def _add(self, written: DayLines, samples: Iterable[Samples]) -> None:
        for each in samples:
            runs = render(each, self._deployment.name).runs
            for name, run in zip(sample_names(each.family), runs, strict=False):
                written[name] = written.get(name, "") + run.decode()

    def _view(self, day: date, window: Window | None, in_use: Mapping[str, tuple[str, ...]]) -> View:
        return View(
            deployment=self._deployment,
            window=window,
            now=midnight(day, ZoneInfo(self._deployment.timezone)),
            templates=self._templates,
            in_use=in_use.get(window.name, ()) if window else (),
            pseudonym_key=self._key,
        )


class _Asking:
    """Asks what was not asked for this day or the one before it."""

    def __init__(self, coder: Coder, errand: Errand, known: Mapping[str, bytes]) -> None:
        self.bodies: dict[str, bytes] = {}
        self._coder = coder
        self._errand = errand
        self._known = known

    async def body(self, question: Question) -> bytes:
        """Give the body of the answer."""
        key = repr((question.path, question.span, sorted(question.extra.items())))
        if key not in self.bodies:
            self.bodies[key] = self._known.get(key) or await self._coder.ask(question, self._errand)
        return self.bodies[key]
