"""What datasets with windows share: the question about one."""

from zoneinfo import ZoneInfo

from insights_exporter.config.settings import Window
from insights_exporter.datasets.dataset import Question, View
from insights_exporter.datasets.spans import Span, window_span


def window_of(view: View) -> Window:
    """Give the window of a view that has one.

    Raises:
        ValueError: It has none.
    """
    if view.window is None:
        text = "this dataset is polled by window"
        raise ValueError(text)
    return view.window


def zone_of(view: View) -> ZoneInfo:
    """Give the time zone whose days are counted."""
    return ZoneInfo(view.deployment.timezone)


def span_of(view: View) -> Span:
    """Give what the view's window covers now."""
    return window_span(window_of(view), view.now, zone_of(view))


def window_question(path: str, view: View) -> Question:
    """Ask about the view's window and nothing else."""
    return Question(path=path, span=span_of(view))
