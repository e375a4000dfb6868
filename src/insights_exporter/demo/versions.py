"""The differences between versions of Coder servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVersion:
    """The behaviour of one version of the server; the defaults are those of 2026.

    `release` is the version that the server reports.
    """

    name: str
    release: str = "v2.30.0"
    week_intervals: bool = True
    """Whether `interval=week` is supported."""
    sections: bool = True
    """Whether the parameter `sections` is supported."""
    refuses_repeats: bool = True
    """Whether a parameter given twice is refused; older servers read the first."""
    says_not_empty: bool = True
    """Whether a missing parameter "is required and cannot be empty", or only "is required"."""
    repeats_clock: bool = True
    """Whether the message repeats a wrong time."""
    today_of_request: bool = True
    """Whether "today" is the day in the offset of the parameter or in the server's zone."""
    keeps_empty_intervals: bool = False
    """Whether every response has the key `interval_reports`."""
    plain_day_dates: bool = True
    """Whether days are dates; older servers wrote an instant."""
    session_apps: Literal["families", "listed", "bounded", "by-method"] = "families"
    """How the usage of editors, SSH and terminals is reported: by family, or by app."""
    sftp: bool = True
    """Whether SFTP is among the families."""
    own_app_templates: bool = True
    """Whether a built-in app names its own templates only, or all of the report."""
    times_used: bool = True
    """Whether apps have `times_used`."""
    organization_names: bool = True
    """Whether templates name their organization."""
    all_templates: bool = True
    """Whether `/templates` exists; older servers list them by organization only."""
    all_groups: bool = True
    """Whether `/groups` exists, and groups have a count of members and their organization's names."""
    explains_license: bool = True
    """Whether a Premium feature is refused with 403; older servers have no such route without a license."""
    agent_features: bool = True
    """Whether entitlements have AI seats and agents."""
    status_counts: Literal["absent", "interval", "timezone", "timezone-only"] = "timezone"
    """Whether user-status-counts exists, and which parameters it has: `tz_offset` in all but the last."""
    vscode_name: str = "VS Code Family"
    explains_forbidden: bool = True
    """Whether a 403 has a detail."""
    counts_rate: bool = True
    """Whether a 429 names the limit."""
    challenges: bool = True
    """Whether a 401 carries WWW-Authenticate."""


VERSION_2026 = ServerVersion(name="2026")
VERSION_2026_SESSION_APPS = ServerVersion(name="2026-session-apps", release="v2.33.0", session_apps="listed")
VERSION_2026_BOUNDED = ServerVersion(name="2026-bounded", release="v2.34.0", session_apps="bounded")
VERSION_NEXT = ServerVersion(
    name="next", release="v2.36.0", session_apps="by-method", status_counts="timezone-only"
)
VERSION_2025 = ServerVersion(
    name="2025",
    release="v2.18.0",
    status_counts="interval",
    vscode_name="Visual Studio Code",
    agent_features=False,
)
VERSION_2024 = ServerVersion(
    name="2024",
    release="v2.9.0",
    refuses_repeats=False,
    times_used=False,
    organization_names=False,
    all_groups=False,
    explains_license=False,
    agent_features=False,
    status_counts="absent",
    vscode_name="Visual Studio Code",
    explains_forbidden=False,
    counts_rate=False,
    challenges=False,
)
VERSION_2023 = ServerVersion(
    name="2023",
    release="v2.1.0",
    week_intervals=False,
    sections=False,
    refuses_repeats=False,
    says_not_empty=False,
    repeats_clock=False,
    today_of_request=False,
    keeps_empty_intervals=True,
    plain_day_dates=False,
    sftp=False,
    own_app_templates=False,
    times_used=False,
    organization_names=False,
    all_groups=False,
    explains_license=False,
    agent_features=False,
    all_templates=False,
    status_counts="absent",
    vscode_name="Visual Studio Code",
    explains_forbidden=False,
    counts_rate=False,
    challenges=False,
)

SERVER_VERSIONS: Mapping[str, ServerVersion] = MappingProxyType(
    {
        each.name: each
        for each in (
            VERSION_2023,
            VERSION_2024,
            VERSION_2025,
            VERSION_2026,
            VERSION_2026_SESSION_APPS,
            VERSION_2026_BOUNDED,
            VERSION_NEXT,
        )
    }
)
