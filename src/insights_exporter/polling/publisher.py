"""Publishes what polls of one deployment gave, and takes it away."""

from collections.abc import Iterable, Mapping

from insights_exporter.coder.failures import RequestFailed
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.render import Chunk, render
from insights_exporter.exposition.samples import Samples
from insights_exporter.exposition.snapshot import Source
from insights_exporter.polling.board import Board
from insights_exporter.polling.health import PollHealth, RequestHealth
from insights_exporter.polling.health_families import POLL_FAMILIES
from insights_exporter.polling.shelf import Changes, Shelf


def rendered(samples: Iterable[Samples], deployment: str) -> dict[Family, Chunk]:
    """Render samples, one chunk a family."""
    return {each.family: render(each, deployment) for each in samples}


def _at(source: Source, chunks: Mapping[Family, Chunk]) -> Changes:
    return {(family, source): chunk for family, chunk in chunks.items()}


class Publisher:
    """Puts one deployment's data and health on the board."""

    def __init__(self, deployment: str, ceiling: int, board: Board) -> None:
        self._deployment = deployment
        self._shelf = Shelf(ceiling)
        self._board = board
        self._health: dict[Source, tuple[PollHealth, RequestHealth]] = {}
        self._closed = False

    def source(self, dataset: str, window: str) -> Source:
        """Name where data come from."""
        return (self._deployment, dataset, window)

    def watch(self, poll: PollHealth, requests: RequestHealth) -> None:
        """Show the health of a dataset and window, from now on."""
        self._health[self.source(poll.dataset, poll.window)] = (poll, requests)

    def data(self, source: Source, chunks: Mapping[Family, Chunk]) -> None:
        """Serve `chunks`, and no longer what `source` gave before."""
        self._publish(self._shelf.put(source, chunks))

    def show(self, source: Source, samples: Iterable[Samples]) -> None:
        """Render samples, and serve them and no longer what `source` gave before."""
        self.data(source, rendered(samples, self._deployment))

    def withdraw(self, source: Source, *, rolling_only: bool = False) -> None:
        """Serve no longer what `source` gave, or what of it names a day."""
        served = self._shelf.families(source)
        gone = [family for family in served if family.rolls_over or not rolling_only]
        self._publish(self._shelf.drop(source, gone))

    def health(self, *datasets: str) -> None:
        """Show how the polls of `datasets` go now."""
        self._publish({}, datasets)

    def close(self) -> None:
        """Take everything off the board, for good: a poll that is still under way shows nothing."""
        self._closed = True
        datasets = {poll.dataset for poll, _ in self._health.values()}
        self._board.publish(self._shelf.clear() | dict.fromkeys(self._health_changes(datasets)))

    def _publish(self, changes: Changes, datasets: Iterable[str] = ()) -> None:
        if self._closed:
            return
        touched = {dataset for _, (_, dataset, _) in changes}.union(datasets)
        self._board.publish(changes | self._health_changes(touched))

    def _health_changes(self, datasets: set[str]) -> Changes:
        changes: Changes = {}
        by_dataset: dict[str, RequestHealth] = {}
        for source, (poll, requests) in self._health.items():
            if poll.dataset in datasets:
                poll.series = self._shelf.series(source)
                poll.dropped = self._shelf.dropped(source)
                by_dataset[poll.dataset] = requests
                changes |= self._health_of(source, poll, requests)
        for dataset, requests in by_dataset.items():
            changes |= _at(self.source(dataset, ""), rendered(requests.samples(), self._deployment))
        return changes

    def _health_of(self, source: Source, poll: PollHealth, requests: RequestHealth) -> Changes:
        shown: Changes = {(family, source): None for family in POLL_FAMILIES}
        if requests.unavailable is None:
            shown |= _at(source, rendered(poll.samples(), self._deployment))
        return shown


class Telling:
    """Takes note of a dataset's requests, and shows a failure at once, not when all tries are over."""

    def __init__(self, requests: RequestHealth, publisher: Publisher) -> None:
        self._requests = requests
        self._publisher = publisher

    def request_ended(self, seconds: float, failure: RequestFailed | None, remaining: float | None) -> None:
        """Record one request: how long it took and how it ended."""
        self._requests.request_ended(seconds, failure, remaining)
        if failure:
            self._publisher.health(self._requests.dataset)
