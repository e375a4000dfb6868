"""What an answer is made from: the state of the server at one request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from insights_exporter.demo.access import Key, Role
from insights_exporter.demo.generations import Generation
from insights_exporter.demo.population.population import Population

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One moment of one server, seen by one caller."""

    population: Population
    generation: Generation
    role: Role
    key: Key
    now: datetime
