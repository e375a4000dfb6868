"""What is special about asking for one template at a time."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from insights_exporter.datasets.dataset import Answer, Conversion, InvalidAnswer, View
from insights_exporter.datasets.joining import joined
from insights_exporter.datasets.table import DATASETS
from insights_exporter.datasets.template_breakdown import convert, convert_template, convert_unused, questions
from insights_exporter.datasets.template_families import TEMPLATE_ACTIVE_USERS
from insights_exporter.datasets.template_reports import daily_window
from insights_exporter.exposition.samples import Samples
from tests.datasets.cases import answered, lines_of, view_of

USERS = {"deployment": {"templates": {"users": True}}}
FOREIGN = {
    "report": (0, {"report": {"template_ids": ["a", "b"]}}),
    "app": (
        0,
        {"report": {"apps_usage": [{"type": "app", "slug": "x", "seconds": 1, "template_ids": ["b"]}]}},
    ),
    "parameter": (0, {"report": {"parameters_usage": [{"name": "x", "template_ids": ["b"]}]}}),
    "day": (
        0,
        {
            "interval_reports": [
                {"start_time": "2026-05-20T00:00:00Z", "active_users": 1, "template_ids": ["b"]}
            ]
        },
    ),
    "activity": (1, {"report": {"template_ids": ["b"], "users": []}}),
    "latency": (2, {"report": {"template_ids": ["b"], "users": []}}),
}


@pytest.mark.parametrize(("number", "body"), FOREIGN.values(), ids=FOREIGN)
def test_answer_about_others_is_invalid(number: int, body: object) -> None:
    """It is never put under the name of the template that was asked for."""
    view = view_of("7d", in_use=["a"], **USERS)
    answer = Answer(questions(view)[number], json.dumps(body).encode())

    with pytest.raises(
        InvalidAnswer, match=r"asked about one template, .* answered about 1 others too; .* switch"
    ):
        convert_template(view, [answer])


DAYS = {
    "interval_reports": [
        {"start_time": "2026-05-19T00:00:00Z", "active_users": 4, "template_ids": ["a"]},
        {"start_time": "2026-05-20T00:00:00Z", "active_users": 3, "template_ids": ["a"]},
        {"start_time": "2026-05-21T00:00:00Z", "active_users": 2, "template_ids": ["a"]},
    ]
}


def day_lines(view: View, asked: View) -> list[str]:
    """Give what `view` shows of the days in an answer that was asked for at another time."""
    conversion = convert_template(view, answered_days(asked))
    return [
        line.split("{day=")[1].split(",")[0] + line.split("}")[1] for line in lines_of(conversion.samples)
    ]


def answered_days(view: View) -> list[Answer]:
    """Answer the question about a template by its days."""
    return [Answer(questions(view)[0], json.dumps(DAYS).encode())]


def test_days_are_matched_by_their_start() -> None:
    """Today and yesterday are those of now, not the last two rows."""
    view = view_of("7d", in_use=["a"])

    assert ['"today" 3.0', '"yesterday" 4.0'] == day_lines(view, view)


def test_answer_of_yesterday_does_not_tell_the_days() -> None:
    """What was today then is yesterday by now, but only a part of it."""
    view = view_of("7d", in_use=["a"])
    tomorrow = replace(view, now=view.now + timedelta(hours=10))

    assert [] == day_lines(tomorrow, view)
    assert ['"today" 2.0', '"yesterday" 3.0'] == day_lines(tomorrow, tomorrow)


DAILY_WINDOWS = {
    "the default": (["7d"], "7d"),
    "the shortest that has a yesterday": (["today", "30d", "7d"], "7d"),
    "today at least": (["today"], "today"),
    "none": ([], None),
}


@pytest.mark.parametrize(("windows", "expected"), DAILY_WINDOWS.values(), ids=DAILY_WINDOWS)
def test_one_window_tells_the_days(windows: list[str], expected: str | None) -> None:
    """So that two windows do not both have a series for one day."""
    window = daily_window(view_of(deployment={"templates": {"windows": windows}}).deployment)

    assert expected == (window and window.name)


def test_other_windows_do_not_tell_the_days() -> None:
    """The series have no label for the window."""
    view = view_of("30d", in_use=["a"], deployment={"templates": {"windows": ["7d", "30d"]}})

    assert [] == [
        line for line in lines_of(convert_template(view, answered_days(view)).samples) if "day=" in line
    ]


def test_all_at_once_is_each_and_the_unused() -> None:
    """A poll may convert its answers together or one template after the other."""
    templates = {name: {"name": name, "organization": "acme"} for name in ("a", "b", "c")}
    view = view_of("7d", in_use=["a", "b"], templates=templates)
    answers = answered(DATASETS["template-breakdown"], view, *[b'{"report":{"active_users":1}}'] * 2)
    apart = joined([*(convert_template(view, [answer]) for answer in answers), convert_unused(view)])

    assert lines_of(convert(view, answers).samples) == lines_of(apart.samples)


IN_USE: Mapping[str, tuple[object, tuple[str, ...] | None]] = {
    "some": (["b", "a", "b"], ("a", "b")),
    "none": ([], ()),
    "null, as some servers write none": (None, ()),
    "one that is no text": (["a", 7], None),
    "no list": ("a", None),
}


@pytest.mark.parametrize(("ids", "expected"), IN_USE.values(), ids=IN_USE)
def test_templates_in_use_are_all_that_the_report_names_or_unknown(
    ids: object, expected: tuple[str, ...] | None
) -> None:
    """Of a list that cannot be read whole nobody knows what is missing in it."""
    dataset, view = DATASETS["templates"], view_of("7d")
    body = json.dumps({"report": {"template_ids": ids, "active_users": 1}}).encode()

    assert expected == dataset.convert(view, answered(dataset, view, body)).in_use


def test_of_equal_series_the_first_stays() -> None:
    """Rows kept of an earlier poll and a 0 of this one do not repeat a series."""
    one, other = (
        Conversion((Samples(TEMPLATE_ACTIVE_USERS, [(("7d", "o", "n", "a"), users)]),))
        for users in (5.0, 0.0)
    )

    assert (Samples(TEMPLATE_ACTIVE_USERS, [(("7d", "o", "n", "a"), 5.0)]),) == joined([one, other]).samples
