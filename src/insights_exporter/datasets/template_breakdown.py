"""Dataset `template-breakdown`: the report of `templates`, requested for one template at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import Answer, InvalidAnswer, Question
from insights_exporter.config.models import Deployment, Window, dataset_settings
from insights_exporter.datasets import user_activity, user_latency
from insights_exporter.datasets.aggregate import (
    ACTIVITY_BOUNDS,
    LATENCY_BOUNDS,
    added_up,
    distribution,
    joined,
)
from insights_exporter.datasets.apps import LIMIT_IN_TEMPLATE as APPS_IN_TEMPLATE
from insights_exporter.datasets.apps import read_apps, times_used_rows, usage_rows
from insights_exporter.datasets.base import Conversion, Dataset, View
from insights_exporter.datasets.daus import TODAY, YESTERDAY
from insights_exporter.datasets.parameters import LIMIT_IN_TEMPLATE, parameter_rows, parameters_shown
from insights_exporter.datasets.report_schema import PATH, Report, TemplatesAnswer
from insights_exporter.datasets.report_window import FAMILIES as ECHO_FAMILIES
from insights_exporter.datasets.report_window import echo_samples
from insights_exporter.datasets.template_metrics import (
    TEMPLATE_ACTIVE_USERS,
    TEMPLATE_ACTIVITY_DISTRIBUTION,
    TEMPLATE_APP_TIMES_USED,
    TEMPLATE_APP_USAGE,
    TEMPLATE_DAILY_ACTIVE_USERS,
    TEMPLATE_FAMILIES,
    TEMPLATE_LATENCY_DISTRIBUTION,
    TEMPLATE_PARAMETER_WORKSPACES,
)
from insights_exporter.datasets.timerange import midnight, read_instant, span_of, window_of, zone_of
from insights_exporter.datasets.user_activity import ActivityAnswer, seconds_by_user
from insights_exporter.datasets.user_latency import LatencyAnswer, latencies_by_user
from insights_exporter.exposition.family import DistributionRow, Row, Samples

NAME: Final = "template-breakdown"

_Ids = Iterable[str] | None


def labels_of(view: View, template_id: str) -> tuple[str, str, str]:
    """Give organization, name and id; a template that is not listed any more is called by its id."""
    template = view.templates.get(template_id)
    return (template.organization, template.name, template_id) if template else ("", template_id, template_id)


def convert_report(view: View, answer: Answer) -> Conversion:
    """Give users, apps and parameters of a template."""
    decoded = decode(answer.body, TemplatesAnswer)
    _check_subject(answer, _named(decoded.value))
    labels = labels_of(view, answer.question.subject)
    daily = Samples(TEMPLATE_DAILY_ACTIVE_USERS, _daily_rows(view, answer, decoded.value, labels))
    report = decoded.value.report
    if report is None:
        return Conversion((daily,), invalid=decoded.invalid)
    window = window_of(view).name
    parameters, folded = _parameters(view, report, labels)
    apps, apps_aggregated = read_apps(report.apps_usage, min(view.deployment.apps.limit, APPS_IN_TEMPLATE))
    complete = decoded.complete("report.apps_usage")
    samples = (
        Samples(TEMPLATE_ACTIVE_USERS, [((window, *labels), report.active_users)]),
        Samples(TEMPLATE_APP_USAGE, usage_rows(apps, (window, *labels), complete=complete)),
        Samples(TEMPLATE_APP_TIMES_USED, times_used_rows(apps, (window, *labels))),
        daily,
        *parameters,
        *echo_samples(NAME, window, report.start_time, report.end_time),
    )
    return Conversion(samples, folded=folded + apps_aggregated, invalid=decoded.invalid)


def convert_activity(view: View, answer: Answer) -> Conversion:
    """Give how active the users of a template were."""
    decoded = decode(answer.body, ActivityAnswer)
    report = decoded.value.report
    _check_subject(answer, [report.template_ids])
    labels = (window_of(view).name, *labels_of(view, answer.question.subject))
    seconds = distribution(seconds_by_user(report.users).values(), ACTIVITY_BOUNDS)
    return Conversion(
        (Samples(TEMPLATE_ACTIVITY_DISTRIBUTION, [(labels, seconds)]),), invalid=decoded.invalid
    )


def convert_latency(view: View, answer: Answer) -> Conversion:
    """Give how slow connections were for the users of a template."""
    decoded = decode(answer.body, LatencyAnswer)
    report = decoded.value.report
    _check_subject(answer, [report.template_ids])
    labels = (window_of(view).name, *labels_of(view, answer.question.subject))
    rows: list[DistributionRow] = [
        ((*labels, name), distribution(seconds.values(), LATENCY_BOUNDS))
        for name, seconds in latencies_by_user(report.users)._asdict().items()
    ]
    return Conversion((Samples(TEMPLATE_LATENCY_DISTRIBUTION, rows),), invalid=decoded.invalid)


def daily_window(deployment: Deployment) -> Window | None:
    """Give the one window whose answers tell the days, since they have no `window` label.

    The shortest that covers yesterday too, else one that covers today.
    """
    fitting = [
        window
        for window in deployment.windows
        if window.include_today and window.name in deployment.templates.windows
    ]
    return min(fitting, key=lambda window: (window.days == 1, window.days), default=None)


def _named(answer: TemplatesAnswer) -> list[_Ids]:
    report = answer.report
    rows = [*report.apps_usage, *(report.parameters_usage or ())] if report else []
    named = [report.template_ids] if report else []
    return [*named, *(row.template_ids for row in (*rows, *(answer.interval_reports or ())))]


def _check_subject(answer: Answer, named: Iterable[_Ids]) -> None:
    asked = answer.question.subject.lower()
    others = {template for ids in named for template in ids or () if template.lower() != asked}
    if others:
        text = (
            f"asked about one template, {answer.question.path} answered about {len(others)} others too; "
            "the server, or a gateway before it, ignores template_ids: switch templates.breakdown off"
        )
        raise InvalidAnswer(text)


def _parameters(view: View, report: Report, labels: tuple[str, ...]) -> tuple[tuple[Samples, ...], int]:
    window = window_of(view).name
    if not parameters_shown(view.deployment, window):
        return (), 0
    rules = view.deployment.parameters
    limit = min(rules.limit, LIMIT_IN_TEMPLATE)
    rows, folded = parameter_rows(report.parameters_usage or (), rules, limit, (window, *labels))
    return (Samples(TEMPLATE_PARAMETER_WORKSPACES, rows),), folded


def _daily_rows(view: View, answer: Answer, told: TemplatesAnswer, labels: tuple[str, ...]) -> list[Row]:
    users = added_up(
        ((read_instant(interval.start_time), read_instant(interval.end_time)), interval.active_users)
        for interval in told.interval_reports or ()
    )
    return [((day, *labels), users[span]) for day, span in _days(view, answer).items() if span in users]


def _days(view: View, answer: Answer) -> Mapping[str, tuple[float, float]]:
    """Return what the row of each day must cover: a whole day, or today up to where the request ends.

    Servers count in steps of 24 hours, which are not days while a clock change lies in the window.
    """
    zone, span = zone_of(view), answer.question.span
    today = view.now.astimezone(zone).date()
    start = midnight(today, zone).timestamp()
    before = midnight(today - timedelta(days=1), zone).timestamp()
    end = span.end.timestamp() if span and view.window == daily_window(view.deployment) else start
    # A request made before the last midnight has the end of that day only in part.
    return {TODAY: (start, end), YESTERDAY: (before, start)} if end > start else {}


FAMILIES = (*TEMPLATE_FAMILIES, *ECHO_FAMILIES)


def windows(deployment: Deployment) -> Sequence[Window | None]:
    """Give the windows in which templates are broken down."""
    if not deployment.templates.breakdown:
        return ()
    return tuple(window for window in deployment.windows if window.name in deployment.templates.windows)


def questions(view: View) -> Sequence[Question]:
    """Ask about each template in use by itself, up to the limit.

    A question's `subject` is the template's id; with `templates.users` there
    are up to three questions about it: what the dataset of users is not asked
    for is not asked for here either.
    """
    paths = [PATH, *_paths_of_users(view.deployment)]
    return tuple(_question(view, path, template) for template in templates_asked(view) for path in paths)


def _paths_of_users(deployment: Deployment) -> Sequence[str]:
    of_users = (user_activity, user_latency) if deployment.templates.users else ()
    return [dataset.PATH for dataset in of_users if dataset_settings(deployment, dataset.NAME).enabled]


def templates_asked(view: View) -> Sequence[str]:
    """Give the ids of the templates that are asked about: of too many the first by id."""
    return _in_use(view)[: view.deployment.templates.limit]


def convert(view: View, answers: Sequence[Answer]) -> Conversion:
    """Give the series of all templates that were answered, and of those that nobody used.

    Raises:
        InvalidAnswer: An answer cannot be read, or is about templates that were not asked for.
    """
    by_template: dict[str, list[Answer]] = {}
    for answer in answers:
        by_template.setdefault(answer.question.subject, []).append(answer)
    return joined(
        [*(convert_template(view, of_one) for of_one in by_template.values()), convert_unused(view)]
    )


def convert_template(view: View, answers: Sequence[Answer]) -> Conversion:
    """Give the series of the one template that all `answers` are about.

    Raises:
        InvalidAnswer: An answer cannot be read, or is about templates that were not asked for.
    """
    return joined(_READERS[answer.question.path](view, answer) for answer in answers)


def convert_unused(view: View) -> Conversion:
    """Give 0 users for each listed template that nobody used, and count the templates beyond the limit."""
    window = view.window.name if view.window else ""
    used = set(view.in_use)
    rows: list[Row] = [
        ((window, *labels_of(view, template)), 0.0)
        for template in sorted(view.templates)
        if template not in used
    ]
    beyond = len(_in_use(view)) - len(templates_asked(view))
    return Conversion((Samples(TEMPLATE_ACTIVE_USERS, rows),), folded=beyond)


def _in_use(view: View) -> Sequence[str]:
    return sorted({template for template in view.in_use if _is_one_id(template)})


def _is_one_id(template: str) -> bool:
    return bool(template) and not any(character == "," or character.isspace() for character in template)


def _question(view: View, path: str, template: str) -> Question:
    extra = {"template_ids": template} | ({"interval": "day"} if path == PATH else {})
    return Question(path=path, span=span_of(view), subject=template, extra=extra, needs_extra=True)


_READERS: Mapping[str, Callable[[View, Answer], Conversion]] = {
    PATH: convert_report,
    user_activity.PATH: convert_activity,
    user_latency.PATH: convert_latency,
}

DATASET = Dataset(
    name=NAME,
    families=FAMILIES,
    windows=windows,
    questions=questions,
    convert=convert,
    partial=True,
    needs="templates",
)
