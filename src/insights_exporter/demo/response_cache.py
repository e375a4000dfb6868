"""Large answers, kept until the next roll-up makes them old."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from insights_exporter.demo.auth import Key, LicenseState, Role
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.versions import ServerVersion

SECONDS_OF_A_ROLL_UP = 300
MOST_BODIES = 32
SMALL = 50_000
"""Answers of fewer bytes are made anew as fast as they are found."""


@dataclass(slots=True)
class ResponseCache:
    """Answers by what decided them, all of one roll-up."""

    _rolled: int = 0
    _bodies: dict[Hashable, bytes] = field(default_factory=dict)

    def find(self, key: Hashable, now: datetime) -> bytes | None:
        """Give what was kept since the last roll-up, which empties all."""
        rolled = int(now.timestamp()) // SECONDS_OF_A_ROLL_UP
        if rolled != self._rolled:
            self._rolled = rolled
            self._bodies.clear()
        return self._bodies.get(key)

    def keep(self, key: Hashable, body: bytes) -> None:
        """Keep a large answer, and forget the oldest of too many."""
        if len(body) < SMALL:
            return
        while len(self._bodies) >= MOST_BODIES:
            del self._bodies[next(iter(self._bodies))]
        self._bodies[key] = body

    def __len__(self) -> int:
        """Count what is kept."""
        return len(self._bodies)


Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One moment of one server, seen by one caller."""

    population: Population
    generation: ServerVersion
    role: Role
    key: Key
    now: datetime
    license: LicenseState = "premium"
