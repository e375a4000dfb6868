"""Write docs/failures.md: every cause of a failed request, with its reason and remedy."""

from collections.abc import Mapping

from insights_exporter.coder.errors import CAUSES, Explanation

PATH = "docs/failures.md"
OPENING = """# Reasons and remedies

This page lists every reason why a request can fail, and what to do about it. `make docs` generates it
from the code.

Every failed request counts in `insights_exporter_request_failures_total` with its reason. The log, `check`
and the status page show the remedy below. *Retried* means within the same poll. Every dataset is polled again
at its next interval; after a failure that is retried, all but `template-breakdown` are polled again earlier:
within seven minutes, or twice as long with each further failure.

| response or error | reason | retried | what to do |
|---|---|---|---|
"""
CLOSING = """
`disabled`, `unsupported` and `not_licensed` mean that nothing is broken: the series
`insights_exporter_dataset_available` is 0 with that reason, and the other health series of the dataset are
removed, so that no alert fires.
"""


def render() -> Mapping[str, str]:
    """Return the text of the file, by its path."""
    return {PATH: OPENING + "".join(map(_row, CAUSES.values())) + CLOSING}


def _row(cause: Explanation) -> str:
    return f"| {cause.when} | `{cause.reason}` | {cause.retried} | {cause.remedy} |\n"
