"""What is wrong with a server at the moment, and who must know when that changes."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from insights_exporter.demo.faults import FAULTS, Fault
from insights_exporter.demo.rules import API

EVERYWHERE = ""


class Certificate(NamedTuple):
    """The files of a certificate: its chain and its key, both PEM."""

    chain: Path
    key: Path


class Door(Protocol):
    """A listening server; each method returns when it is done."""

    def open(self) -> None:
        """Listen again, on the same port."""

    def close(self) -> None:
        """Refuse new connections, and end those that are."""

    def present(self, certificate: Certificate) -> None:
        """Show another certificate, and end the connections made with the old one."""


@dataclass(slots=True)
class Failing:
    """The faults of one server by path, and the doors at which it listens."""

    faults: dict[str, str] = field(default_factory=dict)
    doors: list[Door] = field(default_factory=list)
    closed: bool = False

    def begin(self, name: str, paths: tuple[str, ...]) -> None:
        """Have a fault at paths, or everywhere without any."""
        fault = FAULTS.get(name)
        if fault is None:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
        self.faults.update(dict.fromkeys(paths or (EVERYWHERE,), name))
        self._move_doors()

    def end(self) -> None:
        """Have no fault any more."""
        self.faults.clear()
        self._move_doors()

    def at(self, path: str) -> tuple[str, Fault] | None:
        """Give the fault of a path, by name; one for the path alone wins."""
        name = self.faults.get(path.removeprefix(API)) or self.faults.get(EVERYWHERE)
        return (name, FAULTS[name]) if name else None

    def skew(self, path: str) -> timedelta:
        """Give by how much the clock is wrong for a path."""
        found = self.at(path)
        return found[1].skew if found else timedelta()

    def _move_doors(self) -> None:
        everywhere = FAULTS.get(self.faults.get(EVERYWHERE, ""))
        closed = everywhere is not None and everywhere.closed
        if closed != self.closed:
            self.closed = closed
            for door in self.doors:
                (door.close if closed else door.open)()
