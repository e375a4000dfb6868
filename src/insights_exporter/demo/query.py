"""How Coder reads query parameters: all of them first, every complaint collected."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from insights_exporter.demo.generations import Generation
from insights_exporter.demo.golang import parse_integer, quote

Query = Mapping[str, str] | Iterable[tuple[str, str]]
UUID = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
    r"|\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}",
    re.IGNORECASE,
)


@dataclass(slots=True)
class QueryReader:
    """Reads the parameters of one request and collects what is wrong with them."""

    query: Query
    generation: Generation
    complaints: list[tuple[str, str]] = field(default_factory=list)
    _values: dict[str, list[str]] = field(init=False, default_factory=dict)
    _known: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Group the values by name."""
        pairs = self.query.items() if isinstance(self.query, Mapping) else self.query
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, *, required: bool = False) -> str:
        """Read a text; a missing one is empty."""
        self._known.add(name)
        values = self._values.get(name, [""])
        if len(values) > 1 and self.generation.refuses_repeats:
            self._complain(name, "provided more than once, found", f"{len(values)} times.", _ONCE)
        elif required and not values[0]:
            self._complain(
                name, "is required", "and cannot be empty" if self.generation.says_not_empty else ""
            )
        return values[0]

    def integer(self, name: str, default: int) -> int:
        """Read an integer."""
        text = self.text(name)
        try:
            return parse_integer(text) if text else default
        except ValueError as error:
            self._complain(name, f"must be a valid integer ({error})")
            return default

    def uuids(self, name: str) -> tuple[str, ...]:
        """Read a comma-separated list of UUIDs, spaces around them allowed."""
        text = self.text(name)
        listed = [part.strip() for part in text.split(",")] if text else []
        bad = [part for part in listed if UUID.fullmatch(part) is None]
        if bad:
            self._complain(name, f"has invalid values: {', '.join(bad)}")
            return ()
        return tuple(map(_canonical, listed))

    def words(self, name: str) -> tuple[str, ...]:
        """Read a comma-separated list."""
        text = self.text(name)
        return tuple(text.split(",")) if text else ()

    def refuse_unknown(self) -> None:
        """Complain about every parameter that nobody read."""
        for name in self._values:
            if name not in self._known:
                self._complain(name, "is not a valid query param")

    def _complain(self, name: str, *words: str) -> None:
        self.complaints.append((name, " ".join(("Query param", quote(name), *filter(None, words)))))


_ONCE = "Only provide 1 instance of this query param."


def _canonical(text: str) -> str:
    digits = text.lower().removeprefix("urn:uuid:").strip("{}").replace("-", "")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
