"""Which client gives way when all places are taken."""

import math
from dataclasses import dataclass

import pytest

from insights_exporter.web.places import SLOW, Places


@dataclass(eq=False)
class Reading:
    """A client that reads at a rate."""

    rate: float
    aborted: bool = False

    def reading_rate(self) -> float:
        """Return the rate."""
        return self.rate

    def abort(self) -> None:
        """Record that the connection was closed."""
        self.aborted = True


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        pytest.param([0.0, math.inf], [True, False], id="one reads nothing"),
        pytest.param([1000.0, 10.0], [False, True], id="both are slow"),
        pytest.param([SLOW, math.inf], [False, False], id="none is slow"),
    ],
)
def test_slowest_reader_gives_way(rates: list[float], expected: list[bool]) -> None:
    """When all places are taken, the slowest reader loses its place if it is slow at all."""
    readers, newest = [Reading(rate) for rate in rates], Reading(math.inf)
    places = Places(len(readers))
    for reader in readers:
        places.take(reader)

    taken = places.take(newest)

    assert any(expected) == taken
    assert expected == [reader.aborted for reader in readers]


def test_place_is_free_again() -> None:
    """A place that is left can be taken, and one that was taken away is not left twice."""
    first, second, third = Reading(0), Reading(math.inf), Reading(math.inf)
    places = Places(1)

    assert [True, True] == [places.take(first), places.take(second)]
    places.free(first)
    assert not places.take(third)
    places.free(second)
    assert places.take(third)
