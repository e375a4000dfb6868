"""What the exporter says of itself as a whole: its version, its last reload."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from insights_exporter import __version__
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Samples

BUILD_INFO = Family(
    name="insights_exporter_build_info",
    kind="gauge",
    help="The version of the exporter, always 1.",
    labels=("version",),
    source="the exporter itself",
    example="count by (version) (insights_exporter_build_info)",
)
RELOAD_SUCCESSFUL = Family(
    name="insights_exporter_config_last_reload_successful",
    kind="gauge",
    help="Whether the last try to load the settings succeeded (1) or not (0).",
    source="the exporter itself",
    example="insights_exporter_config_last_reload_successful == 0",
)
RELOAD_TIME = Family(
    name="insights_exporter_config_last_reload_success_timestamp_seconds",
    kind="gauge",
    help="When the settings were last loaded, as Unix time.",
    source="the exporter itself",
    example="time() - insights_exporter_config_last_reload_success_timestamp_seconds",
)
OWN_FAMILIES = (BUILD_INFO, RELOAD_SUCCESSFUL, RELOAD_TIME)


@dataclass(slots=True)
class Reloads:
    """How the last load of the settings went."""

    successful: bool = True
    succeeded_at: float = field(default_factory=time.time)

    def ended(self, *, successful: bool) -> None:
        """Take note of a try."""
        self.successful = successful
        if successful:
            self.succeeded_at = time.time()

    def samples(self) -> Iterable[Samples]:
        """Give the samples of the exporter's own families."""
        yield Samples(BUILD_INFO, (((__version__,), 1.0),))
        yield Samples(RELOAD_SUCCESSFUL, (((), float(self.successful)),))
        yield Samples(RELOAD_TIME, (((), self.succeeded_at),))
