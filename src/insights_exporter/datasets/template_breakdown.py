"""Dataset `template-breakdown`: what `templates` tells, asked for one template at a time."""

from collections.abc import Callable, Mapping, Sequence

from insights_exporter.config.settings import Deployment, Window, dataset_settings
from insights_exporter.datasets import user_activity, user_latency
from insights_exporter.datasets.dataset import Answer, Conversion, Dataset, Question, View
from insights_exporter.datasets.echo import FAMILIES as ECHO_FAMILIES
from insights_exporter.datasets.joining import joined
from insights_exporter.datasets.reports import PATH
from insights_exporter.datasets.template_families import TEMPLATE_ACTIVE_USERS, TEMPLATE_FAMILIES
from insights_exporter.datasets.template_reports import (
    NAME,
    convert_activity,
    convert_latency,
    convert_report,
    labels_of,
)
from insights_exporter.datasets.windows import span_of
from insights_exporter.exposition.samples import Row, Samples

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
