"""What is wrong with the settings, where, and what would be right."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str | int, ...]
"""The way to a value: keys of maps and indexes of lists."""

_PRINTABLE_KEY = re.compile(r"[\w.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that is better known.

    `source` is the file (empty for the environment), `place` the key or the
    variable, `what` the matter, `remedy` what would be right.
    """

    source: str
    place: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """Give the one line that a user reads."""
        said = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return ": ".join(part for part in (self.source, self.place, said) if part)


class ConfigError(Exception):
    """The settings cannot be used, for all of `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        """Give a line a problem."""
        return "\n".join(map(str, self.problems))


class Wrong(ValueError):
    """A value that a rule refuses: what is wrong with it, what would be right."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}")


def spell(place: Place) -> str:
    """Spell a place as users write it: `deployments[0].windows[2].days`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{shown_key(step)}" for step in place)
    return "".join(steps).removeprefix(".")


def shown_key(key: str) -> str:
    """Give as much of a mistyped key as cannot be a secret written beside it (`token:abc`)."""
    found = _PRINTABLE_KEY.match(key)
    shown = found[0] if found else ""
    return shown if shown == key else f"{shown}..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that `name` was most likely meant to be."""
    by_fold = {_folded(one): one for one in known}
    close = difflib.get_close_matches(_folded(name), by_fold, n=1)
    return by_fold[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest, or which there are."""
    names = sorted(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"known are {', '.join(names)}"


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
