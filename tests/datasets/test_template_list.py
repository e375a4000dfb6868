"""Templates are listed however odd their build durations are."""

import pytest

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.template_list import TEMPLATE_INFO
from tests.datasets.cases import load_context, load_responses

DATASET = DATASETS["template-list"]


@pytest.mark.parametrize(
    ("count", "padding"),
    [
        pytest.param(10_001, 0, id="more than the rows that may be dropped"),
        pytest.param(2, 32 * 1024 * 1024, id="more bytes than are decoded row by row"),
    ],
)
def test_invalid_build_durations_drop_no_template(count: int, padding: int) -> None:
    """Each template is listed, and each invalid duration is counted, in lists of any size."""
    rows = (
        b'{"id":"%d","name":"a","organization_name":"acme","build_time_stats":[7]}' % each
        for each in range(count)
    )
    context = load_context()
    (response,) = load_responses(DATASET, context, b"[%b%b]" % (b" " * padding, b",".join(rows)))

    result = DATASET.convert(context, response)

    (infos,) = [each for each in result.samples if each.family is TEMPLATE_INFO]
    assert count == len(infos.rows)
    assert ("[].build_time_stats: expected an object, got a list",) * count == result.invalid
