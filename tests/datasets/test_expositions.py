"""Malformed responses as complete expositions: promtool accepts them, and both formats are equal."""

from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.negotiation import ENDINGS, Format
from insights_exporter.exposition.page import build_page
from insights_exporter.exposition.store import Snapshot
from insights_exporter.exposition.text import render
from tests.datasets.test_properties import convert_valid_bodies, draw_bodies, draw_context, each_dataset
from tests.integration.promtool import Promtool

SEVERAL = settings(
    max_examples=4,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
OFTEN = settings(SEVERAL, max_examples=30)
EVERYTHING = {"templates": {"users": True}, "users": {"limit": 2}, "parameters": {"limit": 1}}


def render_both(*samples: Samples) -> dict[Format, str]:
    """Return the exposition in both formats."""
    source = ("dev", "some", "7d", "")
    changes = {each.family.name: {source: render(each, "dev")} for each in samples}
    page = build_page(Snapshot.create_empty(list_data_families(DATASETS)).apply(changes))
    return {
        format_: (
            b"".join(chain.from_iterable(page.contents[format_].group_parts())) + ENDINGS[format_]
        ).decode()
        for format_ in Format
    }


def render_drawn(data: st.DataObject, dataset: Dataset) -> dict[Format, str]:
    """Return the exposition of generated responses."""
    context = draw_context(data, dataset, deployment=EVERYTHING)
    conversion = convert_valid_bodies(dataset, context, draw_bodies(data, dataset, context))
    return render_both(*conversion.samples, *dataset.merge_windows([conversion]))


def parse_samples(families: Any) -> list[str]:  # noqa: ANN401 -- one of the parsers has no type hints
    """Return all samples in a fixed order; none is NaN."""
    every: list[Metric] = list(families)
    return sorted(
        repr((sample.name, sorted(sample.labels.items()), sample.value))
        for family in every
        for sample in family.samples
    )


@each_dataset
@given(data=st.data())
@SEVERAL
def test_promtool_is_silent(dataset: Dataset, promtool: Promtool, data: st.DataObject) -> None:
    """Promtool accepts the exposition of any response."""
    assert "" == promtool.check_metrics(render_drawn(data, dataset)[Format.TEXT])


@each_dataset
@given(data=st.data())
@OFTEN
def test_both_formats_have_the_same_samples(dataset: Dataset, data: st.DataObject) -> None:
    """Each format is read by its own parser."""
    shown = render_drawn(data, dataset)

    assert parse_samples(text_families(shown[Format.TEXT])) == parse_samples(
        openmetrics_families(shown[Format.OPENMETRICS])  # type: ignore[no-untyped-call]  # it has no type hints
    )


@pytest.mark.parametrize("format_", Format)
def test_exposition_without_samples_is_empty(format_: Format) -> None:
    """Without samples there is no header of a family."""
    assert ENDINGS[format_].decode() == render_both()[format_]
