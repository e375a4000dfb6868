"""Named cases: what Coder responds, and what is exposed of it.

`data/DATASET/CASE/` holds `response.json` (or `responses.json`, a list with one
response per request, null for a refusal), `expected.prom`, and, if it is not
the usual one, the context in `context.json`. Run as a program, this module
writes all `expected.prom` again: check them before you commit.
"""

import json
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from insights_exporter.coder.request import InvalidResponse, Response
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import (
    ConvertResult,
    Dataset,
    Group,
    PollContext,
    Template,
    select_no_windows,
)
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.text import render

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 5, 20, 14, 31, tzinfo=UTC)

CASES = sorted(path for path in DATA.glob("*/*") if path.is_dir())


def load_context(window: str | None = None, **more: Any) -> PollContext:  # noqa: ANN401 - what JSON holds
    """Return a context; `more` is the content of `context.json`."""
    config = {"name": "dev", "url": "https://coder.example.com", "token": "a-token"}
    deployment = Deployment(**(config | more.get("deployment", {})))
    windows = {each.name: each for each in deployment.windows}
    now = datetime.fromisoformat(more["now"]) if "now" in more else NOW
    key = more.get("pseudonym_key")
    return PollContext(
        deployment=deployment,
        window=windows[window] if window else None,
        now=now.astimezone(ZoneInfo(deployment.timezone)),
        templates={name: Template(name, **fields) for name, fields in more.get("templates", {}).items()},
        in_use=tuple(more.get("in_use", ())),
        groups=tuple(
            Group(name, name, "acme", tuple(members), len(members))
            for name, members in more.get("groups", {}).items()
        ),
        pseudonym_key=key.encode() if key else None,
    )


def find_default_window(dataset: Dataset) -> str | None:
    """Return the window of a dataset in cases that name no other."""
    return None if dataset.windows is select_no_windows else "7d"


def load_responses(dataset: Dataset, context: PollContext, *bodies: bytes | None) -> list[Response]:
    """Return the responses to the requests of a dataset, without those that others replace."""
    responses = load_all_responses(dataset, context, *bodies)
    if len(bodies) == len(dataset.requests(context)):
        return responses
    return [response for response in responses if not dataset.convert(context, response).follow_up]


def load_all_responses(dataset: Dataset, context: PollContext, *bodies: bytes | None) -> list[Response]:
    """Return the responses to the requests of a dataset and those that follow; None is a refusal."""
    responses: list[Response] = []
    requests = deque(dataset.requests(context))
    for body in bodies:
        if not requests:
            requests.extend(dataset.convert(context, responses[-1]).follow_up)
        request = requests.popleft()
        if body is None:
            requests.extend(request.if_refused)
        else:
            responses.append(Response(request, body))
    return responses


def convert_all(dataset: Dataset, context: PollContext, responses: Sequence[Response]) -> ConvertResult:
    """Return what a poll with these responses exposes, as one result."""
    unrequested = dataset.unrequested(context, dataset.requests(context))
    results = [*(dataset.convert(context, response) for response in responses), unrequested]
    rows: dict[MetricFamily, list[Any]] = {}
    for samples in (samples for result in results for samples in result.samples):
        rows.setdefault(samples.family, []).extend(samples.rows)
    return msgspec.structs.replace(
        results[0],
        samples=tuple(Samples(family, of_family) for family, of_family in rows.items()),
        aggregated=sum(result.aggregated for result in results),
        invalid=tuple(reason for result in results for reason in result.invalid),
    )


def render_case(case: Path) -> str:
    """Return what is exposed of the responses of a case."""
    dataset = DATASETS[case.parent.name]
    config = case / "context.json"
    more = json.loads(config.read_bytes()) if config.exists() else {}
    context = load_context(**({"window": find_default_window(dataset)} | more))
    try:
        conversion = convert_all(dataset, context, load_responses(dataset, context, *load_bodies(case)))
    except InvalidResponse as error:
        return f"# invalid: {error}\n"
    return render_text(conversion, dataset)


def render_text(conversion: ConvertResult, dataset: Dataset) -> str:
    """Return a result as lines of an exposition, with its other fields as comments."""
    lines = sort_lines((*conversion.samples, *dataset.merge_windows([conversion])))
    comments = [
        *(f"# template in use: {template}" for template in conversion.in_use or ()),
        *([f"# aggregated: {conversion.aggregated}"] if conversion.aggregated else []),
        *(f"# dropped: {reason}" for reason in conversion.invalid),
    ]
    return "".join(f"{line}\n" for line in (*lines, *comments))


def sort_lines(samples: Sequence[Samples]) -> list[str]:
    """Return samples as lines, family by family, each in the order of its text."""
    return [line for each in samples for line in _sorted(each).split("\n") if line]


def _sorted(samples: Samples) -> str:
    rows: Any = sorted(samples.rows)
    return render(Samples(samples.family, rows), "dev").sections[-1].decode()


def load_bodies(case: Path) -> list[bytes | None]:
    """Return the body of each response of a case, None for a refused request."""
    single = case / "response.json"
    if single.exists():
        return [single.read_bytes()]
    responses = json.loads((case / "responses.json").read_bytes())
    return [None if response is None else json.dumps(response).encode() for response in responses]


if __name__ == "__main__":
    for each in CASES:
        (each / "expected.prom").write_text(render_case(each), encoding="utf-8")
