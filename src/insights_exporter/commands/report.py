"""The report of `check` for people: facts, a line a dataset, and what to mend."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from insights_exporter.commands.findings import DatasetFinding, Finding

_COLOURS: Mapping[str, str] = MappingProxyType(
    {"allowed": "green", "refused": "red", "failed": "red", "unavailable": "dim", "not asked": "yellow"}
)
_VERDICTS = ("all good", "something is refused or failed", "not usable")
_VERDICT_COLOURS = ("green", "yellow", "red")


def print_report(findings: Iterable[Finding]) -> None:
    """Print what is known of each deployment."""
    console = Console(highlight=False, markup=False, emoji=False)
    for one in findings:
        console.print(_heading(one))
        console.print(_facts_table(one))
        console.print(_datasets_table(one.datasets))
        for line in _mending(one.datasets):
            console.print(line)


def _heading(one: Finding) -> Text:
    verdict = Text(_VERDICTS[one.status], style=_VERDICT_COLOURS[one.status])
    return Text.assemble((_plain(one.deployment), "bold"), f" ({_plain(one.url)}): ", verdict)


def _facts_table(one: Finding) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(one):
        table.add_row(f"  {name}", _plain(value))
    return table


def _facts(one: Finding) -> Iterator[tuple[str, str]]:
    yield "reachable", "yes" if one.reachable else "no"
    yield "TLS", _tls(one)
    yield "version", one.version or "unknown"
    yield "dialect", one.dialect or "unknown"
    yield "clock", "unknown" if one.clock_skew is None else f"{one.clock_skew:+.0f} s against this machine"
    yield "token", f"of {one.user or 'an unknown user'}, until {_day(one.token_expires)}"
    yield "rate limit", _rate_limit(one.rate_limit)
    yield "will give", f"{one.series} series for {one.requests_per_minute:.1f} requests a minute"


def _tls(one: Finding) -> str:
    if one.tls:
        return f"{one.tls}, certificate until {_day(one.certificate_expires)}"
    return "unknown" if one.url.startswith("https:") else "none: the token can be read on its way"


def _rate_limit(limit: float | None) -> str:
    return "unknown" if limit is None else f"{limit:.0f} requests a minute and path"


def _day(seconds: float | None) -> str:
    moment = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown day"


def _datasets_table(datasets: Iterable[DatasetFinding]) -> Table:
    series = Column("series", justify="right")
    table = Table("dataset", "windows", "state", series, "who may", box=box.SIMPLE_HEAD, pad_edge=True)
    for alike in _alike(datasets):
        first = alike[0]
        table.add_row(
            first.dataset,
            _plain(", ".join(each.window for each in alike if each.window)),
            Text(first.state, style=_COLOURS[first.state]),
            str(sum(each.series for each in alike)),
            ", ".join(first.roles),
        )
    return table


def _alike(datasets: Iterable[DatasetFinding]) -> Iterable[list[DatasetFinding]]:
    """Put the windows of a dataset together that came to the same."""
    groups: dict[tuple[str, str, str], list[DatasetFinding]] = {}
    for each in datasets:
        groups.setdefault((each.dataset, each.state, each.reason), []).append(each)
    return groups.values()


def _mending(datasets: Iterable[DatasetFinding]) -> Iterator[Padding]:
    """Tell each thing that is wrong once, whom it hits, and the remedy."""
    hit: dict[tuple[str, str, str], dict[str, None]] = {}
    for each in datasets:
        if each.reason:
            hit.setdefault((each.reason, each.detail, each.remedy), {})[each.dataset] = None
    for (reason, detail, remedy), names in hit.items():
        said = Text.assemble((reason, "bold"), f" ({', '.join(names)}): {_plain(detail)}")
        yield Padding(said, (0, 0, 0, 2))
        yield Padding(Text(remedy), (0, 0, 1, 4))


def _plain(text: str) -> str:
    """Show characters that would steer a terminal as the mark of one that cannot be shown."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
