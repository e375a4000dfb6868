"""The versions of Coder servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """One version of the server."""

    name: str
    year: int
    """Decides what the server can do.

    2024 brought SFTP, `/templates`, and days without a time; 2025 user-status-counts, `/groups`,
    `times_used` and names of organizations; 2026 agents, and time zones in user-status-counts; 2027
    has no other zones there.
    """
    release: str
    """The version that it reports."""
    session_apps: Literal["families", "listed", "bounded", "by-method"] = "families"
    """How the usage of editors, SSH and terminals is reported: by family, or by app."""
    published: bool = False
    """Whether requests and paths are those of the API documentation."""


_VERSIONS = (
    ServerVersion("2023", 2023, "v2.1.0"),
    ServerVersion("2024", 2024, "v2.9.0"),
    ServerVersion("2025", 2025, "v2.18.0"),
    ServerVersion("2026", 2026, "v2.30.0"),
    ServerVersion("2026-session-apps", 2026, "v2.33.0", "listed"),
    ServerVersion("2026-bounded", 2026, "v2.34.0", "bounded"),
    ServerVersion("next", 2027, "v2.36.0", "by-method"),
)
SERVER_VERSIONS: Mapping[str, ServerVersion] = {version.name: version for version in _VERSIONS}
"""The versions of the real server, by name, oldest first."""
PUBLISHED_VERSION = ServerVersion("published", 2024, "v2.9.0", published=True)
"""The version for which the API documentation was written."""
