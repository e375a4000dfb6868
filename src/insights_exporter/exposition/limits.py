"""The ceiling of a deployment's series: what is withheld above it."""

from collections.abc import Mapping, Sequence

_FIRST_TO_GO: Sequence[tuple[str, ...]] = (
    ("coder_insights_template_parameter_workspaces",),
    ("coder_insights_user_latency_seconds",),
    ("coder_insights_user_activity_seconds",),
    ("coder_insights_parameter_workspaces",),
    ("coder_insights_template_app_usage_seconds", "coder_insights_template_app_times_used"),
)


def withheld(series_by_family: Mapping[str, int], ceiling: int) -> frozenset[str]:
    """Return the families of a deployment to leave out so that the rest fits under the ceiling.

    Whole families go, in a fixed order, and no more of them than needed; if
    all of them together are not enough, the rest is shown nevertheless.
    """
    total = sum(series_by_family.values())
    gone: set[str] = set()
    for families in _FIRST_TO_GO:
        if total <= ceiling:
            break
        present = [name for name in families if series_by_family.get(name)]
        gone.update(present)
        total -= sum(series_by_family[name] for name in present)
    return frozenset(gone)
