"""What apps were used, and what they are called."""

from collections.abc import Iterable, Sequence

from insights_exporter.datasets.dataset import AppName, Conversion
from insights_exporter.datasets.reports import App
from insights_exporter.datasets.sums import added_up
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Row, Samples

APP_LABELS = ("app_type", "slug")
BUILTIN = "builtin"
ALWAYS_SHOWN = ("vscode", "jetbrains", "reconnecting-pty", "ssh")
SFTP = (BUILTIN, "sftp")

APP_INFO = Family(
    name="coder_insights_app_info",
    kind="gauge",
    help="What an app is called, always 1 (API: templates report.apps_usage.display_name); cached.",
    labels=("deployment", *APP_LABELS, "application_name"),
    source="templates: report.apps_usage.display_name",
    merge="over all windows, the name of the row with most seconds; of equal ones the first in the alphabet",
    absent="the app is in no report; a name that is empty is shown as the slug",
    example="coder_insights_app_usage_seconds * on (deployment, app_type, slug) group_left "
    "(application_name) "
    "coder_insights_app_info",
)


def usage_rows(apps: Sequence[App], before: tuple[str, ...], *, complete: bool) -> list[Row]:
    """Give the seconds of each app, labelled `before` and then by type and slug.

    Built-in apps that a `complete` report does not mention were not used.
    """
    builtins = [((BUILTIN, slug), 0.0) for slug in ALWAYS_SHOWN] if complete else []
    totals = added_up([*builtins, *(((app.app_type, app.slug), app.seconds) for app in apps)])
    if not _sftp_is_filled(totals.get(SFTP, 0.0)):
        totals.pop(SFTP, None)
    return [((*before, *app), seconds) for app, seconds in sorted(totals.items())]


def times_used_rows(apps: Sequence[App], before: tuple[str, ...]) -> list[Row]:
    """Give how often each app that is not built in was used, where the server tells."""
    measured = (
        ((app.app_type, app.slug), app.times_used)
        for app in apps
        if app.app_type == "app" and app.times_used is not None
    )
    return [((*before, *app), times) for app, times in sorted(added_up(measured).items())]


def app_names(apps: Iterable[App]) -> tuple[AppName, ...]:
    """Give the name of each app that is shown."""
    names = (AppName(app.app_type, app.slug, app.display_name or app.slug, app.seconds) for app in apps)
    return tuple(best_names(name for name in names if name.app != SFTP or _sftp_is_filled(name.seconds)))


def app_info(conversions: Iterable[Conversion]) -> tuple[Samples, ...]:
    """Give one name an app over all windows."""
    names = best_names(name for conversion in conversions for name in conversion.app_names)
    return (Samples(APP_INFO, [((name.app_type, name.slug, name.name), 1.0) for name in names]),)


def best_names(names: Iterable[AppName]) -> list[AppName]:
    """Give each app the name with most seconds; of equal ones the first in the alphabet."""
    best: dict[tuple[str, str], AppName] = {}
    for name in sorted(names, key=lambda name: (-name.seconds, name.name)):
        best.setdefault(name.app, name)
    return sorted(best.values(), key=lambda name: name.app)


def _sftp_is_filled(seconds: float) -> bool:
    return seconds > 0
